"""Which cases Figures 4 and 5 show: those that the method segments best and worst (section 4.2)."""

from collections.abc import Iterable

from myoseg.quantification.region_score import RegionScore
from myoseg.reporting.published import COMPARED_REGIONS


def best_and_worst(scores: Iterable[RegionScore]) -> tuple[str, str] | None:
    """The cases of highest and lowest Dice, on average over MS and ME+MS.

    A case for which only one of the two has a value is ranked by that one; a case without any is
    left out. Of equal cases, the first by name is taken. None if no case has a value.
    """
    dice: dict[str, list[float]] = {}
    for score in scores:
        if score.region in COMPARED_REGIONS and score.dice is not None:
            dice.setdefault(score.case, []).append(score.dice)
    if not dice:
        return None
    mean = {case: sum(values) / len(values) for case, values in dice.items()}
    best = min(mean, key=lambda case: (-mean[case], case))
    worst = min(mean, key=lambda case: (mean[case], case))
    return best, worst
