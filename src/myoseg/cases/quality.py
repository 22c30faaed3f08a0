"""How far a segmentation can be relied on: what was found amiss, and one number for the case."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Flag:
    """One thing that a reader should look at.

    Attributes:
        name: of the rule that found it.
        words: the same as a clause, slices counted from 1.
        n_slices: in how many slices; None where it is of the whole case.
        n_judged: of how many slices that the rule looked at; likewise.
    """

    name: str
    words: str
    n_slices: int | None = None
    n_judged: int | None = None


@dataclass(frozen=True)
class Quality:
    """What a model's own probabilities and the shape of its result say of a case.

    Attributes:
        confidence: from 0 to 1; see `prediction.quality.assess`.
        expected_dice: of each block by name; None where the block's mask is empty.
        disagreement: of each block by name, from 0 to 0.5; None where one alone voted, or none
            claims a pixel.
        flags: what was found amiss; empty where nothing was.
    """

    confidence: float
    expected_dice: Mapping[str, float | None]
    disagreement: Mapping[str, float | None]
    flags: tuple[Flag, ...] = ()

    @property
    def warning(self) -> str:
        """All flags in words; empty where there are none."""
        return "; ".join(flag.words for flag in self.flags)

    def to_record(self) -> dict[str, Any]:
        """The JSON values that stand in CASE_stats.json."""
        return {
            "confidence": self.confidence,
            "expected_dice": dict(self.expected_dice),
            "disagreement": dict(self.disagreement),
            "flags": [asdict(flag) for flag in self.flags],
        }

    @classmethod
    def from_record(cls, record: Any) -> "Quality":
        """The inverse of `to_record`.

        Raises:
            ValueError: it is no such record.
        """
        try:
            return cls(
                confidence=float(record["confidence"]),
                expected_dice=dict(record["expected_dice"]),
                disagreement=dict(record["disagreement"]),
                flags=tuple(Flag(**flag) for flag in record["flags"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{record!r} is no record of a quality: {error!r}") from error
