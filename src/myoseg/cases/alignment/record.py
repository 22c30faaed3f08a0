"""What alignment did to each slice, as numbers, as JSON and as flags for a reader."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from myoseg.anatomy import Sequence
from myoseg.cases.quality import Flag


class Alignment(StrEnum):
    """How sequences are brought onto one grid.

    OFF takes only images that share one. GEOMETRY goes by where files say that slices lie. FULL
    also looks for how far the patient had moved between breath-holds. AUTO is off where all images
    share a grid, as data sets give them that were aligned before, and full where they do not.
    """

    AUTO = "auto"
    OFF = "off"
    GEOMETRY = "geometry"
    FULL = "full"


@dataclass(frozen=True)
class SliceAlignment:
    """What became of one sequence in one slice of the reference; slices are counted from 0.

    Attributes:
        slice_index: of the reference.
        source_index: the sequence's slice that is shown there; None where none is near enough.
        distance_mm: through the plane from the reference's slice to the sequence's nearest.
        covered_percent: of the slice's pixels that the sequence's image reaches.
        moved_mm: how far the sequence's image was moved to fit, along the reference's increasing
            rows and columns; None where no move was looked for or it was refused.
        moved_ras_mm: the same in the patient: to the right, forward and up are positive in R, A, S.
        rotation_deg: by which it was turned about the region's centre, from rows toward columns.
        edges_before: agreement of edges with the reference's by geometry alone, 0 to 1.
        edges_after: the same at the move found, be it refused or not.
        information_before: mutual information with the reference by geometry alone, in nats.
        information_after: the same at the move found.
        refused: why the move found was not applied; None where it was or none was looked for.
    """

    slice_index: int
    source_index: int | None
    distance_mm: float
    covered_percent: float
    moved_mm: tuple[float, float] | None = None
    moved_ras_mm: tuple[float, float, float] | None = None
    rotation_deg: float | None = None
    edges_before: float | None = None
    edges_after: float | None = None
    information_before: float | None = None
    information_after: float | None = None
    refused: str | None = None


@dataclass(frozen=True)
class AlignmentRecord:
    """What was done to bring a case onto one grid.

    Attributes:
        mode: what was asked for.
        reference: the sequence whose grid it is.
        tilt_deg: angle between each other sequence's planes and the reference's.
        slices: of each other sequence, one entry a slice of the reference.
    """

    mode: Alignment
    reference: Sequence
    tilt_deg: Mapping[Sequence, float]
    slices: Mapping[Sequence, tuple[SliceAlignment, ...]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tilt_deg", MappingProxyType(dict(self.tilt_deg)))
        object.__setattr__(self, "slices", MappingProxyType(dict(self.slices)))

    def to_record(self) -> dict[str, Any]:
        """The JSON values that stand in CASE_stats.json under `alignment`."""
        return {
            "mode": str(self.mode),
            "reference": str(self.reference),
            "sequences": {
                str(sequence): {
                    "tilt_deg": self.tilt_deg[sequence],
                    "slices": [asdict(each) for each in slices],
                }
                for sequence, slices in self.slices.items()
            },
        }

    def flags(self) -> tuple[Flag, ...]:
        """What a reader should look at, slices counted from 1."""
        found = []
        for sequence, slices in self.slices.items():
            for name, words, is_so in _RULES:
                numbers = [each.slice_index + 1 for each in slices if is_so(each)]
                if numbers:
                    where = ", ".join(map(str, numbers))
                    text = f"{sequence} {words} in {len(numbers)} of {len(slices)} slices ({where})"
                    found.append(Flag(f"{sequence}_{name}", text, len(numbers), len(slices)))
        return tuple(found)


_RULES: tuple[tuple[str, str, Callable[[SliceAlignment], bool]], ...] = (
    (
        "not_covered",
        "has no image near enough, so what it alone shows is not seen",
        lambda each: each.source_index is None,
    ),
    (
        "shift_refused",
        "could not be fitted and lies as its file says",
        lambda each: each.refused is not None,
    ),
)
