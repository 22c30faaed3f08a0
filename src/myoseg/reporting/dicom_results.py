"""A case in DICOM: segmentation, measures and the images' headers enter, SEG and SR leave."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydicom import Dataset

from myoseg.cases.case import Segmentation
from myoseg.cases.dicom.authorship import Authorship
from myoseg.cases.dicom.deidentify import deidentified
from myoseg.cases.dicom.originals import Originals
from myoseg.cases.dicom.pseudonyms import Deidentification
from myoseg.cases.dicom.segmentation_object import segmentation_object, write_dicom_object
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.quantification.measures import Measures
from myoseg.reporting.structured_report import structured_report


def save_dicom_results(
    segmentation: Segmentation,
    measures: Measures | None,
    originals: Originals,
    out: Path,
    *,
    authorship: Authorship | None = None,
    deidentification: Deidentification | None = None,
) -> tuple[Path, ...]:
    """Writes CASE_seg.dcm and, where there are measures, CASE_sr.dcm into `out`.

    Both file under the patient and study of the images, or under those that the images have once
    they are de-identified likewise. They are made before either is written, so that there is no
    report without its segmentation.

    Args:
        segmentation: on the grid of the images.
        measures: of its labels.
        originals: the images.
        out: the folder.
        authorship: how the labels came about; a model's by default.
        deidentification: how identity is taken out; the images' identity is kept where None.

    Returns:
        The paths written.

    Raises:
        InputError: as `segmentation_object` and `structured_report`.
        GeometryError: the labels do not lie on the images.
        OutputError: a file cannot be written.
    """
    made = authorship or Authorship()
    written = segmentation_object(segmentation, originals, authorship=made)
    objects: dict[Path, Dataset] = {out / f"{segmentation.name}_seg.dcm": written}
    if measures is not None:
        quality = segmentation.quality
        flags = () if quality is None else quality.flags
        doubts = [f"Look at this case: {flag.words}." for flag in flags]
        report = structured_report(
            measures, segmentation.labels, written, authorship=made, notes=doubts
        )
        objects[out / f"{segmentation.name}_sr.dcm"] = report
    if deidentification is not None:
        texts = own_texts(objects.values(), made)
        objects = {
            path: without_identity(each, deidentification, texts) for path, each in objects.items()
        }
    for path, each in objects.items():
        write_dicom_object(path, each)
    return tuple(objects)


def own_texts(objects: Iterable[Dataset], made: Authorship) -> frozenset[str]:
    """What this program says in its own words in results that it made: it names no patient."""
    said = (item.TextValue for each in objects for item in _texts_of(each))
    return frozenset({*said, made.name, made.version})


def without_identity(
    written: Dataset, deidentification: Deidentification, texts: frozenset[str]
) -> Dataset:
    """A result as it is shared; `texts` are those of `own_texts`."""
    key, dates = deidentification.key, deidentification.dates
    with libraries_silent():
        return deidentified(written, key, dates, texts=texts)


def _texts_of(item: Dataset) -> Iterator[Dataset]:
    """The content items of a report that are texts."""
    for child in item.get("ContentSequence") or ():
        if child.get("ValueType") == "TEXT":
            yield child
        yield from _texts_of(child)
