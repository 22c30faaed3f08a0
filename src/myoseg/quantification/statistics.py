"""Numbers over cases: mean, spread, bootstrap interval, and paired comparison of two methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int
from scipy import stats

Values = Float64[np.ndarray, "case"]

N_RESAMPLES: Final = 9999
CONFIDENCE: Final = 0.95
RESAMPLED_AT_ONCE: Final = 250_000
"""Values that a bootstrap holds at a time; the interval does not depend on it."""
FEWEST_PAIRS: Final = 6
"""With fewer pairs the exact two-sided p of Wilcoxon's test cannot fall below 0.05."""


@dataclass(frozen=True)
class Distribution:
    """A measure over `n` cases; None where there are too few cases for a number.

    `sd` is the sample standard deviation (n - 1); `ci95` is the bootstrap interval of the mean.
    """

    n: int
    mean: float | None
    sd: float | None
    median: float | None
    ci95: tuple[float, float] | None


def describe(values: Sequence[float | None], rng: np.random.Generator) -> Distribution:
    """Describes the values that are there, leaving out None.

    >>> describe([0.25, 0.75, None], np.random.default_rng(0)).mean
    0.5
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    n = len(known)
    return Distribution(
        n=n,
        mean=float(known.mean()) if n else None,
        sd=float(known.std(ddof=1)) if n > 1 else None,
        median=float(np.median(known)) if n else None,
        ci95=bootstrap_interval(known, rng) if n > 1 else None,
    )


def bootstrap_interval(values: Values, rng: np.random.Generator) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over cases, bias-corrected and accelerated (BCa).

    Values that are all the same give an interval of no width. Where BCa has no solution, the
    percentiles of the resampled means are given.

    Raises:
        ValueError: fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(f"an interval takes two values or more, got {len(values)}")
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    for method in ("BCa", "percentile"):
        result = stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=N_RESAMPLES,
            confidence_level=CONFIDENCE,
            method=method,
            batch=max(1, RESAMPLED_AT_ONCE // len(values)),
            rng=rng,
        )
        low, high = map(float, result.confidence_interval)
        if np.isfinite([low, high]).all():
            break
    return low, high


def bootstrap_interval_of_groups(
    values: Values, groups: Int[np.ndarray, "case"], rng: np.random.Generator
) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of values that come in groups, as segments of cases do.

    Whole groups are drawn, with replacement (Davison & Hinkley 1997, section 3.8); the interval
    holds the middle of the resampled means.

    Raises:
        ValueError: fewer than two groups.
    """
    _, index = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(index, weights=values), np.bincount(index)
    n = len(sums)
    if n < 2:
        raise ValueError(f"an interval takes two groups or more, got {n}")
    drawn = (rng.integers(n, size=n) for _ in range(N_RESAMPLES))
    means = [float(sums[groups].sum() / counts[groups].sum()) for groups in drawn]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class PairedComparison:
    """Two methods on the `n` cases that both have a value for.

    `median_difference` is of first minus second; `p_value` is that of Wilcoxon's signed-rank test,
    two-sided, not corrected for the number of comparisons; None with fewer than `FEWEST_PAIRS`.
    """

    n: int
    median_difference: float | None
    p_value: float | None


def compare_paired(
    first: Sequence[float | None], second: Sequence[float | None]
) -> PairedComparison:
    """Compares two methods case by case; cases where either has no value are left out.

    Methods that agree on every case give p = 1.

    Raises:
        ValueError: the two differ in length, so that they cannot be paired.
    """
    pairs = [
        (one, other)
        for one, other in zip(first, second, strict=True)
        if one is not None and other is not None
    ]
    if not pairs:
        return PairedComparison(n=0, median_difference=None, p_value=None)
    differences = np.subtract(*np.array(pairs, dtype=np.float64).T)
    return PairedComparison(
        n=len(pairs),
        median_difference=float(np.median(differences)),
        p_value=_wilcoxon_p(differences) if len(pairs) >= FEWEST_PAIRS else None,
    )


def _wilcoxon_p(differences: Values) -> float:
    """Two-sided p of the signed-rank test; differences of zero are dropped, as Wilcoxon did."""
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="wilcox").pvalue)
