import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, REGIONS, Tissue
from myoseg.cases.case import LabelMap
from myoseg.errors import InputError
from myoseg.quantification.islands import Cleaning
from myoseg.quantification.threshold_methods import METHODS
from myoseg.quantification.thresholds import threshold, with_blood_pools

SCAR = frozenset({Tissue.SCAR})
ON_LGE = [name for name in METHODS if name != "t2_2sd"]
SIZE = 33
ROWS, COLS = np.mgrid[:SIZE, :SIZE] - SIZE // 2
RADIUS = np.hypot(ROWS, COLS)
RING = (RADIUS >= 7) & (RADIUS < 13)
SECTOR = RING & (np.abs(np.arctan2(ROWS, COLS)) < 0.5)
WALL = np.stack([RING, RING])

seeds = st.integers(0, 2**32 - 1)
methods = st.sampled_from(ON_LGE)


def noisy_ring(seed):
    """Two slices of a ring of about 20 with a sector of about 120."""
    rng = np.random.default_rng(seed)
    image = rng.normal(20, 5, WALL.shape) + np.where(SECTOR, 100, 0)
    return np.clip(image, 1, None).astype(np.float32)


def row(*values):
    """A wall of one row, whose first two pixels are remote: 9 and 11 have mean 10 and SD 1."""
    image = np.array([[[9, 11, *values]]], np.float32)
    remote = np.zeros(image.shape, bool)
    remote[..., :2] = True
    return image, np.ones(image.shape, bool), remote


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2sd", [12.5, 14, 15.5, 17, 52, 100]),
        ("3sd", [14, 15.5, 17, 52, 100]),
        ("5sd", [15.5, 17, 52, 100]),
        ("6sd", [17, 52, 100]),
        ("fwhm", [52, 100]),
        ("half_way", [100]),
    ],
)
def test_scar_by_hand(name, found):
    image, wall, remote = row(12, 12.5, 14, 15.5, 17, 52, 100)
    result = threshold(image, wall, METHODS[name], remote=remote)
    assert image[result.labels.mask(SCAR)].tolist() == found
    assert result.labels.mask(MYOCARDIUM).all()


@pytest.mark.parametrize("name", ["3sd", "5sd", "6sd", "otsu", "half_way"])
def test_a_bright_sector_of_a_ring_is_scar_and_nothing_else(name):
    image = np.where(SECTOR, 100, 20 + ROWS % 2).astype(np.float32)[None]
    result = threshold(image, RING[None], METHODS[name])
    assert np.array_equal(result.labels.mask(SCAR)[0], SECTOR)
    assert not (result.remote[0] & SECTOR).any()


def test_scar_is_told_from_the_rest_and_edema_and_blood_pools_are_not_assessed():
    labels = threshold(noisy_ring(0), WALL, METHODS["5sd"]).labels
    assessed = {name for name, region in REGIONS.items() if labels.assesses(region)}
    assert assessed == {"scar", "myocardium"}
    assert set(np.unique(labels.codes)) == {0, 200, 2221}


def test_on_t2_edema_and_scar_are_one():
    labels = threshold(noisy_ring(0), WALL, METHODS["t2_2sd"]).labels
    assessed = {name for name, region in REGIONS.items() if labels.assesses(region)}
    assert assessed == {"normal_myocardium", "edema+scar", "myocardium"}
    assert set(np.unique(labels.codes)) == {0, 200, 1220}


@given(seeds, methods, st.floats(0.01, 1000))
def test_a_scale_of_all_intensities_changes_nothing(seed, name, scale):
    image = noisy_ring(seed)
    assert_same_scar(image, image.astype(np.float64) * scale, name)


@given(seeds, st.sampled_from([name for name in ON_LGE if name != "fwhm"]), st.floats(-300, 300))
def test_an_offset_changes_nothing_but_full_width_at_half_maximum(seed, name, offset):
    image = noisy_ring(seed)
    assert_same_scar(image, image.astype(np.float64) + offset, name)


def assert_same_scar(image, changed, name):
    changed = changed.astype(np.float32)
    one, other = (threshold(each, WALL, METHODS[name]) for each in (image, changed))
    assume(np.array_equal(one.remote, other.remote))
    differ = one.labels.codes != other.labels.codes
    cuts = np.array([cut.cut for cut in one.cuts])[:, None, None]
    level = 1e-4 if name != "otsu" else np.ptp(image[WALL]) / 255
    assert (np.abs(image - cuts) <= level)[differ].all(), "only what lies on the cut may change"


@given(seeds, st.integers(0, 6), st.booleans())
def test_more_deviations_find_a_part_of_what_fewer_find(seed, min_island_px, fill_holes):
    cleaning = Cleaning(min_island_px, fill_holes)
    image = noisy_ring(seed)
    scars = [
        threshold(image, WALL, METHODS[f"{n}sd"], cleaning=cleaning).labels.mask(SCAR)
        for n in (2, 3, 5, 6)
    ]
    for larger, smaller in pairwise(scars):
        assert not (smaller & ~larger).any()


@given(seeds, st.sampled_from(list(METHODS)))
def test_what_is_found_lies_in_the_wall_and_outside_does_not_matter(seed, name):
    image = noisy_ring(seed)
    elsewhere = np.where(WALL, image, 1e6).astype(np.float32)
    found = threshold(image, WALL, METHODS[name]).labels
    assert np.array_equal(found.codes, threshold(elsewhere, WALL, METHODS[name]).labels.codes)
    assert np.array_equal(found.codes > 0, WALL)


@given(seeds, st.sampled_from(list(METHODS)))
def test_each_slice_is_cut_by_itself(seed, name):
    image = noisy_ring(seed)
    both = threshold(image, WALL, METHODS[name]).labels.codes
    alone = [threshold(image[k : k + 1], WALL[k : k + 1], METHODS[name]).labels for k in (0, 1)]
    assert np.array_equal(both, np.concatenate([each.codes for each in alone]))


@pytest.mark.parametrize("name", METHODS)
def test_an_empty_myocardium_has_nothing(name):
    result = threshold(noisy_ring(0), np.zeros_like(WALL), METHODS[name])
    assert not result.labels.codes.any()
    assert not result.remote.any()
    assert result.cuts == (None, None)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", [-2.7, 0, 0.1, 1000])
def test_a_constant_myocardium_has_no_scar(name, value):
    image = np.full(WALL.shape, value, np.float32)
    codes = threshold(image, WALL, METHODS[name]).labels.codes
    assert np.array_equal(np.unique(codes), [0, 200])


@pytest.mark.parametrize("name", METHODS)
def test_a_slice_without_myocardium_stays_empty_and_changes_nothing(name):
    image, wall = noisy_ring(0), WALL.copy()
    wall[1] = False
    result = threshold(image, wall, METHODS[name])
    alone = threshold(image[:1], wall[:1], METHODS[name])
    assert np.array_equal(result.labels.codes[0], alone.labels.codes[0])
    assert not result.labels.codes[1].any()
    assert result.cuts == (*alone.cuts, None)


def test_nothing_darker_than_remote_is_scar_where_half_of_the_maximum_is():
    image, wall, remote = row(9.5, 12)
    result = threshold(image, wall, METHODS["fwhm"], remote=remote)
    assert image[result.labels.mask(SCAR)].tolist() == [11, 12], "6 is raised to 10"


def test_a_slice_without_drawn_remote_takes_that_of_all_slices():
    image = np.array([[[9, 11, 100]], [[14, 16, 16]]], np.float32)
    wall, remote = np.ones(image.shape, bool), np.zeros(image.shape, bool)
    remote[0, 0, :2] = True
    result = threshold(image, wall, METHODS["5sd"], remote=remote)
    assert [cut.cut for cut in result.cuts] == [15, 15]
    assert result.labels.mask(SCAR).sum() == 3


def test_a_remote_mask_outside_the_myocardium_is_refused():
    with pytest.raises(InputError, match="no pixel in the myocardium"):
        threshold(noisy_ring(0), WALL, METHODS["2sd"], remote=~WALL)


def test_an_image_without_numbers_in_the_myocardium_is_refused_rather_than_called_healthy():
    image = noisy_ring(0)
    image[0, 0, 0] = np.nan
    assert threshold(image, WALL, METHODS["5sd"]).labels.mask(SCAR).any(), "NaN outside the wall"
    image[1, SIZE // 2, SIZE // 2 + 8] = np.nan
    with pytest.raises(InputError, match="NaN or infinite values in the myocardium"):
        threshold(image, WALL, METHODS["5sd"])


def test_arrays_of_two_shapes_are_refused():
    with pytest.raises((ValueError, TypeError)):
        threshold(noisy_ring(0), WALL[:1], METHODS["2sd"])


def test_islands_and_holes_go_as_asked():
    image = np.full((1, SIZE, SIZE), 20, np.float32)
    image[0, SECTOR] = 100
    image[0, 16, 26] = 20
    image[0, 16, 6] = 100
    plain, cleaned = (
        threshold(image, RING[None], METHODS["5sd"], cleaning=cleaning).labels.mask(SCAR)[0]
        for cleaning in (Cleaning(), Cleaning(min_island_px=2, fill_holes=True))
    )
    assert RING[16, 26]
    assert RING[16, 6]
    assert (bool(plain[16, 26]), bool(plain[16, 6])) == (False, True)
    assert np.array_equal(cleaned, SECTOR)


def test_the_record_says_every_cut():
    image, wall, remote = row(100)
    result = threshold(image, wall, METHODS["5sd"], remote=remote, cleaning=Cleaning(3))
    assert json.loads(json.dumps(result.to_record())) == {
        "method": "5sd",
        "sequence": "lge",
        "remote": "given",
        "min_island_px": 3,
        "fill_holes": False,
        "slices": [{"slice": 0, "remote_mean": 10, "remote_sd": 1, "cut": 15}],
    }


def test_the_blood_pools_of_the_contours_stand_beside_the_thresholded_wall():
    codes = np.where(RING, Tissue.NORMAL_MYOCARDIUM, 0).astype(np.int16)[None]
    codes[0, 16, 16], codes[0, 0, 0] = Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL
    drawn = LabelMap(codes, (MYOCARDIUM, *EACH_TISSUE[1:3]))
    image = np.where(SECTOR, 100, 20).astype(np.float32)[None]
    found = threshold(image, RING[None], METHODS["5sd"]).labels
    whole = with_blood_pools(found, drawn)
    assert np.array_equal(whole.mask(SCAR), found.mask(SCAR))
    assert whole.mask(frozenset({Tissue.LV_BLOOD_POOL})).sum() == 1
    assert whole.mask(frozenset({Tissue.RV_BLOOD_POOL})).sum() == 1
    assert whole.mask(MYOCARDIUM).sum() == RING.sum()
    assert not whole.assesses(frozenset({Tissue.EDEMA}))


def test_contours_without_blood_pools_add_none():
    drawn = LabelMap(np.where(RING, np.int16(200), np.int16(0))[None], (MYOCARDIUM,))
    found = threshold(RING[None].astype(np.float32), RING[None], METHODS["5sd"]).labels
    assert with_blood_pools(found, drawn).groups == found.groups
