from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.quantification.agreement import _limit_interval, agreement, bland_altman
from myoseg.quantification.statistics import bootstrap_interval_of_groups

WRIGHT = np.array(
    [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], float
)
MINI = np.array(
    [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], float
)
"""Peak expiratory flow in l/min, first readings by two meters, Lancet 1986;327:307, table 1."""

PAIRS = st.lists(st.tuples(st.integers(-99, 99), st.integers(-99, 99)), min_size=3, max_size=12)


def rng():
    return np.random.default_rng(0)


def series(pairs):
    first, second = np.array(pairs, dtype=np.float64).T
    return first, second


def agreed(first, second, cases=None):
    ours, theirs = ([None if v is None else float(v) for v in each] for each in (first, second))
    return agreement("scar_mass_g", "g", ours, theirs, rng(), cases)


def close(one, other):
    """Whether two results hold the same numbers, None for None."""
    numbers = [
        np.array([np.nan if n is None else n for n in np.ravel(list(_flat(each)))], dtype=float)
        for each in (one, other)
    ]
    return np.allclose(*numbers, atol=1e-6, equal_nan=True)


def _flat(found):
    for value in asdict(found).values():
        yield from value if isinstance(value, tuple) else (value,)


def test_bias_and_deviation_of_the_flow_meters_are_those_of_bland_and_altman():
    """Lancet 1986: mean -2.1, SD 38.8, limits at two of them -79.7 and 75.5; here at 1.96."""
    found = bland_altman(WRIGHT, MINI)
    assert (found.n, round(found.bias, 1), round(found.sd, 1)) == (17, -2.1, 38.8)
    assert np.allclose(
        (found.lower_limit, found.upper_limit), (-79.7 + 1.552, 75.5 - 1.552), atol=0.1
    )


def test_the_interval_of_the_bias_is_that_of_bland_and_altman():
    """Lancet 1986: from -22.0 to 17.8."""
    assert np.allclose(bland_altman(WRIGHT, MINI).bias_ci95, (-22.0, 17.8), atol=0.1)


@pytest.mark.parametrize(
    ("n", "quantile", "factor"),
    [(5, 1.644854, 4.203), (10, 1.644854, 2.911), (20, 1.644854, 2.396), (10, 2.326348, 3.981)],
)
def test_the_limits_interval_ends_at_the_published_tolerance_factor(n, quantile, factor):
    """One-sided factors at a confidence of .95, for 95 and 99 % (Natrella, NBS Handbook 91, 1963,
    table A-7): what an upper end of an interval of confidence .90 is."""
    assert np.isclose(_limit_interval(n, quantile, 0.90)[1], factor, atol=0.002)


def test_the_interval_of_a_limit_covers_the_true_one_as_often_as_it_says():
    samples = rng().normal(3, 2, (20_000, 8))
    low, high = _limit_interval(8)
    mean, sd = samples.mean(axis=1), samples.std(axis=1, ddof=1)
    true = 3 + 1.96 * 2
    covered = (mean + low * sd <= true) & (true <= mean + high * sd)
    assert 0.945 < covered.mean() < 0.955
    assert 0.02 < (mean + high * sd < true).mean() < 0.03, "half of the misses on each side"


def test_with_many_pairs_the_interval_is_that_of_bland_and_altman():
    """Stat Methods Med Res 1999: the variance of a limit is about (1 + 1.96^2 / 2) s^2 / n."""
    half_width = 1.959964 * np.sqrt((1 + 1.96**2 / 2) / 5000)
    assert np.allclose(_limit_interval(5000), (1.96 - half_width, 1.96 + half_width), atol=2e-3)


def test_four_pairs_by_hand():
    """Differences -1, 0, 1, 4: mean 1, SD sqrt(14 / 3); means of pairs 1.5, 2, 3.5, 6."""
    found = bland_altman(np.array([1.0, 2, 4, 8]), np.array([2.0, 2, 3, 4]))
    assert (found.n, found.bias) == (4, 1)
    assert np.isclose(found.sd, np.sqrt(14 / 3))
    assert np.isclose(found.upper_limit, 1 + 1.96 * np.sqrt(14 / 3))
    half_width = 3.18245 * np.sqrt(14 / 3) / 2
    assert np.allclose(found.bias_ci95, (1 - half_width, 1 + half_width), atol=1e-4)
    means, differences = np.array([1.5, 2, 3.5, 6]) - 3.25, np.array([-2, -1, 0, 3])
    slope = (means * differences).sum() / (means**2).sum()
    assert np.isclose(found.proportional_slope, slope)


@given(PAIRS)
def test_swapping_the_two_mirrors_bias_and_limits(pairs):
    first, second = series(pairs)
    one, other = bland_altman(first, second), bland_altman(second, first)
    assert np.isclose(one.bias, -other.bias)
    assert np.isclose(one.lower_limit, -other.upper_limit)
    assert np.allclose(one.lower_limit_ci95, np.negative(other.upper_limit_ci95[::-1]))
    assert np.allclose(one.bias_ci95, np.negative(other.bias_ci95[::-1]))


@given(PAIRS, st.integers(-64, 64))
def test_a_constant_added_to_one_moves_bias_and_limits_alone(pairs, constant):
    first, second = series(pairs)
    before, after = bland_altman(first, second), bland_altman(first + constant, second)
    assert np.isclose(after.sd, before.sd)
    for name in ("bias", "lower_limit", "upper_limit", "lower_limit_ci95", "upper_limit_ci95"):
        moved = np.array(getattr(before, name)) + constant
        assert np.allclose(getattr(after, name), moved, atol=1e-9)


@given(PAIRS, st.sampled_from([0.5, 2.0, 8.0]))
def test_another_unit_scales_all_that_has_the_unit(pairs, factor):
    first, second = series(pairs)
    before, after = bland_altman(first, second), bland_altman(factor * first, factor * second)
    for name in ("bias", "sd", "lower_limit", "upper_limit", "upper_limit_ci95"):
        assert np.allclose(getattr(after, name), np.multiply(factor, getattr(before, name)))
    same = [(f.proportional_slope, f.proportional_p) for f in (before, after)]
    assert np.allclose(*[np.array(s, dtype=float) for s in same], equal_nan=True)


@given(PAIRS)
def test_limits_lie_in_their_intervals_and_the_intervals_widen_outward(pairs):
    found = bland_altman(*series(pairs))
    low, high = found.upper_limit_ci95
    assert low <= found.upper_limit <= high
    assert high - found.upper_limit >= found.upper_limit - low - 1e-9


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(pairs, random):
    shuffled = pairs.copy()
    random.shuffle(shuffled)
    assert close(bland_altman(*series(pairs)), bland_altman(*series(shuffled)))


@settings(max_examples=5)
@given(PAIRS)
def test_swapping_the_two_leaves_the_coefficients(pairs):
    one, other = agreed(*series(pairs)), agreed(*series(pairs)[::-1])
    for name in ("icc", "ccc", "pearson_r", "wilcoxon_p"):
        values = [getattr(each, name) for each in (one, other)]
        assert values == [None, None] or np.isclose(*values)
    assert (one.mean_first, one.mean_second) == (other.mean_second, other.mean_first)


def test_two_methods_that_agree_perfectly():
    found = agreed([1.0, 2, 3, 5, 8, 9], [1.0, 2, 3, 5, 8, 9])
    limits = found.bland_altman
    assert (limits.bias, limits.sd, limits.lower_limit, limits.upper_limit) == (0, 0, 0, 0)
    assert limits.upper_limit_ci95 == limits.bias_ci95 == (0, 0)
    assert (found.icc, found.ccc, found.wilcoxon_p) == (1, 1, 1)
    assert np.isclose(found.pearson_r, 1)
    assert found.mean_difference_ci95 == (0, 0)


def test_a_constant_difference_that_is_not_a_binary_number_has_no_deviation():
    first = np.array([0.3, 11.7, 52.9, 3.3])
    found = bland_altman(first + 0.1, first)
    assert found.sd == 0
    assert (found.proportional_slope, found.proportional_p) == (0, None)
    low, high = agreed(first + 0.1, first).mean_difference_ci95
    assert low == high == found.bias


def test_measures_that_do_not_vary_have_a_bias_and_no_coefficients():
    found = agreed([2.0] * 5, [2.0] * 5)
    assert (found.bland_altman.bias, found.bland_altman.sd) == (0, 0)
    assert found.icc is found.ccc is found.pearson_r is None
    assert found.bland_altman.proportional_slope is None


def test_one_that_does_not_vary_has_no_correlation():
    found = agreed([2.0] * 5, [1.0, 2, 3, 4, 5])
    assert found.pearson_r is None
    assert found.ccc == 0


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_pairs_without_a_value_are_left_out_and_counted(nothing):
    found = agreed([1.0, nothing, 3, 4, 9], [1.0, 2, nothing, 5, 7])
    whole = agreed([1.0, 4, 9], [1.0, 5, 7])
    assert (found.n, found.n_left_out, whole.n_left_out) == (3, 2, 0)
    assert close(found.bland_altman, whole.bland_altman)
    assert found.mean_first == whole.mean_first == 14 / 3


@pytest.mark.parametrize("n", [1, 2])
def test_with_fewer_than_three_pairs_there_is_a_bias_and_no_limit(n):
    found = agreed(np.arange(n) + 2.0, np.arange(n) * 1.0)
    assert (found.n, found.bland_altman.bias, found.mean_second) == (n, 2, (n - 1) / 2)
    assert found.bland_altman.sd is found.bland_altman.upper_limit is None
    assert found.icc is found.ccc is found.mean_difference_ci95 is found.wilcoxon_p is None


def test_without_any_pair_there_is_no_number():
    found = agreed([None, 1.0], [2.0, None])
    assert (found.n, found.n_cases, found.n_left_out) == (0, 0, 2)
    assert found.mean_first is found.bland_altman.bias is found.icc is None


def test_negative_values_are_values_like_others():
    found = agreed([-3.0, -1, 2, 4], [-2.0, -1, 1, 4])
    assert found.bland_altman.bias == 0
    assert found.icc > 0.9


def test_segments_of_one_case_give_no_interval_that_takes_them_for_cases():
    first, second = np.arange(12.0), np.arange(12.0) + [0, 1, 2] * 4
    cases = [name for name in "abcd" for _ in range(3)]
    found, alone = agreed(first, second, cases), agreed(first, second)
    assert (found.n, found.n_cases, alone.n_cases) == (12, 4, 12)
    assert found.bland_altman.upper_limit == alone.bland_altman.upper_limit
    assert found.icc == alone.icc
    assert found.icc_ci95 is found.ccc_ci95 is found.wilcoxon_p is None
    assert found.bland_altman.bias_ci95 is found.bland_altman.upper_limit_ci95 is None
    assert found.mean_difference_ci95 == (-1, -1), "every case has the same mean difference"


def test_a_case_of_which_no_segment_has_a_value_is_no_case():
    found = agreed([None, None, 1, 2, 3, 5], [1, 2, 1, 1, 3, 3], list("aabbbb"))
    assert (found.n, found.n_cases, found.n_left_out) == (4, 1, 2)
    assert found.mean_difference_ci95 is None, "one case is too few"


def test_whole_groups_are_drawn_so_that_copies_of_a_case_add_no_certainty():
    values = rng().normal(size=15)
    once = bootstrap_interval_of_groups(values, np.arange(15), rng())
    often = bootstrap_interval_of_groups(np.repeat(values, 8), np.repeat(np.arange(15), 8), rng())
    assert np.allclose(once, often)


def test_groups_of_other_sizes_count_by_their_values():
    sizes = np.repeat(np.arange(4), [1, 9, 3, 5])
    assert bootstrap_interval_of_groups(np.full(18, 2.0), sizes, rng()) == (2, 2)


def test_the_groups_interval_is_near_the_normal_one():
    values = rng().normal(10, 2, 400)
    low, high = bootstrap_interval_of_groups(values, np.arange(400), rng())
    half_width = 1.96 * values.std() / 20
    assert np.allclose(
        (low, high), (values.mean() - half_width, values.mean() + half_width), atol=0.02
    )


def test_one_group_gives_no_interval():
    with pytest.raises(ValueError, match="two groups or more"):
        bootstrap_interval_of_groups(np.array([1.0, 2.0]), np.array([0, 0]), rng())


@pytest.mark.parametrize(
    ("first", "second", "cases", "words"),
    [
        ([1.0, 2.0], [1.0], None, "cannot be paired"),
        ([1.0, np.inf], [1.0, 2.0], None, "infinite"),
        ([1.0, 2.0], [1.0, 2.0], ["a"], "1 cases for 2 pairs"),
    ],
)
def test_values_that_cannot_be_compared_are_refused(first, second, cases, words):
    with pytest.raises(ValueError, match=words):
        agreed(first, second, cases)


def test_the_same_seed_gives_the_same_numbers_and_all_are_json():
    first, second = WRIGHT.tolist(), MINI.tolist()
    assert agreed(first, second) == agreed(first, second)
    record = agreed(first, second).to_record()
    assert record["bland_altman"]["n"] == record["n"] == 17
    assert all(type(v) in (str, int, float, tuple, dict) for v in record.values())
