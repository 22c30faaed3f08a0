"""DICOM Segmentation: a label map and the headers of its images enter, a SEG on them leaves.

Segments are BINARY, one bit a pixel and one frame for each segment and image, as every viewer and
archive that knows segmentations reads them; a LABELMAP object (Supplement 243, 2024) would be
smaller, but few programs open it yet.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation as SegmentationObject
from highdicom.seg import SegmentationTypeValues, SegmentDescription
from highdicom.sr import CodedConcept
from jaxtyping import Int16, UInt8
from pydicom import Dataset

from myoseg.anatomy import Tissues
from myoseg.cases.case import LabelMap, Segmentation
from myoseg.cases.dicom.authorship import PROGRAM, RESEARCH_ONLY, Authorship, derived_uid
from myoseg.cases.dicom.codes import (
    ARTIFICIAL_INTELLIGENCE,
    in_segment_order,
    property_codes,
)
from myoseg.cases.dicom.originals import Originals
from myoseg.cases.dicom.placing import PlacedLabels, place_labels
from myoseg.cases.dicom.references import refer_to_planes, stand_ins
from myoseg.cases.dicom.silence import faulty_attributes, libraries_silent
from myoseg.cases.dicom.source_planes import planes_of
from myoseg.cases.legend import rgb_of, title_of
from myoseg.errors import InputError
from myoseg.files import written_whole

SERIES_NUMBER: Final = 9100
"""Beyond what scanners count to."""


def segmentation_object(
    segmentation: Segmentation,
    sources: Sequence[Dataset] | Originals,
    *,
    authorship: Authorship | None = None,
) -> SegmentationObject:
    """The segmentation as a DICOM object that refers to the images it was found in.

    Each group of tissues that was assessed is a segment, also where there is nothing of it; what
    was not assessed is none. Patient and study are the sources'. The same labels on the same
    images give the same UIDs.

    Args:
        segmentation: labels on the grid of the sources, with axes in any order and direction.
        sources: headers of the images, in any order, of one series or of several that make a stack;
            classic or enhanced multi-frame. Of the phases of a cine the first is referred to. Or
            what `originals` found, where images were read as a volume or are to be looked for.
        authorship: how the labels came about; a model's by default.

    Raises:
        InputError: a header lacks what an image must say, or nothing was assessed.
        GeometryError: the labels do not lie on the images, or these are not parallel.
    """
    labels, made = segmentation.labels, authorship or Authorship()
    groups = in_segment_order(labels.groups)
    if not groups:
        raise InputError("no tissue was assessed, so there is no segment to write.")
    found = sources if isinstance(sources, Originals) else Originals(planes_of(sources))
    numbers = _numbered(labels.codes, groups)
    placed = place_labels(numbers, segmentation.geometry, found.planes, found.grid)
    identity = _identity(placed, groups, made)
    with libraries_silent():
        proxies = stand_ins(placed.planes)
        written = _written(placed, proxies, groups, made, identity)
        by_uid = {p.SOPInstanceUID: plane for p, plane in zip(proxies, placed.planes, strict=True)}
        refer_to_planes(written, by_uid)
        _pad_with_zeros(written)
        return SegmentationObject.from_dataset(written, copy=False)


def write_dicom_object(path: Path, written: Dataset) -> None:
    """Writes a DICOM object as a file, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with libraries_silent(), written_whole(path) as aside, aside.open("wb") as stream:
        written.save_as(stream, enforce_file_format=True)
        stream.flush()
        os.fsync(stream.fileno())


def segment_numbers(labels: LabelMap) -> dict[Tissues, int]:
    """The number of each group's segment, counted from 1."""
    return {group: number for number, group in enumerate(in_segment_order(labels.groups), 1)}


def _numbered(
    codes: Int16[np.ndarray, "slice row col"], groups: Iterable[Tissues]
) -> UInt8[np.ndarray, "slice row col"]:
    numbers = np.zeros(codes.shape, dtype=np.uint8)
    for number, group in enumerate(groups, 1):
        numbers[np.isin(codes, [int(tissue) for tissue in group])] = number
    return numbers


def _identity(placed: PlacedLabels, groups: Sequence[Tissues], made: Authorship) -> tuple[str, ...]:
    """What makes this object another than any other: images, labels, segments and author."""
    content = hashlib.sha256(np.ascontiguousarray(placed.frames).tobytes()).hexdigest()
    references = (str(plane.reference) for plane in placed.planes)
    titles = (title_of(group) for group in groups)
    return (*references, content, *titles, made.origin, made.method, made.version)


def _written(
    placed: PlacedLabels,
    proxies: Sequence[Dataset],
    groups: Sequence[Tissues],
    made: Authorship,
    identity: tuple[str, ...],
) -> SegmentationObject:
    try:
        return SegmentationObject(
            source_images=proxies,
            pixel_array=placed.frames,
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=[
                _description(number, group, made, identity)
                for number, group in enumerate(groups, 1)
            ],
            series_instance_uid=derived_uid("series", *identity),
            series_number=SERIES_NUMBER,
            sop_instance_uid=derived_uid("instance", *identity),
            instance_number=1,
            manufacturer=PROGRAM,
            manufacturer_model_name=PROGRAM,
            software_versions=made.version,
            device_serial_number=made.version,
            omit_empty_frames=bool(placed.frames.any()),
            content_label="MYOCARDIUM",
            content_description=f"LV and RV tissues. {RESEARCH_ONLY}",
            series_description=f"{PROGRAM} segmentation. {RESEARCH_ONLY}",
        )
    except (AttributeError, TypeError, ValueError):
        faulty = ", ".join(faulty_attributes(proxies[0])) or "an attribute"
        # Without the cause, which may quote what stands there.
        raise InputError(
            f"the images' headers cannot be carried over into a segmentation: {faulty} of patient "
            "or study is not as DICOM has it; correct it in the images."
        ) from None


def _pad_with_zeros(written: SegmentationObject) -> None:
    """Clears what fills the pixels up to an even number of bytes; highdicom puts a "0" there."""
    n_bytes = -(-written.NumberOfFrames * written.Rows * written.Columns // 8)
    written.PixelData = written.PixelData[:n_bytes].ljust(n_bytes + n_bytes % 2, b"\0")


def _description(
    number: int, group: Tissues, made: Authorship, identity: tuple[str, ...]
) -> SegmentDescription:
    codes, title = property_codes(group), title_of(group)
    described = SegmentDescription(
        segment_number=number,
        segment_label=title[0].upper() + title[1:],
        segmented_property_category=codes.category,
        segmented_property_type=codes.type,
        algorithm_type=made.origin,
        algorithm_identification=_algorithm(made),
        tracking_uid=derived_uid("segment", str(number), *identity),
        tracking_id=title,
        anatomic_regions=None if codes.region is None else [codes.region],
        display_color=CIELabColor.from_rgb(*rgb_of(group)),
    )
    if codes.modifier is not None:
        modifier = [CodedConcept.from_code(codes.modifier)]
        described.SegmentedPropertyTypeCodeSequence[
            0
        ].SegmentedPropertyTypeModifierCodeSequence = modifier
    return described


def _algorithm(made: Authorship) -> AlgorithmIdentificationSequence | None:
    """None for what was drawn by hand."""
    if made.origin == "MANUAL":
        return None
    return AlgorithmIdentificationSequence(
        name=made.name,
        family=ARTIFICIAL_INTELLIGENCE,
        version=made.version,
        source=PROGRAM,
    )
