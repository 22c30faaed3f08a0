"""Pools and wall decided from probabilities: with the slices beside, and at other odds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.block_tables import CASCADE
from myoseg.prediction.cascade.anatomy import AnatomyRules, decide_anatomy, with_neighbours
from myoseg.prediction.probabilities import BlockProbabilities

LGE = CASCADE.restricted_to((Sequence.LGE,))


def column(*values):
    """One pixel in several slices."""
    return np.array(values, dtype=np.float32).reshape(-1, 1, 1)


def decided(rules=None, given_names=(), distance_mm=10.0, **means):
    found = BlockProbabilities(means, {}, frozenset(given_names))
    return decide_anatomy(found, distance_mm, LGE, rules or AnatomyRules()).mean


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
