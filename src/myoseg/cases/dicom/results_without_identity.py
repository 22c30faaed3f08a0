"""A segmentation or report whose attributes were cleaned enters; it leaves whole, or is refused."""

from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    SegmentationStorage,
)

from myoseg.cases.dicom.dates import DUMMY_DATES
from myoseg.cases.dicom.kept_text import REMOVED
from myoseg.cases.dicom.report_content import Clean, KeptText, cleaned_content
from myoseg.errors import InputError

SEGMENTATIONS: Final = frozenset({SegmentationStorage})
REPORTS: Final = frozenset({EnhancedSRStorage, ComprehensiveSRStorage, Comprehensive3DSRStorage})
RESULTS: Final = SEGMENTATIONS | REPORTS
"""Objects that hold results on images, and that may be shared without identity."""

DATES_OF_RESULTS: Final = frozenset({"StudyDate"})

_OWN_LABELS: Final = ("MYOCARDIUM", "SEGMENTATION")
_CODES_OF_SEGMENT: Final = (
    "SegmentedPropertyCategoryCodeSequence",
    "SegmentedPropertyTypeCodeSequence",
)


def finish_segmentation(cleaned: Dataset) -> None:
    """Numbers segments whose label was taken out; alters `cleaned`.

    Raises:
        InputError: a segment does not say in a public code what it is.
    """
    if str(cleaned.get("ContentLabel")) not in _OWN_LABELS:
        cleaned.ContentLabel = "SEGMENTATION"
    segments = cleaned.get("SegmentSequence")
    if not segments:
        raise InputError("the segmentation has no segment.")
    for segment in segments:
        if not all(segment.get(name) for name in _CODES_OF_SEGMENT):
            raise InputError("a segment does not say in a public code what it is.")
        number = int(segment.SegmentNumber)
        if segment.get("SegmentLabel") in (None, "", REMOVED):
            segment.SegmentLabel = f"Segment {number}"


def finish_report(original: Dataset, cleaned: Dataset, clean: Clean, kept: KeptText) -> None:
    """Gives a report what stays of its content; alters `cleaned`.

    Args:
        original: the report as it was.
        cleaned: the same without identity, its content not gone through.
        clean: as `report_content.cleaned_content`.
        kept: likewise.

    Raises:
        InputError: its title is no public code, or nothing of its content stays.
    """
    if not cleaned.get("ConceptNameCodeSequence"):
        raise InputError("the report's title is no public code.")
    content = cleaned_content(original.get("ContentSequence") or (), clean, kept)
    if not content:
        raise InputError("nothing of the report's content stays.")
    cleaned.ContentSequence = content
    if cleaned.get("VerificationFlag") == "VERIFIED":
        cleaned.VerifyingObserverSequence = Items([_nobody()])


def _nobody() -> Dataset:
    """Stands for whoever verified a report."""
    observer = Dataset()
    observer.VerifyingObserverName = REMOVED
    observer.VerifyingOrganization = REMOVED
    observer.VerificationDateTime = DUMMY_DATES["DT"]
    observer.VerifyingObserverIdentificationCodeSequence = Items([])
    return observer
