import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence, Tissue
from myoseg.block_tables import PHYSIOLOGICAL, TABLES
from myoseg.blocks import Architecture, Block, BlockTable
from myoseg.cases.case import Case, Geometry
from myoseg.cases.legend import in_words
from myoseg.errors import InputError
from myoseg.prediction.ensemble_model import EnsembleModel
from myoseg.prediction.segment import segment
from myoseg.slices.normalisation import Preprocessing

OBLIQUE = np.array(
    [
        [1.2, -0.5, 3.0, -80.0],
        [0.6, 1.1, -4.0, 12.5],
        [-0.2, 0.7, 9.0, 101.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def bright(images):
    """A network that finds what is over half of the normalised range."""
    return np.clip(images[:, 0], 0, 1)


def nothing(images):
    return np.zeros_like(images[:, 0])


def everything(images):
    return np.ones_like(images[:, 0])


def model_of(table, size_px, *networks):
    predictors = {block.name: networks for block in table.blocks}
    return EnsembleModel(table, Preprocessing(size_px, 0.0, 100.0), predictors)


def case_of(shape, *sequences, image=None, affine=OBLIQUE):
    image = np.zeros(shape, np.float32) if image is None else image
    return Case("a", dict.fromkeys(sequences, image), Geometry(shape, affine))


POOL = BlockTable(
    "pool", (Block("pool", (Sequence.BSSFP,), frozenset({Tissue.LV_BLOOD_POOL}), fill_holes=False),)
)


def test_a_bright_square_is_found_where_it_lies():
    """5 x 6 pixels in a window of 4 x 4: rows 0 to 3 and columns 1 to 4 are seen."""
    image = np.zeros((1, 5, 6), np.float32)
    image[0, 1:3, 2:4] = 7
    image[0, 4, 5] = 7
    case = case_of((1, 5, 6), Sequence.BSSFP, image=image)

    found = segment(case, model_of(POOL, 4, bright)).labels.codes[0]

    drawn = """
        ......
        ..##..
        ..##..
        ......
        ......"""
    expected = [[500 if mark == "#" else 0 for mark in line] for line in drawn.split()]
    np.testing.assert_array_equal(found, expected)


def test_three_networks_vote_by_their_mean_and_a_draw_claims_nothing():
    case = case_of((1, 4, 4), Sequence.BSSFP)

    def a_half(images):
        return np.full_like(images[:, 0], 0.5)

    def found(*networks):
        return segment(case, model_of(POOL, 4, *networks)).labels.codes

    assert (found(everything, everything, nothing) == Tissue.LV_BLOOD_POOL).all()
    assert (found(everything, nothing, nothing) == 0).all()
    assert (found(everything, nothing, a_half) == 0).all()


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
    size_px=st.integers(1, 40),
)
def test_the_result_lies_on_the_grid_of_the_case(shape, size_px):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    case = case_of(shape, Sequence.BSSFP, image=image)
    result = segment(case, model_of(POOL, size_px, bright))
    assert result.labels.codes.shape == shape
    assert result.geometry is case.geometry
    np.testing.assert_array_equal(case.images[Sequence.BSSFP], image)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_empty_masks_are_background_and_every_region_is_assessed(table):
    case = case_of((2, 6, 6), *Sequence)
    labels = segment(case, model_of(table, 6, nothing)).labels
    assert not labels.codes.any()
    assert labels.not_assessed == ()


@pytest.mark.parametrize(
    ("sequences", "not_assessed"),
    [
        (tuple(Sequence), set()),
        (
            (Sequence.BSSFP,),
            {"normal_myocardium", "edema", "scar", "edema+scar"},
        ),
        (
            (Sequence.LGE,),
            set(REGIONS) - {"scar"},
        ),
        (
            (Sequence.T2,),
            set(REGIONS) - {"edema+scar"},
        ),
        (
            (Sequence.BSSFP, Sequence.T2),
            {"edema", "scar"},
        ),
        (
            (Sequence.LGE, Sequence.T2),
            {"lv_blood_pool", "rv_blood_pool", "normal_myocardium", "myocardium", "epicardium"},
        ),
        (
            (Sequence.BSSFP, Sequence.LGE),
            {"normal_myocardium", "edema", "edema+scar"},
        ),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_missing_sequences_leave_their_regions_not_assessed(sequences, not_assessed, caplog):
    """By the table: bSSFP gives pools and epicardium, T2 edema with scar, LGE scar."""
    caplog.set_level(logging.WARNING)
    case = case_of((1, 6, 6), *sequences)
    labels = segment(case, model_of(PHYSIOLOGICAL, 6, nothing)).labels
    assert set(labels.not_assessed) == not_assessed
    for region in not_assessed:
        assert in_words(region) in caplog.text
    assert ("not assessed" in caplog.text) == bool(not_assessed)


def test_what_is_wrong_with_a_case_is_warned_of_once_and_kept_with_it(caplog):
    caplog.set_level(logging.WARNING)
    case = case_of((2, 8, 8), Sequence.BSSFP)
    lost = segment(case, model_of(POOL, 8, nothing))
    assert [flag.name for flag in lost.quality.flags] == ["no_heart"]
    assert lost.quality.confidence == 0
    warned = [message for message in caplog.messages if "look at" in message]
    assert warned == ["a: look at this case: no heart was found"]


def test_a_case_without_a_flag_is_not_warned_of(caplog):
    caplog.set_level(logging.WARNING)
    image = np.zeros((2, 8, 8), np.float32)
    image[:, 2:5, 2:5] = 1
    found = segment(case_of(image.shape, Sequence.BSSFP, image=image), model_of(POOL, 8, bright))
    assert found.quality.confidence == 1
    assert found.quality.expected_dice == {"pool": 1}
    assert not [message for message in caplog.messages if "look at" in message]


def test_voters_are_asked_whether_they_agree():
    found = segment(case_of((1, 4, 4), Sequence.BSSFP), model_of(POOL, 4, everything, nothing))
    assert found.quality.disagreement == {"pool": 0.5}
    assert "votes_disagree" in [flag.name for flag in found.quality.flags]


def test_bssfp_alone_gives_the_wall_as_one_group():
    case = case_of((1, 8, 8), Sequence.BSSFP)
    image = np.zeros((1, 8, 8), np.float32)
    image[0, 3:5, 3:5] = 1
    model = EnsembleModel(
        PHYSIOLOGICAL,
        Preprocessing(8, 0.0, 100.0),
        {
            "lv_blood_pool": (lambda images: np.repeat(image, len(images), axis=0),),
            "rv_blood_pool": (nothing,),
            "lv_epicardium": (everything,),
            "lvmems": (everything,),
            "lvms": (everything,),
        },
    )
    labels = segment(case, model).labels
    assert MYOCARDIUM in labels.groups
    assert labels.mask(MYOCARDIUM).sum() == 64 - 4
    assert (labels.codes[0, 3:5, 3:5] == Tissue.LV_BLOOD_POOL).all()


def test_a_case_without_a_block_of_use_is_refused_with_what_is_needed():
    lge = BlockTable(
        "scars",
        (
            Block("scar", (Sequence.LGE,), frozenset({Tissue.SCAR}), (Architecture.UNET,)),
            Block("both", (Sequence.LGE, Sequence.T2), frozenset({Tissue.EDEMA})),
        ),
    )
    message = r"a has bssfp, but the model's blocks need lge, or lge \+ t2; add a sequence"
    with pytest.raises(InputError, match=message):
        segment(case_of((1, 4, 4), Sequence.BSSFP), model_of(lge, 4, nothing))
    with pytest.raises(InputError, match="a has no sequence, but"):
        segment(case_of((1, 4, 4)), model_of(lge, 4, nothing))
