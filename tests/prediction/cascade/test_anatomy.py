"""Pools and wall decided from probabilities: with the slices beside, and at other odds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.block_tables import CASCADE
from myoseg.cases.case import Case, Geometry
from myoseg.prediction.cascade.anatomy import (
    FAINT,
    AnatomyRules,
    decide_anatomy,
    with_neighbours,
    without_small_parts,
)
from myoseg.prediction.probabilities import BlockProbabilities

LGE = CASCADE.restricted_to((Sequence.LGE,))


def column(*values):
    """One pixel in several slices."""
    return np.array(values, dtype=np.float32).reshape(-1, 1, 1)


def decided(rules=None, given_names=(), image=None, **means):
    n = len(next(iter(means.values())))
    shape = (n, 2, 2)
    image = np.arange(n * 4, dtype=np.float32).reshape(shape) if image is None else image
    case = Case("a", {Sequence.LGE: image}, Geometry(shape, np.diag([1.0, 1, 10, 1])))
    found = BlockProbabilities(means, {}, frozenset(given_names))
    return decide_anatomy(found, case, LGE, rules or AnatomyRules()).mean


def test_the_drawn_example():
    """Logits 2, 0 and -1 with a weight of a half: (2 + 1 + 0) / 2, .25 and (-1 + 0 - .5) / 2."""
    p = 1 / (1 + np.exp(-column(2, 0, -1)))
    logits = np.array([(2 + 0.5 * 2 + 0.5 * 0) / 2, (0 + 1 - 0.5) / 2, (-1 + 0 - 0.5) / 2])
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(with_neighbours(p, 0.5).ravel(), expected, rtol=1e-5)


@given(st.floats(0, 1, width=32), st.integers(1, 6), st.floats(0, 1))
def test_slices_that_agree_stay_as_they_are(probability, n_slices, weight):
    same = column(*[probability] * n_slices)
    np.testing.assert_allclose(with_neighbours(same, weight), same, atol=1.2e-4)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=6), st.floats(0.01, 1))
def test_no_slice_leaves_the_range_of_itself_and_those_beside_it(values, weight):
    found = with_neighbours(column(*values), weight).ravel()
    for index, value in enumerate(found):
        near = values[max(index - 1, 0) : index + 2]
        assert min(near) - 1.2e-4 <= value <= max(near) + 1.2e-4


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=6))
def test_the_order_of_the_slices_makes_no_difference(values):
    found = with_neighbours(column(*values), 0.3)
    np.testing.assert_allclose(with_neighbours(column(*values[::-1]), 0.3)[::-1], found, rtol=1e-6)


def test_where_all_slices_say_no_the_answer_is_exactly_no():
    assert (with_neighbours(column(0, 0, 0, 0.9), 0.2).ravel()[:2] == 0).all()


def test_a_slice_that_shows_nothing_has_no_say():
    """As where alignment has nothing to fill in: its neighbours stand in for it themselves."""
    image = np.arange(16, dtype=np.float32).reshape(4, 2, 2)
    image[2] = 7
    of_all = decided(lv_blood_pool=column(0.9, 0.6, 0.0, 0.8))["lv_blood_pool"]
    without = decided(lv_blood_pool=column(0.9, 0.6, 0.0, 0.8), image=image)["lv_blood_pool"]
    as_if_last = decided(lv_blood_pool=column(0.9, 0.6))["lv_blood_pool"]
    np.testing.assert_allclose(without[:2], as_if_last, rtol=1e-5)
    assert of_all[1] < without[1]
    assert of_all[3] < without[3] == pytest.approx(0.8 * 1.5 / (0.8 * 1.5 + 0.2))


def test_what_is_no_number_empties_its_own_slice_alone():
    found = with_neighbours(column(0.9, np.nan, 0.9, 0.9), 0.135).ravel()
    assert np.isfinite(found).all()
    assert found[1] < 0.5 < min(found[[0, 2, 3]])


def test_far_from_the_heart_nothing_is_touched():
    p = np.zeros((3, 20, 30), dtype=np.float32)
    p[:, 5:9, 10:16] = np.random.default_rng(0).uniform(0, 1, (3, 4, 6))
    found = with_neighbours(p, 0.2)
    np.testing.assert_array_equal(found[:, 5:9, 10:16], with_neighbours(p[:, 5:9, 10:16], 0.2))
    assert not found[:, :5].any()
    assert not found[:, :, 16:].any()


def test_a_small_piece_apart_is_no_heart():
    """A heart, a speck that touches a corner of it, one that touches none, and a faint one."""
    p = np.zeros((4, 12, 12), dtype=np.float32)
    p[:3, 2:6, 2:6] = 0.9
    p[3, 6, 6] = 0.8
    p[0, 10, 10] = 0.8
    p[1, 10, 2] = 0.4
    found = without_small_parts(p, 1 / 3)
    expected = p.copy()
    expected[0, 10, 10] = expected[1, 10, 2] = 0
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [4, 8])
def test_a_piece_that_an_overlooked_slice_parts_stays_if_it_is_large(size):
    p = np.zeros((4, 8, 8), dtype=np.float32)
    p[:2, :, :] = 0.9
    p[3, :size, :] = 0.9
    is_large = 64 * size / 8 >= 128 / 3
    found = without_small_parts(p, 1 / 3)
    assert (found[3] > 0.5).any() == is_large
    assert (found[:2] == p[:2]).all()


def test_a_slice_that_shows_nothing_does_not_part_what_lies_on_its_sides():
    p = np.zeros((4, 8, 8), dtype=np.float32)
    p[:2] = 0.9
    p[3, :2, :2] = 0.9
    shown = np.array([True, True, False, True])
    np.testing.assert_array_equal(without_small_parts(p, 1 / 3, shown), p)
    assert not (without_small_parts(p, 1 / 3)[3] > 0.5).any()
    np.testing.assert_array_equal(without_small_parts(p, 1 / 3, np.zeros(4, dtype=bool)), p)


def test_what_is_faint_around_a_small_piece_alone_goes_with_it():
    """One row: a heart, a small piece on its faint rim, one apart, and what is faint alone."""
    p = np.array([[[0.9, 0.9, 0.9, 0.9, 0.3, 0.2, 0.7, 0.3, 0.05, 0.3, 0.6, 0.2, 0, 0.3]]], "f4")
    found = without_small_parts(p, 1 / 3)
    expected = [[[0.9, 0.9, 0.9, 0.9, 0.3, 0.2, 0, 0.3, 0.05, 0, 0, 0, 0, 0]]]
    np.testing.assert_array_equal(found, np.array(expected, "f4"))


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_pieces_are_only_ever_taken_away_and_the_largest_stays(seed, least_part):
    p = np.random.default_rng(seed).uniform(0, 1, (3, 9, 9)).astype(np.float32) ** 2
    found = without_small_parts(p, least_part)
    assert ((found == p) | ((found == 0) & (p > FAINT))).all()
    assert not (p > 0.5).any() or (found > 0.5).any()


@pytest.mark.parametrize(
    ("distance_mm", "weight"),
    [(0.0, 0.135), (3.0, 0.135), (10.0, 0.135), (15.0, 0.0111), (40.0, 0.0)],
)
def test_neighbours_weigh_less_the_farther_they_are(distance_mm, weight):
    assert AnatomyRules().weight_at(distance_mm) == pytest.approx(weight, rel=1e-2, abs=1e-6)


def test_rules_that_change_nothing_change_nothing():
    p = column(0.2, 0.9, 0.4)
    means = decided(AnatomyRules(neighbour=0.0, odds=1.0), lv_blood_pool=p)
    np.testing.assert_allclose(means["lv_blood_pool"], p, rtol=1e-6)


def test_the_odds_of_the_anatomy_are_raised_and_those_of_disease_are_not():
    rules = AnatomyRules(neighbour=0.0, odds=1.5)
    means = decided(rules, lv_epicardium=column(0.4), rv_blood_pool=column(0.4), lvms=column(0.4))
    assert means["lv_epicardium"].item() == pytest.approx(0.5)
    assert means["rv_blood_pool"].item() == pytest.approx(0.5)
    assert means["lvms"].item() == pytest.approx(0.4)


def test_what_was_drawn_by_hand_stays_as_it_is():
    drawn = column(1, 0, 1)
    means = decided(given_names=["lv_blood_pool"], lv_blood_pool=drawn)
    np.testing.assert_array_equal(means["lv_blood_pool"], drawn)
