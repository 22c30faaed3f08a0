"""A case in DICOM: segmentation, measures and the images' headers enter, SEG and SR leave."""

from pathlib import Path

from pydicom import Dataset

from myoseg.cases.case import Segmentation
from myoseg.cases.dicom.authorship import Authorship
from myoseg.cases.dicom.originals import Originals
from myoseg.cases.dicom.segmentation_object import segmentation_object, write_dicom_object
from myoseg.quantification.measures import Measures
from myoseg.reporting.structured_report import structured_report


def save_dicom_results(
    segmentation: Segmentation,
    measures: Measures | None,
    originals: Originals,
    out: Path,
    *,
    authorship: Authorship | None = None,
) -> tuple[Path, ...]:
    """Writes CASE_seg.dcm and, where there are measures, CASE_sr.dcm into `out`.

    Both file under the patient and study of the images. They are made before either is written, so
    that there is no report without its segmentation.

    Args:
        segmentation: on the grid of the images.
        measures: of its labels.
        originals: the images.
        out: the folder.
        authorship: how the labels came about; a model's by default.

    Returns:
        The paths written.

    Raises:
        InputError: as `segmentation_object` and `structured_report`.
        GeometryError: the labels do not lie on the images.
        OutputError: a file cannot be written.
    """
    written = segmentation_object(segmentation, originals, authorship=authorship)
    objects: dict[Path, Dataset] = {out / f"{segmentation.name}_seg.dcm": written}
    if measures is not None:
        quality = segmentation.quality
        flags = () if quality is None else quality.flags
        doubts = [f"Look at this case: {flag.words}." for flag in flags]
        report = structured_report(
            measures, segmentation.labels, written, authorship=authorship, notes=doubts
        )
        objects[out / f"{segmentation.name}_sr.dcm"] = report
    for path, each in objects.items():
        write_dicom_object(path, each)
    return tuple(objects)
