"""Where DICOM images lie in the patient: headers enter, a plane for each image or frame leaves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float
from pydicom import Dataset

from myoseg.errors import InputError

LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])

_IDENTIFIERS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
_FUNCTIONAL_GROUPS: Final = (
    *("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"),
    "CardiacSynchronizationSequence",
)


@dataclass(frozen=True, eq=False)
class SourcePlane:
    """One image of an instance, or one frame of a multi-frame instance.

    Attributes:
        header: the instance; its pixels are not needed.
        frame: number of the frame, counted from 1; None for an instance of one image.
        shape: rows and columns.
        position: of the middle of the first pixel, in DICOM's LPS millimetres, as stored.
        orientation: direction cosines of a row, then of a column, as stored.
        spacing: of rows, then of columns, in millimetres, as stored.
        thickness_mm: of the slice; None where it is not told.
        trigger_ms: since the R wave; 0 where it is not told.
    """

    header: Dataset
    frame: int | None
    shape: tuple[int, int]
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    thickness_mm: float | None
    trigger_ms: float = 0.0

    @property
    def to_lps(self) -> Float[np.ndarray, "3 3"]:
        """Maps (col, row, 1) to LPS millimetres."""
        along_row, along_col = np.reshape(np.array(self.orientation, dtype=float), (2, 3))
        row_mm, col_mm = (float(length) for length in self.spacing)
        position = np.array(self.position, dtype=float)
        return np.column_stack([along_row * col_mm, along_col * row_mm, position])

    @property
    def to_ras(self) -> Float[np.ndarray, "3 3"]:
        """Maps (col, row, 1) to NIfTI's RAS millimetres."""
        return np.asarray(LPS_TO_RAS @ self.to_lps)

    @property
    def reference(self) -> tuple[str, str, str, int | None]:
        """Series, SOP class, SOP instance and frame."""
        header = self.header
        return (
            str(header.SeriesInstanceUID),
            str(header.SOPClassUID),
            str(header.SOPInstanceUID),
            self.frame,
        )


def planes_of(sources: Iterable[Dataset]) -> tuple[SourcePlane, ...]:
    """The planes of instances, the earliest in the heartbeat first, then by number.

    The order does not depend on that of the sources.

    Args:
        sources: headers of single-frame images or of enhanced multi-frame ones; pixels may be left
            out.

    Raises:
        InputError: an instance does not say where its images lie.
    """
    planes = [plane for header in sources for plane in _planes_of_instance(header)]
    return tuple(sorted(planes, key=_when))


def _when(plane: SourcePlane) -> tuple[float, int, int, str]:
    number = plane.header.get("InstanceNumber")
    return (
        plane.trigger_ms,
        number if isinstance(number, int) else 0,
        plane.frame or 0,
        "/".join(plane.reference[:3]),
    )


def plane_of(header: Dataset, frame: int | None) -> SourcePlane:
    """The plane of an instance of one image, or of a frame, counted from 1.

    Raises:
        InputError: there is no such frame, or the instance does not say where it lies.
    """
    if frame is None:
        return _plane(header, None, (header,))
    frames = header.get("PerFrameFunctionalGroupsSequence") or ()
    if not 1 <= frame <= len(frames):
        raise InputError(_unplaced(header, frame))
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    places = [
        item
        for name in _FUNCTIONAL_GROUPS
        for group in (frames[frame - 1], shared[0])
        for item in (group.get(name) or ())
    ]
    return _plane(header, frame, (*places, header))


def _planes_of_instance(header: Dataset) -> Iterator[SourcePlane]:
    frames = header.get("PerFrameFunctionalGroupsSequence") or ()
    numbers: Iterable[int | None] = range(1, len(frames) + 1) if frames else (None,)
    return (plane_of(header, number) for number in numbers)


def _plane(header: Dataset, frame: int | None, places: Sequence[Dataset]) -> SourcePlane:
    """The plane whose attributes stand in the first of `places` that has them."""
    try:
        thickness = _first(places, "SliceThickness")
        trigger = _first(places, "NominalCardiacTriggerDelayTime")
        trigger = _first(places, "TriggerTime") if trigger is None else trigger
        plane = SourcePlane(
            header,
            frame,
            (int(header.Rows), int(header.Columns)),
            tuple(_first(places, "ImagePositionPatient") or ()),
            tuple(_first(places, "ImageOrientationPatient") or ()),
            tuple(_first(places, "PixelSpacing") or ()),
            None if thickness is None else float(thickness),
            0.0 if trigger is None else float(trigger),
        )
        usable = np.isfinite(plane.to_lps).all() and np.linalg.matrix_rank(plane.to_lps[:, :2]) == 2
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise InputError(_unplaced(header, frame)) from error
    if not usable or not all(header.get(name) and header[name].VM == 1 for name in _IDENTIFIERS):
        raise InputError(_unplaced(header, frame))
    return plane


def _first(places: Sequence[Dataset], name: str) -> Any:
    return next((place.get(name) for place in places if place.get(name) is not None), None)


def _unplaced(header: Dataset, frame: int | None) -> str:
    what = f"image {header.get('InstanceNumber', '?')} of series {header.get('SeriesNumber', '?')}"
    if frame is not None:
        what = f"frame {frame} of {what}"
    return (
        f"{what} does not say where it lies in the patient and in its study (position, "
        "orientation, pixel spacing, identifiers); give the series as the scanner wrote it."
    )
