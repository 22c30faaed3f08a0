"""A folder with a study's images enters; its segmentation and report in DICOM leave."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from myoseg.case_results import measures_of, with_flags
from myoseg.cases.aligned_case import read_aligned_case
from myoseg.cases.dicom.authorship import Authorship
from myoseg.cases.dicom.originals import originals_of_source
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.cases.finding import find_dicom_cases
from myoseg.errors import InputError
from myoseg.prediction.model import Model
from myoseg.prediction.segment import segment
from myoseg.reporting.dicom_results import save_dicom_results

_NAME: Final = "study"


@dataclass(frozen=True)
class Segmenting:
    """Makes a study's results with a model.

    Attributes:
        model: loaded.
        align: how sequences are brought onto one grid (`cases.alignment.Alignment`).
        method: what the results name as their method.
    """

    model: Model
    align: str
    method: str

    def __call__(self, images: Path, out: Path) -> None:
        """Writes study_seg.dcm and study_sr.dcm into `out`, which is there.

        Raises:
            InputError: the images give no result: there is no short-axis stack, or none to use.
            GeometryError: likewise.
            OutputError: the results cannot be written now.
        """
        with libraries_silent():
            found = find_dicom_cases(images)
            if len(found) != 1 or not found[0].images:
                raise InputError(
                    "no short-axis LGE, T2 or bSSFP stack was found; send a study that has one."
                )
            files = replace(found[0], name=_NAME)
            assert files.dicom is not None
            aligned = read_aligned_case(files, self.align)
            segmentation = with_flags(segment(aligned.case, self.model), aligned.alignment)
            measures = measures_of(segmentation.labels, aligned.case)
            originals = originals_of_source(files.dicom, segmentation.geometry)
            made = Authorship("AUTOMATIC", self.method)
            save_dicom_results(segmentation, measures, originals, out, authorship=made)
