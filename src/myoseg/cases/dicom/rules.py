"""A candidate enters; for each sequence, how much speaks for it leaves, with the reasons.

The rules are data: each adds points to one sequence, or shuts a candidate out. A candidate belongs
to the sequence for which it has most points, if they are enough.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from myoseg.anatomy import Sequence
from myoseg.cases.dicom import evidence as e
from myoseg.cases.dicom.candidates import Candidate

Observation: TypeAlias = Callable[[Candidate], str | None]

ENOUGH_POINTS: Final = 5
"""What a candidate needs to be taken for a sequence."""


@dataclass(frozen=True)
class Rule:
    """What an observation says for a sequence (points above 0) or against it."""

    points: int
    observation: Observation


_SHORT_AXIS_STACK: Final = (Rule(2, e.is_stack), Rule(-2, e.is_single_slice))

RULES: Final[Mapping[Sequence, tuple[Rule, ...]]] = MappingProxyType(
    {
        Sequence.BSSFP: (
            *_SHORT_AXIS_STACK,
            Rule(3, e.has_balanced_name),
            Rule(2, e.is_steady_state),
            Rule(3, e.is_cine),
            Rule(1, e.says_cine),
            Rule(1, e.has_bssfp_times),
            Rule(-4, e.is_inverted),
            Rule(-4, e.is_spin_echo),
            Rule(-4, e.says_t2_prepared),
            Rule(-3, e.says_lge),
        ),
        Sequence.LGE: (
            *_SHORT_AXIS_STACK,
            Rule(3, e.says_lge),
            Rule(3, e.has_lge_inversion),
            Rule(2, e.has_lge_name),
            Rule(1, e.is_one_phase),
            Rule(-1, e.is_phase_sensitive),
            Rule(-4, e.is_cine),
            Rule(-4, e.is_spin_echo),
            Rule(-4, e.has_t2_echo),
            Rule(-4, e.says_t2_prepared),
        ),
        Sequence.T2: (
            *_SHORT_AXIS_STACK,
            Rule(3, e.says_t2),
            Rule(3, e.has_t2_echo),
            Rule(2, e.has_t2_train),
            Rule(1, e.has_t2_name),
            Rule(3, e.says_t2_prepared),
            Rule(1, e.is_one_phase),
            Rule(-4, e.is_cine),
            Rule(-4, e.is_phase_sensitive),
        ),
    }
)

SHUT_OUT: Final[tuple[Observation, ...]] = (
    e.is_derived,
    e.is_other_component,
    e.is_localiser,
    e.is_map,
    e.is_other,
    e.is_long_axis,
    e.is_no_short_axis,
)
"""Any of these keeps a candidate from every sequence, unless the user names it."""


@dataclass(frozen=True)
class Verdict:
    """What the rules make of a candidate.

    Attributes:
        points: for each sequence.
        reasons: behind them, strongest first.
        shut_out: why it is none of them, whatever the points; None if it may be.
    """

    points: Mapping[Sequence, int]
    reasons: Mapping[Sequence, tuple[str, ...]]
    shut_out: str | None

    @property
    def sequence(self) -> Sequence | None:
        """The one it belongs to; None for none."""
        best = max(Sequence, key=lambda sequence: self.points[sequence])
        tied = sum(points == self.points[best] for points in self.points.values()) > 1
        enough = self.points[best] >= ENOUGH_POINTS
        return best if enough and not tied and self.shut_out is None else None


def judge(candidate: Candidate) -> Verdict:
    """Weighs a candidate by the rules."""
    points, reasons = {}, {}
    in_view = e.is_short_axis(candidate)
    for sequence, rules in RULES.items():
        found = [(rule.points, said) for rule in rules if (said := rule.observation(candidate))]
        points[sequence] = sum(value for value, _ in found)
        ordered = sorted(found, key=lambda pair: -pair[0])
        words = (f"{said} ({value:+d})" for value, said in ordered)
        reasons[sequence] = (*((in_view,) if in_view else ()), *words)
    shut_out = next((said for observe in SHUT_OUT if (said := observe(candidate))), None)
    return Verdict(points, reasons, shut_out)
