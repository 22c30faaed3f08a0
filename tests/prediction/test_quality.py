import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.quality import Flag, Quality
from myoseg.prediction.probabilities import BlockProbabilities
from myoseg.prediction.quality import (
    FLAG_FACTOR,
    VOTES_DISAGREE,
    assess,
    disagreement,
    expected_dice,
)

SHAPE = (3, 8, 8)
GRID = Geometry(SHAPE, np.diag([9.0, 9.0, 10.0, 1.0]))
SCAR_ONLY = (frozenset({Tissue.SCAR}),)
ALL_GROUPS = (EACH_TISSUE, SCAR_ONLY, (MYOCARDIUM,))

shapes = st.just(SHAPE)
probabilities = hnp.arrays(
    np.float32, SHAPE, elements=st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.5, 1.0])
)
spreads = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 0.5, width=32))


def row(*values):
    return np.array([[values]], dtype=np.float32)


def ring(pool_is=Tissue.LV_BLOOD_POOL):
    codes = np.zeros(SHAPE, np.int16)
    codes[:, 2:6, 2:6] = Tissue.NORMAL_MYOCARDIUM
    codes[:, 3:5, 3:5] = pool_is
    codes[:, 3:5, 1] = Tissue.RV_BLOOD_POOL
    return LabelMap(codes)


def sure_of(labels):
    """Blocks that say what the labels show, without doubt."""
    masks = {tissue.name: (labels.codes == tissue).astype(np.float32) for tissue in Tissue}
    return BlockProbabilities(masks, {})


def test_expected_dice_by_hand():
    """Of .9 + .6 in the mask and .5 outside: 2 x 1.5 / (2.0 + 2)."""
    assert expected_dice(row(0.9, 0.6, 0.5, 0.0)) == pytest.approx(0.75)


def test_certain_pixels_expect_a_dice_of_one():
    assert expected_dice(row(1, 1, 0, 0)) == 1


def test_an_empty_mask_has_no_dice_to_expect():
    assert expected_dice(row(0, 0.5, 0.3)) is None
    assert disagreement(row(0, 0.3), row(0, 0.1)) is None


def test_disagreement_is_the_mean_over_what_some_votes_claim():
    """.7 is claimed, .4 would be with one deviation more, .2 would not: (.1 + .2) / 2."""
    assert disagreement(row(0.7, 0.4, 0.2), row(0.1, 0.2, 0.2)) == pytest.approx(0.15)


def test_a_closed_ring_without_doubt_is_trusted_fully():
    quality = assess(ring(), GRID, sure_of(ring()))
    assert quality.confidence == 1
    assert quality.flags == ()
    assert quality.warning == ""
    assert quality.expected_dice["LV_BLOOD_POOL"] == 1
    assert quality.expected_dice["SCAR"] is None
    assert set(quality.disagreement.values()) == {None}


def test_each_finding_takes_its_part_of_the_confidence():
    labels = ring()
    labels.codes[1, 2, 3:5] = 0
    quality = assess(labels, GRID, sure_of(labels))
    assert [flag.name for flag in quality.flags] == ["open_ring"]
    assert quality.confidence == pytest.approx(FLAG_FACTOR)


def test_no_heart_is_no_confidence():
    empty = LabelMap(np.zeros(SHAPE, np.int16))
    quality = assess(empty, GRID, sure_of(empty))
    assert quality.confidence == 0
    assert [flag.name for flag in quality.flags] == ["no_heart"]


def test_confidence_by_hand():
    """One block with an expected Dice of 2 x .8 / 1.8 and a spread of .1, one empty with .3."""
    mean = {"a": np.zeros(SHAPE, np.float32), "b": np.zeros(SHAPE, np.float32)}
    mean["a"][0, 0, 0], mean["b"][0, 0, 0] = 0.8, 0.3
    spread = {"a": np.full(SHAPE, 0.1, np.float32)}
    labels = LabelMap(np.zeros(SHAPE, np.int16), SCAR_ONLY)
    quality = assess(labels, GRID, BlockProbabilities(mean, spread))
    assert quality.disagreement["a"] == pytest.approx(0.1)
    assert quality.confidence == pytest.approx((1.6 / 1.8 * 0.8 + 0.7) / 2)


def test_votes_that_disagree_are_told_with_their_block():
    mean = {"lvms": np.full(SHAPE, 0.6, np.float32), "calm": np.ones(SHAPE, np.float32)}
    labels = LabelMap(np.zeros(SHAPE, np.int16), SCAR_ONLY)

    def flags(spread):
        spreads = {name: np.full(SHAPE, spread, np.float32) for name in ("lvms",)}
        return assess(labels, GRID, BlockProbabilities(mean, spreads)).flags

    (flag,) = flags(VOTES_DISAGREE + 0.05)
    assert (flag.name, flag.words) == (
        "votes_disagree",
        "the votes disagree on scar (spread 0.25)",
    )
    assert flags(VOTES_DISAGREE - 0.05) == ()


def test_no_blocks_are_no_confidence():
    labels = LabelMap(np.zeros(SHAPE, np.int16), SCAR_ONLY)
    assert assess(labels, GRID, BlockProbabilities({}, {})).confidence == 0


def test_what_is_no_number_counts_as_nothing():
    mean = {"a": np.full(SHAPE, np.nan, np.float32)}
    labels = LabelMap(np.zeros(SHAPE, np.int16), SCAR_ONLY)
    assert assess(labels, GRID, BlockProbabilities(mean, mean)).confidence == 1


@given(
    hnp.arrays(np.int16, SHAPE, elements=st.sampled_from([0, *map(int, Tissue)])),
    st.sampled_from(ALL_GROUPS),
    probabilities,
    spreads | st.none(),
)
def test_confidence_is_always_a_part_of_one(codes, groups, mean, spread):
    found = BlockProbabilities({"a": mean}, {} if spread is None else {"a": spread})
    quality = assess(LabelMap(codes, groups), GRID, found)
    assert 0 <= quality.confidence <= 1
    for value in (*quality.expected_dice.values(), *quality.disagreement.values()):
        assert value is None or 0 <= value <= 1
    json.dumps(quality.to_record(), allow_nan=False)


@given(hnp.arrays(np.bool_, SHAPE))
def test_probabilities_of_zero_and_one_expect_a_perfect_dice(mask):
    assert expected_dice(mask.astype(np.float32)) == (1 if mask.any() else None)


@given(probabilities)
def test_doubt_never_raises_the_expected_dice_above_certainty(mean):
    expected = expected_dice(mean)
    assert expected is None or 0 < expected <= 1


def test_a_record_gives_the_quality_back():
    quality = Quality(0.5, {"a": 0.9, "b": None}, {"a": None, "b": 0.1}, (Flag("x", "y", 1, 2),))
    assert Quality.from_record(json.loads(json.dumps(quality.to_record()))) == quality
    for broken in ({}, {"confidence": "much"}, None, quality.to_record() | {"flags": [{}]}):
        with pytest.raises(ValueError):
            Quality.from_record(broken)
