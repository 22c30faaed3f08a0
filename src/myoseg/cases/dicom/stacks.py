"""Frames of a series, in no order, enter; stacks of parallel slices on regular grids leave.

Slices are ordered along the normal (row direction x column direction), so that columns, rows and
slices are right-handed and nothing is ever mirrored. A grid has one distance between slices: where
the distances differ, the longest even run of slices is the stack, and what is left out is said.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float

from myoseg.cases.case import Geometry
from myoseg.cases.dicom.frames import Frame, Place, Protocol, Vector

SAME_PLANE_MM: Final = 0.2
"""Positions along the normal within this are one slice's."""

SAME_ANGLE_DEG: Final = 1.0
"""Normals within this are parallel."""

SAME_SPACING: Final = 0.01
"""Pixel spacings within this part of each other are equal."""

EVEN_SHARE: Final = 0.1
"""Distances within this part of the usual one are even..."""

EVEN_MM: Final = 0.3
"""...or within this of it."""

IN_PLANE_PIXELS: Final = 0.5
"""First pixels may lie this far off a common line along the normal."""

FEWEST_OF_A_CINE: Final = 8
"""Images of one slice that nothing tells apart are phases from this number on, repeats below."""

Slice: TypeAlias = tuple[Frame, ...]
"""A slice's frames by phase."""

Direction: TypeAlias = Vector | Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel slices, evenly spaced, each with its phases.

    Attributes:
        slices: along the normal, each with its frames by phase.
        geometry: of one phase.
        notes: what was left out or looks odd, one sentence each.
        fault: why it cannot be read, if it cannot.
    """

    slices: tuple[Slice, ...]
    geometry: Geometry
    notes: tuple[str, ...] = ()
    fault: str | None = None

    @property
    def protocol(self) -> Protocol:
        """Of the first slice."""
        return self.slices[0][0].protocol

    @property
    def n_phases(self) -> int:
        """Of the slice that has most."""
        return max(len(frames) for frames in self.slices)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """All of them, slice by slice."""
        return tuple(frame for frames in self.slices for frame in frames)

    @property
    def normal(self) -> Float[np.ndarray, "3"]:
        """Unit vector along which slices follow each other, LPS."""
        return normal_of(_placed(self.slices[0][0]))


def build_stacks(frames: Iterable[Frame]) -> tuple[Stack, ...]:
    """The stacks among frames that were taken together, largest first.

    Frames of one stack have one orientation, matrix and pixel spacing, and show one component of
    the complex image. Frames that do not say where they lie are left out.
    """
    groups: dict[object, list[Frame]] = defaultdict(list)
    heads: list[Frame] = []
    for frame in _without_copies(frames):
        if frame.place is not None:
            head = next((head for head in heads if _alike(frame, head)), None)
            if head is None:
                heads.append(frame)
            groups[id(head or frame)].append(frame)
    stacks = [_stack(group) for group in groups.values()]
    return tuple(sorted(stacks, key=lambda stack: -len(stack.slices)))


def normal_of(place: Place) -> Float[np.ndarray, "3"]:
    """Row direction x column direction, LPS."""
    normal = np.cross(np.array(place.along_row), np.array(place.along_col))
    return np.asarray(normal / np.linalg.norm(normal))


def angle_deg(one: Direction, other: Direction) -> float:
    """Between two unit vectors."""
    cosine = sum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _alike(frame: Frame, head: Frame) -> bool:
    place, other = _placed(frame), _placed(head)
    return (
        frame.shape == head.shape
        and frame.protocol.component == head.protocol.component
        and frame.protocol.n_samples == head.protocol.n_samples
        and all(map(_equal, place.spacing_mm, other.spacing_mm))
        and angle_deg(place.along_row, other.along_row) < SAME_ANGLE_DEG
        and angle_deg(place.along_col, other.along_col) < SAME_ANGLE_DEG
    )


def _equal(spacing_mm: float, other_mm: float) -> bool:
    return math.isclose(spacing_mm, other_mm, rel_tol=SAME_SPACING)


def _without_copies(frames: Iterable[Frame]) -> list[Frame]:
    """The frames, of which each instance's is there once."""
    by_name = {(frame.sop_instance_uid, frame.number): frame for frame in frames}
    return list(by_name.values())


def _stack(frames: list[Frame]) -> Stack:
    """A stack of frames that are alike."""
    normal = normal_of(_placed(frames[0]))
    slices, notes = [], []
    for group in _by_position(frames, normal):
        chosen, n_repeated = _phases(group)
        slices.append(chosen)
        if n_repeated:
            notes.append(
                f"{n_repeated} images repeat a slice and phase; the one taken last is used"
            )
    run, found = _longest_even_run(slices, normal)
    notes = [*dict.fromkeys(notes), *found, *_phase_notes(run)]
    n_left = len(slices) - len(run)
    fault = None
    if n_left >= len(run):
        fault = (
            f"its {len(slices)} slices lie unevenly: only {len(run)} follow each other at one "
            "distance"
        )
    return Stack(tuple(run), _geometry(run, normal), tuple(notes), fault)


def _by_position(frames: list[Frame], normal: Float[np.ndarray, "3"]) -> list[list[Frame]]:
    """The frames of each slice, by position along the normal."""
    ordered = sorted(frames, key=lambda frame: _along(frame, normal))
    groups: list[list[Frame]] = []
    for frame in ordered:
        if groups and _along(frame, normal) - _along(groups[-1][0], normal) < SAME_PLANE_MM:
            groups[-1].append(frame)
        else:
            groups.append([frame])
    return groups


def _phases(frames: list[Frame]) -> tuple[Slice, int]:
    """A slice's frames by phase, of which the one taken last counts, and how many others it had."""
    by_phase: dict[object, Frame] = {}
    untold = len({_moment(frame) for frame in frames}) == 1 and len(frames) >= FEWEST_OF_A_CINE
    for frame in sorted(frames, key=lambda frame: (frame.taken_s, _number(frame), frame.instance)):
        by_phase[frame.instance if untold else _moment(frame)] = frame
    chosen = sorted(by_phase.values(), key=_phase_order)
    return tuple(chosen), len(frames) - len(chosen)


def _moment(frame: Frame) -> object:
    """What tells frames of one slice apart."""
    return frame.trigger_ms, frame.phase, frame.inversion_ms, frame.echo_ms


def _phase_order(frame: Frame) -> tuple[float, float, int]:
    never = float("inf")
    trigger = never if frame.trigger_ms is None else frame.trigger_ms
    return trigger, never if frame.phase is None else float(frame.phase), frame.instance


def _number(frame: Frame) -> int:
    return frame.protocol.series_number or 0


def _longest_even_run(
    slices: Sequence[Slice], normal: Float[np.ndarray, "3"]
) -> tuple[list[Slice], list[str]]:
    """The longest run of slices one distance apart and in line, and what was left out."""
    if len(slices) < 2:
        return list(slices), []
    along = np.array([_along(frames[0], normal) for frames in slices])
    steps = np.diff(along)
    usual = _usual(steps)
    even = np.abs(steps - usual) <= max(EVEN_SHARE * usual, EVEN_MM)
    in_line = _in_line(slices, normal)
    runs = _runs(even & in_line)
    first, last = max(runs, key=lambda run: run[1] - run[0])
    notes = [
        _gap_note(k, float(step), usual, len(slices)) for k, step in enumerate(steps) if not even[k]
    ]
    if not in_line.all():
        notes.append("slices are shifted in their plane against each other")
    if last - first + 1 < len(slices):
        notes.append(
            f"slices {first + 1} to {last + 1} of {len(slices)} (from the first along the normal) "
            "are used, the others are left out"
        )
    return list(slices[first : last + 1]), notes


def _usual(steps: Float[np.ndarray, "gap"]) -> float:
    """The distance that most gaps have; of several, the smallest."""
    tolerances = np.maximum(EVEN_SHARE * steps, EVEN_MM)
    votes = (np.abs(steps[None] - steps[:, None]) <= tolerances[:, None]).sum(axis=1)
    return float(steps[votes == votes.max()].min())


def _runs(joined: np.ndarray) -> list[tuple[int, int]]:
    """First and last slice of each run of slices that are joined to the next."""
    ends = [*np.flatnonzero(~joined).tolist(), len(joined)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    return list(zip(starts, ends, strict=True))


def _in_line(slices: Sequence[Slice], normal: Float[np.ndarray, "3"]) -> np.ndarray:
    """Whether each next slice's first pixel is in line with the first slice of its run."""
    places = [_placed(frames[0]) for frames in slices]
    at = np.array([place.position_mm for place in places])
    in_plane = at - np.outer(at @ normal, normal)
    tolerance_mm = IN_PLANE_PIXELS * min(places[0].spacing_mm)
    start, joined = in_plane[0], []
    for offset in in_plane[1:]:
        joined.append(bool(np.linalg.norm(offset - start) <= tolerance_mm))
        start = start if joined[-1] else offset
    return np.array(joined, dtype=bool)


def _gap_note(k: int, step_mm: float, usual_mm: float, n_slices: int) -> str:
    n_missing = round(step_mm / usual_mm) - 1
    where = f"between slices {k + 1} and {k + 2} of {n_slices}"
    if n_missing >= 1 and abs(step_mm - (n_missing + 1) * usual_mm) <= EVEN_SHARE * usual_mm:
        return f"{n_missing} slice{'s' * (n_missing > 1)} missing {where}"
    return f"{step_mm:.1f} mm {where}, elsewhere {usual_mm:.1f} mm"


def _phase_notes(slices: Sequence[Slice]) -> list[str]:
    counts = [len(frames) for frames in slices]
    if min(counts) == max(counts):
        return []
    return [f"slices have from {min(counts)} to {max(counts)} phases"]


def _geometry(slices: Sequence[Slice], normal: Float[np.ndarray, "3"]) -> Geometry:
    """The grid of one phase: DICOM's LPS turned into RAS."""
    frame = slices[0][0]
    place = _placed(frame)
    step_mm = place.thickness_mm or 1.0
    if len(slices) > 1:
        first, last = (_along(frames[0], normal) for frames in (slices[0], slices[-1]))
        step_mm = (last - first) / (len(slices) - 1)
    affine = np.eye(4)
    affine[:3, 0] = np.array(place.along_row) * place.spacing_mm[1]
    affine[:3, 1] = np.array(place.along_col) * place.spacing_mm[0]
    affine[:3, 2] = normal * step_mm
    affine[:3, 3] = place.position_mm
    affine[:2] *= -1
    return Geometry((len(slices), *frame.shape), affine)


def _along(frame: Frame, normal: Float[np.ndarray, "3"]) -> float:
    return float(np.dot(_placed(frame).position_mm, normal))


def _placed(frame: Frame) -> Place:
    assert frame.place is not None
    return frame.place
