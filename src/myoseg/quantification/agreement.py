"""Agreement of two series of one measure: paired values enter, bias, limits and coefficients leave.

The two series are alike: neither is taken for the truth. Differences are first minus second.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool
from scipy import stats

from myoseg.quantification.coefficients import Coefficient, concordance, icc_absolute
from myoseg.quantification.statistics import (
    CONFIDENCE,
    Values,
    bootstrap_interval,
    bootstrap_interval_of_groups,
    compare_paired,
)

Interval = tuple[float, float]
Series = Sequence[float | None]
"""Values in an order of cases; None or NaN where there is none."""

FEWEST_CASES: Final = 3
"""With fewer pairs there are means and a bias, and neither limits nor intervals."""

LIMIT_SDS: Final = 1.96
"""Limits of agreement lie this many standard deviations from the bias (Bland & Altman 1999)."""

METHODS: Final[dict[str, str]] = {
    "difference": "first minus second",
    "limits": "bias ± 1.96 SD (Bland & Altman 1999); differences taken for normal",
    "limits_ci95": "exact, noncentral t, each limit by itself (Carkeet 2015)",
    "bias_ci95": "Student's t",
    "proportional_bias": "slope of the differences on the means (Bland & Altman 1999)",
    "icc": "ICC(A,1) = ICC(2,1): two-way random, absolute agreement, single rating; interval by F "
    "(McGraw & Wong 1996; Shrout & Fleiss 1979)",
    "ccc": "concordance correlation (Lin 1989), variances over n; interval by Fisher's z with the "
    "variance as corrected in 2000",
    "wilcoxon_p": "signed-rank test, two-sided, not corrected for the number of measures",
    "mean_difference_ci95": "bootstrap over cases, 9,999 resamples; BCa, or percentile where the "
    "values of a case are several",
    "several_values_a_case": "with several values a case, as of segments, the values are not "
    "independent: only the interval by bootstrap over cases is given, and no test",
}
"""How each number of `Agreement` is made, to stand beside them."""


@dataclass(frozen=True)
class BlandAltman:
    """Bias and 95 % limits of agreement of `n` pairs, in the measure's unit.

    None where there are fewer than `FEWEST_CASES` pairs (`bias`: without any). `sd` is that of the
    differences (n - 1). The intervals of the limits are exact for normal differences, each limit
    by itself (Carkeet 2015); those of Bland & Altman are too narrow for a few tens of cases. The
    slope is that of the differences on the means of each pair, with the p of its being 0; None
    where all means are the same.

    Sources: Bland & Altman, Lancet 1986;327:307 and Stat Methods Med Res 1999;8:135. Carkeet,
    Optom Vis Sci 2015;92:e71.
    """

    n: int
    bias: float | None
    sd: float | None
    lower_limit: float | None
    upper_limit: float | None
    bias_ci95: Interval | None
    lower_limit_ci95: Interval | None
    upper_limit_ci95: Interval | None
    proportional_slope: float | None
    proportional_p: float | None


@dataclass(frozen=True)
class Agreement:
    """One measure by two readers or methods; `METHODS` says how each number is made.

    `n` counts the pairs, `n_cases` the cases they are of (fewer, where a case has several
    segments), `n_left_out` the pairs in which either has no value, which take no part.
    """

    measure: str
    unit: str
    n: int
    n_cases: int
    n_left_out: int
    mean_first: float | None
    mean_second: float | None
    bland_altman: BlandAltman
    mean_difference_ci95: Interval | None
    icc: float | None
    icc_ci95: Interval | None
    ccc: float | None
    ccc_ci95: Interval | None
    pearson_r: float | None
    wilcoxon_p: float | None

    def to_record(self) -> dict[str, Any]:
        """All numbers as JSON values, those of Bland and Altman in an entry of their own."""
        return asdict(self)


def bland_altman(first: Values, second: Values) -> BlandAltman:
    """Bias and limits of agreement of first minus second; pairs with NaN are left out.

    Raises:
        ValueError: the two differ in length, or a value is infinite.
    """
    first, second = known_pairs(first, second)
    differences = first - second
    n = len(differences)
    bias = float(differences.mean()) if n else None
    if bias is None or n < FEWEST_CASES:
        return BlandAltman(n, bias, *[None] * 8)
    sd = 0.0 if _all_the_same(differences, first) else float(differences.std(ddof=1))
    low, high = _limit_interval(n)
    slope, p = _proportional_bias(differences, (first + second) / 2, sd)
    half_width = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd / n**0.5
    return BlandAltman(
        n=n,
        bias=bias,
        sd=sd,
        lower_limit=bias - LIMIT_SDS * sd,
        upper_limit=bias + LIMIT_SDS * sd,
        bias_ci95=(bias - half_width, bias + half_width),
        lower_limit_ci95=(bias - high * sd, bias - low * sd),
        upper_limit_ci95=(bias + low * sd, bias + high * sd),
        proportional_slope=slope,
        proportional_p=p,
    )


def agreement(
    measure: str,
    unit: str,
    first: Series,
    second: Series,
    rng: np.random.Generator,
    cases: Sequence[str] | None = None,
) -> Agreement:
    """Agreement of two series of one measure, pair by pair.

    Args:
        measure: its name, as in `quantification.burden`.
        unit: of its values.
        first: by the first reader or method; None or NaN where there is no value.
        second: by the second, in the same order.
        rng: draws the bootstrap's resamples.
        cases: the case of each pair, where a case may have several; by default each its own.

    Raises:
        ValueError: the series differ in length, or a value is infinite.
    """
    known = _known(first, second)
    ours, theirs = known_pairs(first, second)
    names = np.arange(len(first)) if cases is None else np.unique(cases, return_inverse=True)[1]
    if len(names) != len(first):
        raise ValueError(f"{len(names)} cases for {len(first)} pairs")
    names = names[known]
    n_cases = len(np.unique(names))
    found = _independent if n_cases == len(ours) else _dependent
    return Agreement(
        measure=measure,
        unit=unit,
        n=len(ours),
        n_cases=n_cases,
        n_left_out=int((~known).sum()),
        mean_first=float(ours.mean()) if len(ours) else None,
        mean_second=float(theirs.mean()) if len(ours) else None,
        pearson_r=_pearson(ours, theirs),
        **found(ours, theirs, names, rng),
    )


def known_pairs(first: Series | Values, second: Series | Values) -> tuple[Values, Values]:
    """The pairs in which both have a value, as two series.

    Raises:
        ValueError: the two differ in length, or a value is infinite.
    """
    known = _known(first, second)
    return as_numbers(first)[known], as_numbers(second)[known]


def _independent(
    first: Values, second: Values, _names: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """What is known of pairs that are a case each."""
    whole = bland_altman(first, second)
    interval = None
    if whole.bias is not None and whole.sd is not None:
        same = whole.sd == 0
        interval = (whole.bias, whole.bias) if same else bootstrap_interval(first - second, rng)
    return {
        "bland_altman": whole,
        "mean_difference_ci95": interval,
        **_coefficients(first, second),
        "wilcoxon_p": compare_paired(first.tolist(), second.tolist()).p_value,
    }


def _dependent(
    first: Values, second: Values, names: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """The same where cases have several values: no interval that takes them for independent."""
    whole = bland_altman(first, second)
    points = {**asdict(whole), "bias_ci95": None, "lower_limit_ci95": None}
    points |= {"upper_limit_ci95": None, "proportional_p": None}
    enough = len(np.unique(names)) >= FEWEST_CASES
    interval = bootstrap_interval_of_groups(first - second, names, rng) if enough else None
    return {
        "bland_altman": BlandAltman(**points),
        "mean_difference_ci95": interval,
        **_coefficients(first, second),
        "icc_ci95": None,
        "ccc_ci95": None,
        "wilcoxon_p": None,
    }


def _coefficients(first: Values, second: Values) -> dict[str, Any]:
    icc = ccc = Coefficient(None, None)
    if len(first) >= FEWEST_CASES:
        icc = icc_absolute(np.stack([first, second], axis=1))
        ccc = concordance(first, second)
    return {"icc": icc.value, "icc_ci95": icc.ci95, "ccc": ccc.value, "ccc_ci95": ccc.ci95}


def _limit_interval(
    n: int, limit_sds: float = LIMIT_SDS, confidence: float = CONFIDENCE
) -> Interval:
    """The interval of the upper limit, in sample standard deviations from the sample mean.

    Exact: the true limit's distance from the mean, in standard errors, follows a noncentral t
    (Carkeet 2015, limits considered individually).
    """
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = stats.nct.ppf(tails, n - 1, limit_sds * n**0.5) / n**0.5
    return float(low), float(high)


def _proportional_bias(
    differences: Values, means: Values, sd: float
) -> tuple[float | None, float | None]:
    """Slope of the differences on the means, and the p of its being 0."""
    if np.ptp(means) == 0:
        return None, None
    if sd == 0:
        return 0.0, None
    fit = stats.linregress(means, differences)
    return float(fit.slope), float(fit.pvalue)


def _pearson(first: Values, second: Values) -> float | None:
    """Pearson's correlation; None where either series does not vary."""
    if len(first) < FEWEST_CASES or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(stats.pearsonr(first, second).statistic)


def _all_the_same(differences: Values, values: Values) -> bool:
    """Whether the differences are one number but for the rounding of the values themselves."""
    return float(np.ptp(differences)) <= 1e-12 * float(np.abs(values).max())


def as_numbers(values: Series | Values) -> Values:
    """The values as an array, NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _known(first: Series | Values, second: Series | Values) -> Bool[np.ndarray, "pair"]:
    """Where both have a value.

    Raises:
        ValueError: the two differ in length, or a value is infinite.
    """
    ours, theirs = as_numbers(first), as_numbers(second)
    if len(ours) != len(theirs):
        raise ValueError(f"series of {len(ours)} and {len(theirs)} values cannot be paired")
    if np.isinf(ours).any() or np.isinf(theirs).any():
        raise ValueError("a value is infinite; leave it out as None")
    known: np.ndarray = ~(np.isnan(ours) | np.isnan(theirs))
    return known
