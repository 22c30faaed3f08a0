"""What must be kept of a study until its images are read: the series chosen, and which phase."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.choosing import Choice
from myoseg.cases.dicom.stacks import Slice, Stack


@dataclass(frozen=True, eq=False)
class DicomSource:
    """A study to read a case from.

    Attributes:
        choices: the stack of each sequence that was found.
        phase: of the cine, from 1; None for end-diastole.
        alignment: how sequences on grids of their own are brought onto one (`alignment.Alignment`).
    """

    choices: Mapping[Sequence, Choice]
    phase: int | None = None
    alignment: str = "auto"

    @property
    def first_files(self) -> dict[Sequence, Path]:
        """A file of each sequence, for messages."""
        return {
            sequence: choice.candidate.stack.slices[0][0].path
            for sequence, choice in self.choices.items()
        }

    def with_full_paths(self) -> "DicomSource":
        """The same for a process that works in another folder."""
        return replace(self, choices={s: _with_full_paths(c) for s, c in self.choices.items()})


def _with_full_paths(choice: Choice) -> Choice:
    stack = choice.candidate.stack
    slices = tuple(_frames_with_full_paths(each) for each in stack.slices)
    whole: Stack = replace(stack, slices=slices)
    return replace(choice, candidate=replace(choice.candidate, stack=whole))


def _frames_with_full_paths(frames: Slice) -> Slice:
    return tuple(replace(frame, path=frame.path.absolute()) for frame in frames)
