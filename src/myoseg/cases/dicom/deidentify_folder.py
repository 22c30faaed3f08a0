"""A folder of DICOM files in, its MR images and results without identity in another folder out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydicom.dataset import Dataset

from myoseg.cases.dicom.deidentify import deidentified
from myoseg.cases.dicom.plain_objects import UNREADABLE, plain_objects
from myoseg.cases.dicom.pseudonyms import Dates, PseudonymKey
from myoseg.cases.dicom.report_content import n_content_items
from myoseg.cases.dicom.results_without_identity import RESULTS
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.cases.phantom.data_set import require_empty
from myoseg.errors import InputError, OutputError
from myoseg.files import written_whole

UNSURE: Final = "a segmentation or report of whose content too little is known to be harmless"
REPEATED: Final = "the same instance is there more than once"


@dataclass(frozen=True)
class DeidentifiedFolder:
    """What was done; it names no file, since names of files may name patients.

    Attributes:
        n_written: images, segmentations and reports written.
        n_patients: pseudonyms that they are under.
        left_out: how many files were not written, by reason.
        n_unstated: images written whose header does not say whether text is burned into them.
        n_results: how many of those written are segmentations and reports.
        n_items_removed: content items that the reports lost, comments and names among them.
    """

    n_written: int
    n_patients: int
    left_out: Mapping[str, int]
    n_unstated: int
    n_results: int = 0
    n_items_removed: int = 0

    def to_text(self) -> str:
        """A line for each finding."""
        n_images = self.n_written - self.n_results
        lines = [f"images written: {n_images}, of patients: {self.n_patients}"]
        if self.n_results:
            lines.append(f"segmentations and reports written: {self.n_results}")
        if self.n_items_removed:
            lines.append(f"items removed from what reports say: {self.n_items_removed}")
        lines += [f"{number} left out: {reason}" for reason, number in self.left_out.items()]
        if self.n_unstated:
            lines.append(
                f"{self.n_unstated} do not state whether text is burned into the image: look at "
                "some before sharing them"
            )
        return "\n".join(lines)


def deidentify_folder(
    folder: Path, out: Path, key: PseudonymKey, *, dates: Dates = "removed"
) -> DeidentifiedFolder:
    """Writes what is below `folder` as `out`/PSEUDONYM/SERIES/INSTANCE.dcm, uncompressed.

    MR images, segmentations and structured reports, which go on referring to each other.

    One file is in memory at a time, of small compressed ones a few; each appears whole or not at
    all.

    Raises:
        InputError: `folder` is no folder.
        OutputError: `out` is not empty, lies within `folder`, or cannot be written.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the folder that holds the DICOM files.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise OutputError(f"{out} lies within {folder}; choose an output folder outside of it.")
    require_empty(out)
    tally = _Tally()
    for image in plain_objects(_files(folder)):
        with libraries_silent():
            cleaned = (
                image if isinstance(image, str) else _cleaned_or_reason(image, key, dates, out)
            )
            if isinstance(image, str) or isinstance(cleaned, str):
                tally.left_out[str(cleaned)] += 1
            else:
                tally.count(image, cleaned)
    return tally.result()


class _Tally:
    """What has been done so far."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._patients: set[str] = set()
        self._n: Counter[str] = Counter()

    def count(self, original: Dataset, cleaned: Dataset) -> None:
        """Counts an object that was written."""
        self._patients.add(str(cleaned.PatientID))
        is_result = str(original.SOPClassUID) in RESULTS
        self._n["written"] += 1
        self._n["results"] += is_result
        self._n["unstated"] += not is_result and "BurnedInAnnotation" not in original
        if is_result:
            self._n["items"] += n_content_items(original) - n_content_items(cleaned)

    def result(self) -> DeidentifiedFolder:
        return DeidentifiedFolder(
            self._n["written"],
            len(self._patients),
            MappingProxyType(dict(self.left_out.most_common())),
            self._n["unstated"],
            self._n["results"],
            self._n["items"],
        )


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder, in order; links are not followed out of it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _cleaned_or_reason(image: Dataset, key: PseudonymKey, dates: Dates, out: Path) -> Dataset | str:
    """The object without identity, once written; or why it was not.

    Raises:
        OutputError: the disk is full or `out` cannot be written.
    """
    try:
        cleaned = deidentified(image, key, dates)
        path = _path_of(cleaned, out)
        if path.exists():
            return REPEATED
        with written_whole(path) as aside:
            cleaned.save_as(aside, enforce_file_format=True)
    except OutputError:
        raise
    except InputError:
        return UNSURE
    except Exception:
        return UNREADABLE  # pydicom raises nearly anything when it writes damaged elements; counted
    return cleaned


def _path_of(cleaned: Dataset, out: Path) -> Path:
    """Named by replaced identifiers only.

    Raises:
        KeyError, ValueError: the header lacks an identifier, or gives several for one.
    """
    named = [cleaned[name] for name in ("PatientID", "SeriesInstanceUID", "SOPInstanceUID")]
    if any(element.VM != 1 for element in named):
        raise ValueError("several identifiers where one is meant")
    patient, series, instance = (str(element.value) for element in named)
    return out / patient / series / f"{instance}.dcm"
