"""Coefficients of agreement: ratings enter, intraclass and concordance correlation and kappa leave.

Few lines of arithmetic each, pinned to the worked examples of the publications they are from.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int
from scipy import stats

from myoseg.quantification.statistics import CONFIDENCE, Values


@dataclass(frozen=True)
class Coefficient:
    """A coefficient and its 95 % interval; None where the ratings do not give one."""

    value: float | None
    ci95: tuple[float, float] | None


def icc_absolute(ratings: Float64[np.ndarray, "case rater"]) -> Coefficient:
    """Intraclass correlation ICC(A,1), which is Shrout & Fleiss' ICC(2,1).

    Two-way random effects, absolute agreement, a single rating. No value where all ratings are
    the same; perfect agreement gives 1 with an interval of no width.

    Sources: McGraw & Wong, Psychol Methods 1996;1:30, tables 4 and 7. Shrout & Fleiss, Psychol
    Bull 1979;86:420.

    Raises:
        ValueError: fewer than two cases or raters.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        raise ValueError(f"{n} cases by {k} raters; both must be two or more")
    if np.ptp(ratings) == 0:
        return Coefficient(None, None)
    cases, raters, error = _mean_squares(ratings)
    total = cases + (k - 1) * error + k * (raters - error) / n
    icc = (cases - error) / total
    return Coefficient(float(icc), _icc_interval(n, k, icc, (cases, raters, error)))


def _mean_squares(ratings: Float64[np.ndarray, "case rater"]) -> tuple[float, float, float]:
    """Mean squares of a two-way analysis of variance: between cases, between raters, residual."""
    n, k = ratings.shape
    centred = ratings - ratings.mean()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    residual = centred - rows[:, None] - columns
    cases, raters = k * (rows**2).sum() / (n - 1), n * (columns**2).sum() / (k - 1)
    return float(cases), float(raters), float((residual**2).sum() / ((n - 1) * (k - 1)))


def _icc_interval(
    n: int, k: int, icc: float, mean_squares: tuple[float, float, float]
) -> tuple[float, float] | None:
    """McGraw & Wong's interval of ICC(A,1), degrees of freedom after Satterthwaite."""
    if 1 - icc < 1e-12:
        return 1.0, 1.0
    cases, raters, error = mean_squares
    a = k * icc / (n * (1 - icc))
    b = 1 + a * (n - 1)
    of_raters, of_error = (a * raters) ** 2 / (k - 1), (b * error) ** 2 / ((n - 1) * (k - 1))
    if of_raters + of_error == 0:
        return None
    v = (a * raters + b * error) ** 2 / (of_raters + of_error)
    level = (1 + CONFIDENCE) / 2
    f_low, f_high = stats.f.ppf(level, n - 1, v), stats.f.ppf(level, v, n - 1)
    rest = k * raters + (k * n - k - n) * error
    with np.errstate(invalid="ignore", divide="ignore"):
        low = n * (cases - f_low * error) / (f_low * rest + n * cases)
        high = n * (f_high * cases - error) / (rest + n * f_high * cases)
    return (float(low), float(high)) if np.isfinite([low, high]).all() else None


def concordance(first: Values, second: Values) -> Coefficient:
    """Lin's concordance correlation coefficient of two series.

    Variances and covariance are divided by n, as in 1989. The interval is by Fisher's z with the
    variance as corrected in 2000. No value where neither varies and both are the same.

    Sources: Lin, Biometrics 1989;45:255, and its correction, Biometrics 2000;56:324.
    """
    shift = float(first.mean() - second.mean())
    sum_of_variances = float(first.var() + second.var())
    denominator = sum_of_variances + shift**2
    if denominator == 0:
        return Coefficient(None, None)
    covariance = float(((first - first.mean()) * (second - second.mean())).mean())
    ccc = 2 * covariance / denominator
    deviations = float(first.std() * second.std())
    if len(first) < 3 or deviations == 0:
        return Coefficient(ccc, None)
    accuracy, u2 = 2 * deviations / denominator, shift**2 / deviations
    return Coefficient(ccc, _concordance_interval(len(first), ccc, accuracy, u2))


def _concordance_interval(
    n: int, ccc: float, accuracy: float, u2: float
) -> tuple[float, float] | None:
    """Lin's interval by Fisher's z, which is ccc alone where that is 1 or -1.

    `accuracy` is Lin's C_b, ccc / r; `u2` the square of his location shift.
    """
    rest = 1 - ccc**2
    if rest < 1e-12:
        return ccc, ccc
    r = ccc / accuracy
    variance = (
        (1 - r**2) * accuracy**2 / rest
        + 2 * ccc**2 * accuracy * (1 - ccc) * u2 / rest**2
        - ccc**2 * accuracy**2 * u2**2 / (2 * rest**2)
    ) / (n - 2)
    if variance < 0:
        return None
    half_width = stats.norm.ppf((1 + CONFIDENCE) / 2) * variance**0.5
    middle = np.arctanh(ccc)
    return float(np.tanh(middle - half_width)), float(np.tanh(middle + half_width))


def quadratic_weights(n_classes: int) -> Float64[np.ndarray, "first second"]:
    """Disagreement of classes as the square of their distance.

    >>> quadratic_weights(3).tolist()
    [[0.0, 1.0, 4.0], [1.0, 0.0, 1.0], [4.0, 1.0, 0.0]]
    """
    classes = np.arange(n_classes, dtype=np.float64)
    return (classes[:, None] - classes) ** 2


def weighted_kappa(
    table: Int[np.ndarray, "first second"] | Float64[np.ndarray, "first second"],
    weights: Float64[np.ndarray, "first second"] | None = None,
) -> float | None:
    """Cohen's weighted kappa of a table of counts, one class a row and column, in order.

    Args:
        table: how often the first gave the class of the row and the second that of the column.
        weights: disagreement of each two classes; by default the squared distance, which makes
            kappa an intraclass correlation (Fleiss & Cohen, Educ Psychol Meas 1973;33:613).

    Returns:
        Kappa; None where both gave one and the same class to all, or the table is empty.

    Source: Cohen, Psychol Bull 1968;70:213.
    """
    disagreement = quadratic_weights(len(table)) if weights is None else weights
    expected = float((np.outer(table.sum(axis=1), table.sum(axis=0)) * disagreement).sum())
    if expected == 0:
        return None
    return float(1 - (table * disagreement).sum() * table.sum() / expected)
