"""Disease decided from probabilities: at other odds, and scar as a part of the wall."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.block_tables import CASCADE
from myoseg.cases.case import Case, Geometry
from myoseg.prediction.cascade.anatomy import AnatomyRules, decide_anatomy
from myoseg.prediction.cascade.disease import DiseaseRules, decide_disease
from myoseg.prediction.probabilities import BlockProbabilities

AS_THEY_ARE = DiseaseRules(odds=1.0, scar_in_wall=False)


def line(*values):
    """One slice of one row."""
    return np.array([[values]], dtype=np.float32)


def decided(rules, sequences=tuple(Sequence), given_names=(), **means):
    n = max(np.size(each) for each in means.values())
    case = Case(
        "a", {s: np.zeros((1, 1, n), "f4") for s in sequences}, Geometry((1, 1, n), np.eye(4))
    )
    found = BlockProbabilities(means, {}, frozenset(given_names))
    return decide_disease(found, case, CASCADE.restricted_to(sequences), rules).mean


@given(st.floats(0, 1, width=32), st.floats(0.1, 50))
def test_a_mask_is_cut_where_even_odds_would_have_been_raised_to(probability, odds):
    rules = DiseaseRules(odds=odds, scar_in_wall=False)
    means = decided(rules, lvms=line(probability), lvmems=line(probability))
    for raised in (means["lvms"].item(), means["lvmems"].item()):
        assert 0 <= raised <= 1
        if abs(probability - 1 / (1 + odds)) > 1e-6:
            assert (raised > 0.5) == (probability > 1 / (1 + odds))


def test_the_odds_of_disease_are_raised_and_those_of_the_anatomy_are_not():
    means = decided(
        DiseaseRules(odds=4.0),
        lvms=line(0, 0.2, 0.5, 1),
        lvmems=line(0, 0.2, 0.5, 1),
        lv_epicardium=line(0.4, 0.4, 0.4, 0.4),
    )
    np.testing.assert_allclose(means["lvms"], line(0, 0.5, 0.8, 1), rtol=1e-6)
    np.testing.assert_allclose(means["lvmems"], line(0, 0.5, 0.8, 1), rtol=1e-6)
    np.testing.assert_array_equal(means["lv_epicardium"], line(0.4, 0.4, 0.4, 0.4))


BLOOD = line(0.9, 0.9, 0.1, 0.0, 0.0)
HEART = line(1.0, 1.0, 0.9, 0.3, 0.05)
SCAR = line(0.2, 0.8, 0.9, 0.7, 0.9)


def test_on_lge_scar_is_taken_from_the_blood_and_from_what_lies_close_outside():
    rules = DiseaseRules(odds=1.0)
    means = decided(rules, (Sequence.LGE,), lvms=SCAR, lv_blood_pool=BLOOD, lv_epicardium=HEART)
    np.testing.assert_allclose(means["lv_blood_pool"], line(0.8, 0.2, 0.1, 0, 0), rtol=1e-6)
    np.testing.assert_allclose(means["lv_epicardium"], line(1, 1, 0.9, 0.7, 0.05), rtol=1e-6)
    np.testing.assert_array_equal(means["lvms"], SCAR)


@pytest.mark.parametrize(
    ("sequences", "given_names"),
    [
        (tuple(Sequence), ()),
        ((Sequence.BSSFP, Sequence.LGE), ()),
        ((Sequence.LGE,), ("lv_blood_pool", "lv_epicardium")),
    ],
)
def test_an_anatomy_of_other_origin_stays_as_it_is(sequences, given_names):
    means = decided(
        DiseaseRules(),
        sequences,
        given_names,
        lvms=SCAR,
        lv_blood_pool=BLOOD,
        lv_epicardium=HEART,
    )
    np.testing.assert_array_equal(means["lv_blood_pool"], BLOOD)
    np.testing.assert_array_equal(means["lv_epicardium"], HEART)


def test_scar_in_a_piece_that_is_no_heart_makes_none_of_it():
    """One row of LGE: a heart, a small piece with its rim, and a faint island, all with scar."""
    shape = (1, 1, 12)
    image = {Sequence.LGE: np.arange(12, dtype=np.float32).reshape(shape)}
    case, table = Case("a", image, Geometry(shape, np.eye(4))), CASCADE.restricted_to(tuple(image))
    means = {
        "lv_epicardium": line(0.9, 0.9, 0.9, 0.9, 0, 0.3, 0.8, 0.3, 0, 0.2, 0.4, 0),
        "lvms": line(0, 0, 0, 0.9, 0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9),
    }
    anatomy = decide_anatomy(BlockProbabilities(means, {}), case, table, AnatomyRules())
    found = decide_disease(anatomy, case, table, DiseaseRules())
    claimed = found.mean["lv_epicardium"][0, 0] > 0.5
    assert claimed.tolist() == [True] * 4 + [False] * 8


def test_scar_that_was_given_stays_as_it_is():
    means = decided(DiseaseRules(), (Sequence.LGE,), ("lvms",), lvms=SCAR, lv_epicardium=HEART)
    np.testing.assert_array_equal(means["lvms"], SCAR)


def test_without_scar_nothing_changes():
    means = decided(DiseaseRules(), (Sequence.BSSFP,), lv_blood_pool=BLOOD, lv_epicardium=HEART)
    np.testing.assert_array_equal(means["lv_blood_pool"], BLOOD)


def test_rules_that_change_nothing_change_nothing():
    means = decided(AS_THEY_ARE, (Sequence.LGE,), lvms=SCAR, lv_blood_pool=BLOOD)
    np.testing.assert_array_equal(means["lvms"], SCAR)
    np.testing.assert_array_equal(means["lv_blood_pool"], BLOOD)
