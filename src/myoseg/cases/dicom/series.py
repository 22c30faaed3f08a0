"""A chosen stack enters; one phase of it leaves: the image on its grid, and where it came from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from myoseg.cases.dicom.frames import Frame
from myoseg.cases.dicom.pixels import read_frames
from myoseg.cases.dicom.stacks import Stack
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.errors import GeometryError, InputError

MOST_VOXELS: Final = 1 << 28
"""Of a stack; 1 GiB in memory."""

SAME_THICKNESS_MM: Final = 0.05


@dataclass(frozen=True)
class SourceInstance:
    """Where a slice came from, for objects that refer to it.

    Attributes:
        path: of the file.
        series_uid: of its series.
        sop_class_uid: what kind of object it is.
        sop_instance_uid: of the instance.
        frame_number: of the frame in it, from 1; None where it has no frames.
    """

    path: Path
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """A sequence as it was read.

    Attributes:
        image: one phase on its own grid, slices along the normal: right-handed, never mirrored.
        instances: of each slice, in the order of `image`.
        description: of the series.
        phase: which phase was read, from 1, and of how many.
        notes: what to know of it, one sentence each.
        slice_thickness_mm: as acquired; None where it is not told or differs between slices.
    """

    image: ImageOnGrid
    instances: tuple[SourceInstance, ...]
    description: str
    phase: tuple[int, int]
    notes: tuple[str, ...] = ()
    slice_thickness_mm: float | None = None


def read_dicom_series(stack: Stack, phase: int | None = None) -> DicomSeries:
    """Reads one phase of a stack.

    Without a `phase`, that is end-diastole: the phase with the smallest trigger time of each
    slice, which scanners count from the R wave; where no time is told, the first image.

    Args:
        stack: of `stacks.build_stacks`.
        phase: which to read instead, from 1 in order of time.

    Raises:
        GeometryError: the slices lie so unevenly that no grid holds them.
        InputError: there is no such phase, a file cannot be read, or the stack is too large.
    """
    label = f"series {stack.protocol.series_number} {stack.protocol.description}".strip()
    if stack.fault is not None:
        raise GeometryError(f"{label}: {stack.fault}; export the series again or name another.")
    if np.prod(stack.geometry.shape, dtype=object) > MOST_VOXELS:
        raise InputError(f"{label} has more than {MOST_VOXELS} voxels; no stack of a heart does.")
    chosen = [_of_phase(frames, phase, label) for frames in stack.slices]
    images = read_frames(chosen)
    return DicomSeries(
        image=ImageOnGrid(np.stack(images), stack.geometry),
        instances=tuple(_source(frame) for frame in chosen),
        description=stack.protocol.description,
        phase=(phase or 1, stack.n_phases),
        notes=(*stack.notes, *_late(chosen, stack, phase)),
        slice_thickness_mm=_thickness_mm(chosen),
    )


def _thickness_mm(frames: list[Frame]) -> float | None:
    """Of all slices alike."""
    told = [frame.place.thickness_mm if frame.place else None for frame in frames]
    known = [each for each in told if each is not None]
    if len(known) < len(told) or max(known) - min(known) > SAME_THICKNESS_MM:
        return None
    return known[0]


def _of_phase(frames: tuple[Frame, ...], phase: int | None, label: str) -> Frame:
    wanted = phase or 1
    if not 1 <= wanted <= len(frames):
        raise InputError(
            f"{label} has {len(frames)} phases in a slice, so no phase {wanted}; give 1 to "
            f"{len(frames)}."
        )
    return frames[wanted - 1]


def _late(chosen: list[Frame], stack: Stack, phase: int | None) -> tuple[str, ...]:
    """Slices whose first phase comes later than others', since theirs is missing."""
    times = [frame.trigger_ms for frame in chosen]
    if phase is not None or stack.n_phases < 2 or None in times:
        return ()
    told = np.array(times, dtype=float)
    all_times = [frame.trigger_ms or 0.0 for frame in stack.slices[0]]
    step_ms = (max(all_times) - min(all_times)) / max(1, len(all_times) - 1)
    late = np.flatnonzero(told - told.min() > 0.5 * step_ms) + 1
    if not step_ms or not late.size or stack.n_phases < 8:
        return ()
    return (
        f"the first phase of slices {', '.join(map(str, late))} comes later than the others', "
        "so it may not be end-diastole",
    )


def _source(frame: Frame) -> SourceInstance:
    return SourceInstance(
        path=frame.path,
        series_uid=frame.series_uid,
        sop_class_uid=frame.protocol.sop_class_uid,
        sop_instance_uid=frame.sop_instance_uid,
        frame_number=frame.number,
    )
