"""A folder of DICOM files in, its cardiac MR images without identity in another folder out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
)

from myoseg.cases.dicom.deidentify import deidentified
from myoseg.cases.dicom.opening import is_dicom, read_whole
from myoseg.cases.dicom.pseudonyms import Dates, PseudonymKey
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.cases.phantom.data_set import require_empty
from myoseg.errors import InputError, OutputError
from myoseg.files import written_whole

IMAGES: Final = frozenset(
    {MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage}
)
"""What is written. Reports, documents and screenshots are not: what they say cannot be checked."""

NO_DICOM: Final = "no DICOM file"
UNREADABLE: Final = "not readable"
NO_IMAGE: Final = "no MR image: report, document, screenshot, other modality or other object"
BURNED_IN: Final = "text is burned into the image, or it is a screenshot"
BAD_PIXELS: Final = "pixels are missing, cut short or cannot be decompressed"
REPEATED: Final = "the same instance is there more than once"
LARGEST_PIXELS_BYTES: Final = 1 << 31
WORD_BITS: Final = 16
_SCREENS: Final = frozenset({"SCREEN SAVE", "SCREENSAVE", "SECONDARY CAPTURE"})


@dataclass(frozen=True)
class DeidentifiedFolder:
    """What was done; it names no file, since names of files may name patients.

    Attributes:
        n_written: images written.
        n_patients: pseudonyms that they are under.
        left_out: how many files were not written, by reason.
        n_unstated: images written whose header does not say whether text is burned into them.
    """

    n_written: int
    n_patients: int
    left_out: Mapping[str, int]
    n_unstated: int

    def to_text(self) -> str:
        """A line for each finding."""
        lines = [f"images written: {self.n_written}, of patients: {self.n_patients}"]
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
    """Writes the MR images below `folder` as `out`/PSEUDONYM/SERIES/INSTANCE.dcm, uncompressed.

    One file is in memory at a time, and each appears whole or not at all.

    Raises:
        InputError: `folder` is no folder.
        OutputError: `out` is not empty, lies within `folder`, or cannot be written.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the folder that holds the DICOM files.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise OutputError(f"{out} lies within {folder}; choose an output folder outside of it.")
    require_empty(out)
    patients: set[str] = set()
    left_out: Counter[str] = Counter()
    n_written = n_unstated = 0
    for path in _files(folder):
        with libraries_silent():
            image = _image_or_reason(path)
            cleaned = (
                image if isinstance(image, str) else _cleaned_or_reason(image, key, dates, out)
            )
        if isinstance(image, str) or isinstance(cleaned, str):
            left_out[str(cleaned)] += 1
            continue
        patients.add(str(cleaned.PatientID))
        n_written += 1
        n_unstated += "BurnedInAnnotation" not in image
    return DeidentifiedFolder(
        n_written, len(patients), MappingProxyType(dict(left_out.most_common())), n_unstated
    )


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder, in order; links are not followed out of it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _image_or_reason(path: Path) -> Dataset | str:
    """An MR image with uncompressed pixels, or why there is none."""
    try:
        if not is_dicom(path):
            return NO_DICOM
        image = read_whole(path)
        if str(image.get("SOPClassUID")) not in IMAGES or "PixelData" not in image:
            return NO_IMAGE
        if _shows_text(image):
            return BURNED_IN
    except Exception:
        return UNREADABLE  # pydicom raises nearly anything on damaged headers
    return image if _made_plain(image) else BAD_PIXELS


def _cleaned_or_reason(image: Dataset, key: PseudonymKey, dates: Dates, out: Path) -> Dataset | str:
    """The image without identity, once written; or why it was not.

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
    except Exception:
        return UNREADABLE  # pydicom raises nearly anything when it writes damaged elements; counted
    return cleaned


def _path_of(cleaned: Dataset, out: Path) -> Path:
    """Named by replaced identifiers only."""
    series, instance = str(cleaned.SeriesInstanceUID), str(cleaned.SOPInstanceUID)
    return out / str(cleaned.PatientID) / series / f"{instance}.dcm"


def _shows_text(image: Dataset) -> bool:
    stated = str(image.get("BurnedInAnnotation") or "").strip().upper()
    kinds = image.get("ImageType") or ()
    several = [kinds] if isinstance(kinds, str) else kinds
    is_screen = any(str(each).strip().upper() in _SCREENS for each in several)
    return stated == "YES" or is_screen or "ConversionType" in image


def _made_plain(image: Dataset) -> bool:
    """Decompresses the pixels, since compressed ones may carry comments, and cuts what follows.

    Alters `image`, which the caller read for this.
    """
    try:
        n_values = int(image.Rows) * int(image.Columns) * int(image.get("SamplesPerPixel", 1))
        n_bits = n_values * int(image.get("NumberOfFrames") or 1) * int(image.BitsAllocated)
        n_bytes = (n_bits + 7) // 8
        if not 0 < n_bytes <= LARGEST_PIXELS_BYTES:
            return False
        if image.file_meta.TransferSyntaxUID.is_encapsulated:
            image.decompress(generate_instance_uid=False)
        if image.file_meta.TransferSyntaxUID.is_deflated:
            image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if len(image.PixelData) < n_bytes:
            return False
        pixels = _within_bits_stored(image, bytes(image.PixelData[:n_bytes]))
        image.PixelData = pixels + b"\0" * (n_bytes % 2)
    except Exception:
        return False  # decoders raise nearly anything on damaged pixels
    return True


def _within_bits_stored(image: Dataset, pixels: bytes) -> bytes:
    """The pixels without what older scanners put into unused upper bits: overlays with text."""
    unused = int(image.BitsAllocated) - int(image.BitsStored)
    is_usual = int(image.BitsAllocated) == WORD_BITS and int(image.HighBit) + 1 == int(
        image.BitsStored
    )
    if not (is_usual and 0 < unused < WORD_BITS):
        return pixels
    order = "<" if image.file_meta.TransferSyntaxUID.is_little_endian else ">"
    kind = "i2" if int(image.PixelRepresentation) else "u2"
    values = np.frombuffer(pixels, dtype=order + kind)
    return ((values << unused) >> unused).astype(order + kind).tobytes()
