import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import Tissue
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.labels import ACDC, EMIDEC
from myoseg.quantification.burden import measure_burden
from myoseg.quantification.microvascular import dark_core, labelled_obstruction
from myoseg.quantification.pairing import LabelFile

SIZE = 40
ROWS, COLS = np.indices((SIZE, SIZE)) - 20
RADIUS, ANGLE = np.hypot(ROWS, COLS), np.rad2deg(np.arctan2(ROWS, COLS))
WALL = (RADIUS >= 8) & (RADIUS < 16)
SCAR = WALL & (np.abs(ANGLE) < 45)
IN_SCAR = SCAR & (RADIUS >= 10) & (RADIUS < 14) & (np.abs(ANGLE) < 20)


def labels(scar=SCAR):
    codes = np.where(RADIUS < 8, Tissue.LV_BLOOD_POOL, 0).astype(np.int16)
    codes[WALL] = Tissue.NORMAL_MYOCARDIUM
    codes[scar] = Tissue.SCAR
    return LabelMap(codes[None])


def image(dark, seed=0):
    noise = np.random.default_rng(seed).normal(0, 2, (SIZE, SIZE))
    bright = np.where(SCAR, 100.0, np.where(RADIUS < 8, 80.0, 20.0))
    return (np.where(dark, 18.0, bright) + noise)[None].astype(np.float32)


@settings(max_examples=20)
@given(st.integers(0, 50))
def test_a_dark_zone_within_the_scar_is_found(seed):
    assert (dark_core(image(IN_SCAR, seed), labels(), 1.0)[0] ^ IN_SCAR).sum() <= 4


def test_a_dark_zone_is_found_whether_it_was_labelled_scar_or_left_as_a_hole():
    hole = labels(SCAR & ~IN_SCAR)
    assert np.array_equal(
        dark_core(image(IN_SCAR), hole, 1.0), dark_core(image(IN_SCAR), labels(), 1.0)
    )


def test_a_dark_zone_between_scar_and_cavity_is_found():
    subendocardial = SCAR & (RADIUS < 11) & (np.abs(ANGLE) < 25)
    found = dark_core(image(subendocardial), labels(), 1.0)[0]
    assert (found ^ subendocardial).sum() <= 4


def test_dark_pixels_of_the_scar_that_lie_in_normal_wall_are_no_core():
    at_the_end = SCAR & (ANGLE > 25)
    assert not dark_core(image(at_the_end), labels(), 1.0).any()


def test_a_bright_scar_has_no_core_and_few_dark_pixels_are_none():
    assert not dark_core(image(np.zeros_like(SCAR)), labels(), 1.0).any()
    few = np.zeros_like(SCAR)
    few[20, 31:34] = True
    assert not dark_core(image(few), labels(), 1.0).any()
    assert dark_core(image(few), labels(), 4.0).sum() == 3, "three pixels of 4 mm2 each"


def test_without_scar_or_wall_there_is_no_core():
    assert not dark_core(image(IN_SCAR), labels(np.zeros_like(SCAR)), 1.0).any()
    empty = LabelMap(np.zeros((1, SIZE, SIZE), np.int16))
    assert not dark_core(image(IN_SCAR), empty, 1.0).any()
    all_scar = LabelMap(np.where(WALL, np.int16(Tissue.SCAR), np.int16(0))[None])
    assert not dark_core(image(IN_SCAR), all_scar, 1.0).any(), "no remote myocardium"


def test_the_burden_says_that_it_is_a_dark_core():
    grid = Geometry((1, SIZE, SIZE), np.diag([1.0, 1.0, 10.0, 1.0]))
    found = measure_burden(labels(), grid, lge=image(IN_SCAR))
    assert found.mvo_source == "dark_core"
    true_ml = IN_SCAR.sum() / 100
    assert found.microvascular_obstruction_volume_ml == pytest.approx(true_ml, abs=0.04)


def test_no_reflow_is_read_from_codings_that_have_it(write_labels_by_hand):
    path = write_labels_by_hand("a.nii.gz", {(0, 1, 2): 4, (0, 1, 3): 3, (1, 0, 0): 1})
    mask = labelled_obstruction(LabelFile("a", path, (EMIDEC,)))
    assert np.argwhere(mask).tolist() == [[0, 1, 2]]
    none = write_labels_by_hand("b.nii.gz", {(0, 1, 3): 3})
    assert not labelled_obstruction(LabelFile("b", none, (EMIDEC,))).any()
    assert labelled_obstruction(LabelFile("b", none, (ACDC,))) is None
