"""What must be kept of a study until its images are read: the series chosen, and which phase."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.choosing import Choice


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
