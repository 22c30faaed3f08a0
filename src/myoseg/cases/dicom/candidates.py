"""A study's series enter; what could be a sequence's stack leaves: joined, split, repeats marked.

Scanners store a stack as one series, as a series for each slice or breath-hold, or with the
magnitude and the phase-sensitive image in one series; all of these become one candidate for each
stack.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from myoseg.cases.dicom.frames import Frame, Protocol, SeriesHeaders
from myoseg.cases.dicom.stacks import SAME_ANGLE_DEG, Stack, angle_deg, build_stacks

MOST_SLICES_JOINED: Final = 2
"""Series of so few slices are joined with their like."""

_COUNTER: Final = re.compile(r"[\s_\-.#]*\d+$")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A stack and the series that it comes from.

    Attributes:
        stack: the slices.
        n_orientations: of all images of the series; more than one for localisers.
        repeated_by: number of the series that was taken later in its place; None if there is none.
    """

    stack: Stack
    n_orientations: int = 1
    repeated_by: int | None = None

    @property
    def protocol(self) -> Protocol:
        """How it was made."""
        return self.stack.protocol

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of its series, as far as they have any."""
        found = {frame.protocol.series_number for frame in self.stack.frames}
        return tuple(sorted(number for number in found if number is not None))

    @property
    def series_uids(self) -> tuple[str, ...]:
        """Of its series, in no order that means anything."""
        return tuple(dict.fromkeys(frame.series_uid for frame in self.stack.frames))

    @property
    def taken_last(self) -> tuple[float, int]:
        """When its last image was taken, as far as it is told, and the highest series number."""
        return max(frame.taken_s for frame in self.stack.frames), max(self.numbers, default=0)

    @property
    def number(self) -> str:
        """Its number in words, for logs, where descriptions could identify: `12`, `3 to 11`."""
        ends = [str(number) for number in (self.numbers[:1] + self.numbers[-1:])]
        return " to ".join(dict.fromkeys(ends)) or "without number"

    @property
    def label(self) -> str:
        """Number and description, for people: `12 de_tfl_psir_sax` or `3 to 11 cine_sax`."""
        return f"{self.number} {self.protocol.description}".strip()


def candidates_of(series: Iterable[SeriesHeaders]) -> tuple[Candidate, ...]:
    """The candidates of a study, by series number."""
    found = [candidate for each in series for candidate in _of_one(each)]
    joined = _joined(found)
    marked = _repeats_marked(joined)
    return tuple(sorted(marked, key=lambda candidate: (candidate.numbers, -_n_slices(candidate))))


def _of_one(series: SeriesHeaders) -> list[Candidate]:
    stacks = build_stacks(series.frames)
    normals = {tuple(stack.normal.round(2).tolist()) for stack in stacks}
    return [Candidate(stack, n_orientations=len(normals)) for stack in stacks]


def _joined(candidates: list[Candidate]) -> list[Candidate]:
    """Candidates of one or two slices joined with others of their kind that lie parallel."""
    small = [
        each
        for each in candidates
        if each.n_orientations == 1 and _n_slices(each) <= MOST_SLICES_JOINED
    ]
    left = [each for each in candidates if each not in small]
    return left + [each for group in _alike(small) for each in _join(group)]


def _join(group: list[Candidate]) -> list[Candidate]:
    """A group as stacks; slices that were taken again replace the earlier ones."""
    if len(group) == 1:
        return group
    frames: list[Frame] = [frame for each in group for frame in each.stack.frames]
    return [Candidate(stack) for stack in build_stacks(_latest(frames))]


def _latest(frames: list[Frame]) -> list[Frame]:
    """Of series that show the same slices, the frames of the one taken last."""
    by_place: dict[object, str] = {}
    for frame in sorted(frames, key=lambda f: (f.taken_s, f.protocol.series_number or 0)):
        by_place[_where(frame)] = frame.series_uid
    return [frame for frame in frames if by_place[_where(frame)] == frame.series_uid]


def _where(frame: Frame) -> object:
    place = frame.place
    assert place is not None
    return tuple(round(mm) for mm in place.position_mm), frame.protocol.component


def _alike(candidates: list[Candidate]) -> list[list[Candidate]]:
    """The candidates in groups of one kind and one direction."""
    groups: dict[object, list[list[Candidate]]] = defaultdict(list)
    for candidate in candidates:
        of_kind = groups[_kind(candidate)]
        group = next((each for each in of_kind if _parallel(candidate, each[0])), None)
        if group is None:
            of_kind.append([candidate])
        else:
            group.append(candidate)
    return [group for of_kind in groups.values() for group in of_kind]


def _parallel(one: Candidate, other: Candidate) -> bool:
    return angle_deg(one.stack.normal, other.stack.normal) < SAME_ANGLE_DEG


def _kind(candidate: Candidate) -> object:
    """What series of one stack have in common, slices and direction aside."""
    protocol = candidate.protocol
    shown = candidate.stack
    return (
        _COUNTER.sub("", protocol.description.lower()),
        protocol.image_type,
        protocol.scanning_sequence,
        protocol.component,
        shown.geometry.shape[1:],
        tuple(round(mm, 2) for mm in shown.geometry.spacing_mm[1:]),
    )


def _repeats_marked(candidates: list[Candidate]) -> list[Candidate]:
    """Of stacks of one kind in one place, all but the last complete one marked as repeated."""
    marked = []
    for group in _alike(candidates):
        most = max(map(_n_slices, group))
        complete = [each for each in group if _n_slices(each) == most and not each.stack.fault]
        last = max(complete or group, key=lambda each: each.taken_last)
        number = max(last.numbers, default=0)
        marked += [each if each is last else replace(each, repeated_by=number) for each in group]
    return marked


def _n_slices(candidate: Candidate) -> int:
    return len(candidate.stack.slices)
