"""Scores of many cases as one summary: what is read first, and what stands beside each mean."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from myoseg.anatomy import REGIONS
from myoseg.quantification.region_score import EMPTY_MASK_POLICY, RegionScore
from myoseg.quantification.statistics import CONFIDENCE, N_RESAMPLES, Distribution, describe

OVERLAP_MEASURES: Final = ("dice", "jaccard")
MEASURES: Final = (*OVERLAP_MEASURES, "hd95_mm", "assd_mm", "volume_error_ml")
"""What is summarised: fields and properties of `RegionScore`."""

FORMAT: Final = 1


@dataclass(frozen=True)
class RegionSummary:
    """One region over all cases that prediction or truth assessed it in.

    `n_both_empty`, `n_only_truth_empty`, `n_only_prediction_empty` and `n_not_assessed` count the
    cases that the empty-mask policy touched. `mean_if_both_empty_is_one` gives, for each measure of
    overlap, the mean under the other policy in use, in which two empty masks agree perfectly.
    """

    region: str
    n_cases: int
    n_both_empty: int
    n_only_truth_empty: int
    n_only_prediction_empty: int
    n_not_assessed: int
    distributions: dict[str, Distribution]
    mean_if_both_empty_is_one: dict[str, float | None]

    @property
    def n_one_empty(self) -> int:
        """Cases in which just one of prediction and truth has nothing of the region."""
        return self.n_only_truth_empty + self.n_only_prediction_empty

    def to_record(self) -> dict[str, Any]:
        """The summary as JSON values, one entry for each measure."""
        record: dict[str, Any] = asdict(self)
        measures: dict[str, Any] = record.pop("distributions")
        for name, mean in record.pop("mean_if_both_empty_is_one").items():
            measures[name]["mean_if_both_empty_is_one"] = mean
        del record["region"]
        return record | measures


def summarise(scores: Iterable[RegionScore], rng: np.random.Generator) -> tuple[RegionSummary, ...]:
    """Summarises every region that there are scores of, in the order of `anatomy.REGIONS`."""
    by_region: dict[str, list[RegionScore]] = {region: [] for region in REGIONS}
    for score in scores:
        by_region[score.region].append(score)
    return tuple(_summarise_region(region, rows, rng) for region, rows in by_region.items() if rows)


def _summarise_region(
    region: str, scores: list[RegionScore], rng: np.random.Generator
) -> RegionSummary:
    assessed = [score for score in scores if score.assessed]
    n_both_empty = sum(score.n_empty == 2 for score in assessed)
    one_empty = [score for score in assessed if score.n_empty == 1]
    n_only_truth_empty = sum(score.volume_true_ml == 0 for score in one_empty)
    return RegionSummary(
        region=region,
        n_cases=len(scores),
        n_both_empty=n_both_empty,
        n_only_truth_empty=n_only_truth_empty,
        n_only_prediction_empty=len(one_empty) - n_only_truth_empty,
        n_not_assessed=len(scores) - len(assessed),
        distributions={
            measure: describe([getattr(score, measure) for score in assessed], rng)
            for measure in MEASURES
        },
        mean_if_both_empty_is_one={
            measure: _mean_with_ones([getattr(score, measure) for score in assessed])
            for measure in OVERLAP_MEASURES
        },
    )


def _mean_with_ones(values: list[float | None]) -> float | None:
    """The mean in which a case without a value, both masks being empty, counts as 1."""
    return float(np.mean([1.0 if v is None else v for v in values])) if values else None


def summary_record(summaries: Iterable[RegionSummary], seed: int) -> dict[str, Any]:
    """The summaries as JSON values, with the policy and the method of the intervals."""
    return {
        "format": FORMAT,
        "empty_mask_policy": EMPTY_MASK_POLICY,
        "interval": {
            "of": "mean",
            "method": "bootstrap over cases, BCa",
            "confidence": CONFIDENCE,
            "n_resamples": N_RESAMPLES,
            "seed": seed,
        },
        "tissues": {summary.region: summary.to_record() for summary in summaries},
    }
