"""From results to their images: planes enter as plain headers, and are referred to as they are.

The library that writes segmentations asks for the images of one classic series, or for one
multi-frame image with one orientation for all frames. Stacks of several series, chosen phases of
a cine, and frames that each carry their orientation are neither. So it is given one plain header
for each plane, and what the result says of its sources is set afterwards.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.uid import MRImageStorage
from pydicom.valuerep import format_number_as_ds

from myoseg.cases.dicom.authorship import derived_uid
from myoseg.cases.dicom.source_planes import SourcePlane
from myoseg.errors import GeometryError, InputError

PARALLEL: Final = 1e-3
"""How far direction cosines of planes in one result may differ: .2 mm across a heart."""

_EMPTY_WHERE_MISSING: Final = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
)
_KNOWN_SEXES: Final = ("M", "F", "O", "")
_CARRIED_GROUPS: Final = (0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0032, 0x0040)


def stand_ins(planes: Sequence[SourcePlane]) -> list[Dataset]:
    """A plain header for each plane; the first holds patient and study.

    Where the thickness of slices is not told, it is taken for their distance.

    Raises:
        GeometryError: the planes are not parallel, or lie in different frames of reference.
        InputError: the planes are of several studies.
    """
    first = planes[0]
    cosines = np.array([plane.orientation for plane in planes], dtype=float)
    if np.abs(cosines - cosines[0]).max() > PARALLEL:
        raise GeometryError("the images are not parallel to each other; give one short-axis stack.")
    if len({str(plane.header.get("StudyInstanceUID")) for plane in planes}) > 1:
        raise InputError("the images are of several studies; give one study.")
    if len({str(plane.header.get("FrameOfReferenceUID")) for plane in planes}) > 1:
        raise GeometryError(
            "the images lie in several frames of reference, so their places cannot be compared; "
            "give images of one."
        )
    thickness_mm = first.thickness_mm or _distance_mm(planes)
    return [_plain(plane, first, thickness_mm) for plane in planes]


def header_to_carry(header: Dataset) -> Dataset:
    """A copy of the header with what identifies patient and study, and no pixels.

    Attributes that a result must have are empty where the image lacks them.
    """
    carried = Dataset()
    for group in _CARRIED_GROUPS:
        carried.update(deepcopy(header.group_dataset(group)))
    for name in _EMPTY_WHERE_MISSING:
        if name not in carried:
            setattr(carried, name, "")
    if carried.PatientSex not in _KNOWN_SEXES:
        carried.PatientSex = ""
    return carried


def _distance_mm(planes: Sequence[SourcePlane]) -> float:
    """Of the two planes that are nearest to each other; of one plane, that of its pixels."""
    positions = np.array([plane.position for plane in planes], dtype=float)
    if len(planes) < 2:
        return float(max(planes[0].spacing))
    gaps = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    return float(gaps[gaps > 0].min())


def _plain(plane: SourcePlane, first: SourcePlane, thickness_mm: float) -> Dataset:
    plain = header_to_carry(first.header) if plane is first else Dataset()
    header = first.header
    plain.StudyInstanceUID = header.StudyInstanceUID
    plain.SeriesInstanceUID = header.SeriesInstanceUID
    plain.FrameOfReferenceUID = header.get("FrameOfReferenceUID") or derived_uid(
        "frame of reference", str(header.SeriesInstanceUID)
    )
    plain.Modality = "MR"
    plain.SOPClassUID = MRImageStorage
    plain.SOPInstanceUID = derived_uid("plane", *map(str, plane.reference))
    plain.Rows, plain.Columns = plane.shape
    plain.ImageOrientationPatient = list(first.orientation)
    plain.ImagePositionPatient = list(plane.position)
    plain.PixelSpacing = list(first.spacing)
    plain.SliceThickness = format_number_as_ds(thickness_mm)
    if "SpacingBetweenSlices" in plain:
        del plain.SpacingBetweenSlices
    return plain


def refer_to_planes(written: Dataset, planes: Mapping[str, SourcePlane]) -> None:
    """Sets what a fresh segmentation says of its sources; `planes` are by stand-in's UID."""
    for groups in written.PerFrameFunctionalGroupsSequence:
        for derivation in groups.get("DerivationImageSequence", ()):
            for source in derivation.SourceImageSequence:
                # Frames of several segments on one plane share the item, which is then set already.
                plane = planes.get(source.ReferencedSOPInstanceUID)
                if plane is not None:
                    _set_reference(source, plane)
                    if plane.frame is not None:
                        source.ReferencedFrameNumber = plane.frame
    by_instance = {plane.reference[:3]: plane for plane in planes.values()}
    written.SourceImageSequence = [_reference(plane) for plane in by_instance.values()]
    by_series: dict[str, list[Dataset]] = {}
    for (series, _, _), plane in by_instance.items():
        by_series.setdefault(series, []).append(_reference(plane))
    written.ReferencedSeriesSequence = [
        _series(series, references) for series, references in by_series.items()
    ]


def _reference(plane: SourcePlane) -> Dataset:
    reference = Dataset()
    _set_reference(reference, plane)
    return reference


def _set_reference(reference: Dataset, plane: SourcePlane) -> None:
    _, reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID, _ = plane.reference


def _series(series: str, references: list[Dataset]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = series
    item.ReferencedInstanceSequence = references
    return item
