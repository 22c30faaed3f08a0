import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.quantification.statistics import bootstrap_interval, compare_paired, describe

FRACTIONS = st.floats(0, 1, width=16)


def rng():
    return np.random.default_rng(0)


def test_mean_deviation_and_median_of_four_numbers_by_hand():
    found = describe([1.0, 2.0, 3.0, 6.0], rng())
    assert (found.n, found.mean, found.median) == (4, 3.0, 2.5)
    assert np.isclose(found.sd, np.sqrt((4 + 1 + 0 + 9) / 3))


def test_cases_without_a_value_are_left_out_and_not_counted():
    found = describe([None, 0.5, None, 0.7], rng())
    assert found.n == 2
    assert np.isclose(found.mean, 0.6)


def test_no_case_at_all_gives_no_number():
    found = describe([None, None], rng())
    assert (found.n, found.mean, found.sd, found.median, found.ci95) == (0, None, None, None, None)


def test_one_case_has_a_mean_but_no_spread():
    found = describe([0.4], rng())
    assert (found.n, found.mean, found.sd, found.ci95) == (1, 0.4, None, None)


def test_equal_values_have_an_interval_of_no_width():
    assert bootstrap_interval(np.full(5, 0.3), rng()) == (0.3, 0.3)


def test_an_interval_of_one_value_is_refused():
    with pytest.raises(ValueError, match="two values or more"):
        bootstrap_interval(np.array([0.3]), rng())


def test_the_interval_of_a_large_normal_sample_is_that_of_theory():
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    low, high = bootstrap_interval(values, rng())
    standard_error = values.std(ddof=1) / np.sqrt(len(values))
    assert np.isclose(low, values.mean() - 1.96 * standard_error, atol=0.15 * standard_error)
    assert np.isclose(high, values.mean() + 1.96 * standard_error, atol=0.15 * standard_error)


def test_the_same_seed_gives_the_same_interval():
    values = np.array([0.1, 0.4, 0.9, 0.3])
    assert bootstrap_interval(values, rng()) == bootstrap_interval(values, rng())


@given(st.lists(FRACTIONS, min_size=2, max_size=12))
@settings(max_examples=40)
def test_the_interval_is_finite_and_lies_within_the_values(values):
    low, high = bootstrap_interval(np.array(values), rng())
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12


def test_six_cases_all_better_have_the_smallest_exact_p():
    better = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    worse = [0.49, 0.58, 0.67, 0.76, 0.85, 0.94]
    found = compare_paired(better, worse)
    assert found.n == 6
    assert np.isclose(found.p_value, 2 / 2**6)
    assert np.isclose(found.median_difference, 0.035)


def test_methods_that_never_differ_give_p_of_one():
    assert compare_paired([0.5] * 8, [0.5] * 8).p_value == 1


def test_too_few_pairs_give_no_p():
    found = compare_paired([0.9] * 5, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert (found.n, found.p_value) == (5, None)


def test_only_cases_with_both_values_are_paired():
    found = compare_paired([0.5, None, 0.7], [0.4, 0.4, None])
    assert found.n == 1
    assert np.isclose(found.median_difference, 0.1)
    assert compare_paired([None], [0.1]).median_difference is None


def test_methods_scored_on_different_numbers_of_cases_cannot_be_paired():
    with pytest.raises(ValueError):
        compare_paired([0.1, 0.2], [0.1])


@given(st.lists(st.tuples(FRACTIONS, FRACTIONS), min_size=6, max_size=15))
@settings(max_examples=40)
def test_swapping_the_methods_keeps_p_and_turns_the_sign(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    forth, back = compare_paired(first, second), compare_paired(second, first)
    assert np.isclose(forth.p_value, back.p_value)
    assert 0 <= forth.p_value <= 1
    assert forth.median_difference == -back.median_difference


def test_the_interval_does_not_depend_on_how_much_is_resampled_at_once(monkeypatch):
    values = rng().normal(size=60)
    whole = bootstrap_interval(values, rng())
    monkeypatch.setattr("myoseg.quantification.statistics.RESAMPLED_AT_ONCE", 7000)
    assert bootstrap_interval(values, rng()) == whole
