import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.quantification.coefficients import (
    concordance,
    icc_absolute,
    quadratic_weights,
    weighted_kappa,
)

SHROUT_AND_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    dtype=np.float64,
)
"""Six targets by four judges, Psychol Bull 1979;86:420, table 2."""

PAIRS = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=12)


def series(pairs):
    first, second = np.array(pairs, dtype=np.float64).T
    return first, second


def icc_of(first, second):
    return icc_absolute(np.stack([first, second], axis=1))


def close(one, other):
    """Whether two coefficients are the same, intervals included."""
    if one.value is None or other.value is None:
        return one == other
    ends = [each.ci95 or (np.nan, np.nan) for each in (one, other)]
    return np.isclose(one.value, other.value) and np.allclose(*ends, equal_nan=True, atol=1e-6)


def test_icc_of_six_targets_by_four_judges_is_that_of_shrout_and_fleiss():
    found = icc_absolute(SHROUT_AND_FLEISS)
    assert round(found.value, 2) == 0.29
    assert np.allclose(found.ci95, (0.02, 0.76), atol=0.005)


def test_icc_by_hand_counts_a_constant_shift_against_agreement():
    """Case means 1.5, 2.5, 3.5: MS of cases 2, of raters 1.5, of error 0: 2 / (2 + 2 x 1.5 / 3).

    One degree of freedom is left: F of .975 is 799.5 with 2 and 1, 38.51 with 1 and 2.
    """
    found = icc_of(np.array([1.0, 2, 3]), np.array([2.0, 3, 4]))
    assert np.isclose(found.value, 2 / 3)
    low, high = 3 * 2 / (799.5 * 2 * 1.5 + 3 * 2), 3 * 38.51 * 2 / (2 * 1.5 + 3 * 38.51 * 2)
    assert np.allclose(found.ci95, (low, high), rtol=1e-3)


def test_concordance_and_its_interval_by_hand():
    """Variances and covariance 2/3, shift 1: 4/7. With r = 1, u2 = 3/2 the variance of z is
    (576 - 288) / 1089; z is ln(11/3) / 2."""
    found = concordance(np.array([1.0, 2, 3]), np.array([2.0, 3, 4]))
    assert np.isclose(found.value, 4 / 7)
    z, half_width = np.log(11 / 3) / 2, 1.959964 * np.sqrt(288 / 1089)
    assert np.allclose(found.ci95, np.tanh([z - half_width, z + half_width]), atol=1e-6)


def test_concordance_of_bland_and_altmans_flow_meters_is_that_of_statas_concord():
    """Steichen & Cox, Stata J 2002;2:183, on the data of Lancet 1986;327:307."""
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    found = concordance(np.array(wright, dtype=float), np.array(mini, dtype=float))
    assert round(found.value, 3) == 0.943


def test_the_interval_of_icc_covers_the_truth_as_often_as_it_says():
    """Cases of variance 4, raters of 0.25, error of 1: the true ICC is 4 / 5.25."""
    rng = np.random.default_rng(0)
    n_covered = 0
    for _ in range(600):
        cases, raters = rng.normal(0, 2, (20, 1)), rng.normal(0, 0.5, (1, 5))
        low, high = icc_absolute(cases + raters + rng.normal(0, 1, (20, 5))).ci95
        n_covered += low <= 4 / 5.25 <= high
    assert 0.92 < n_covered / 600 < 0.98


@pytest.mark.parametrize("coefficient", [icc_of, concordance])
def test_perfect_agreement_is_1_and_none_varying_has_no_value(coefficient):
    varying, still = np.array([1.0, 2, 4, 8]), np.full(4, 0.3)
    assert coefficient(varying, varying).value == 1
    assert coefficient(varying, varying).ci95 == (1, 1)
    assert coefficient(still, still).value is None
    assert np.isclose(coefficient(still, varying).value, 0, atol=1e-12)


@given(PAIRS)
def test_coefficients_are_the_same_after_swap_shift_scale_and_shuffle(pairs):
    first, second = series(pairs)
    order = np.random.default_rng(0).permutation(len(first))
    for coefficient in (icc_of, concordance):
        found = coefficient(first, second)
        assert close(found, coefficient(second, first))
        assert close(found, coefficient(first[order], second[order]))
        assert close(found, coefficient(first * 4 + 32, second * 4 + 32))
        assert close(found, coefficient(-first, -second))


@given(PAIRS)
def test_coefficients_lie_inside_their_intervals_and_not_above_1(pairs):
    for found in (icc_of(*series(pairs)), concordance(*series(pairs))):
        assert found.value is None or found.value <= 1 + 1e-12
        if found.ci95 is not None:
            low, high = found.ci95
            assert low - 1e-9 <= found.value <= high + 1e-9


@given(PAIRS)
def test_concordance_is_not_above_the_correlation(pairs):
    first, second = series(pairs)
    if np.ptp(first) and np.ptp(second):
        found = concordance(first, second).value
        assert abs(found) <= abs(np.corrcoef(first, second)[0, 1]) + 1e-9


def test_weighted_kappa_by_hand():
    """Of 10: disagreement 2 x 1 + 1 x 4 = 6; by chance (5x3x1 + 5x2x4 + 3x5 + 3x2 + 2x5x4 + 2x3)
    / 10 = 12.2."""
    table = np.array([[4, 0, 1], [1, 2, 0], [0, 1, 1]])
    assert np.isclose(weighted_kappa(table), 1 - 6 / 12.2)


def test_kappa_is_that_of_the_published_example():
    """Cohen, Psychol Bull 1968;70:213."""
    proportions = np.array([[0.44, 0.07, 0.09], [0.05, 0.20, 0.05], [0.01, 0.03, 0.06]])
    weights = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 6.0], [3.0, 6.0, 0.0]])
    assert round(weighted_kappa(proportions, 1 - np.eye(3)), 3) == 0.492
    assert round(weighted_kappa(proportions, weights), 3) == 0.348


def test_kappa_of_one_class_alone_and_of_nothing_has_no_value():
    assert weighted_kappa(np.array([[7, 0], [0, 0]])) is None
    assert weighted_kappa(np.zeros((3, 3), dtype=np.int64)) is None


@given(st.lists(st.integers(0, 9), min_size=9, max_size=9))
def test_kappa_is_symmetric_and_1_only_on_the_diagonal(counts):
    table = np.array(counts).reshape(3, 3)
    kappa = weighted_kappa(table)
    other = weighted_kappa(table.T)
    assert (kappa is None) == (other is None)
    if kappa is not None:
        assert np.isclose(kappa, other)
        assert np.isclose(kappa, 1) == (table.sum() == np.trace(table))


def test_quadratic_weights_make_kappa_an_intraclass_correlation_of_the_classes():
    """Fleiss & Cohen 1973: equal but for terms of 1/n; Lin's coefficient is equal to it exactly."""
    table = np.array([[40, 5, 1], [6, 30, 4], [0, 3, 20]])
    first, second = np.nonzero(table)
    counts = table[first, second]
    ours, theirs = (np.repeat(each, counts).astype(float) for each in (first, second))
    assert np.isclose(weighted_kappa(table), concordance(ours, theirs).value)
    assert np.isclose(weighted_kappa(table), icc_of(ours, theirs).value, atol=0.002)
    assert quadratic_weights(4)[0, 3] == 9


@pytest.mark.parametrize("shape", [(1, 2), (5, 1), (0, 2)])
def test_too_few_ratings_for_an_icc_are_refused(shape):
    with pytest.raises(ValueError, match="both must be two or more"):
        icc_absolute(np.zeros(shape))
