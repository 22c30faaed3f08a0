from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import map_coordinates, zoom
from scipy.stats import chisquare, kstest

from myoseg.anatomy import BACKGROUND, Tissue
from myoseg.errors import ConfigurationError
from myoseg.slices.augmentation import (
    Augmentation,
    DrawnAugmentation,
    adjust_intensity,
    draw_augmentation,
    draw_warp_field,
    resize_field,
    rotate,
    source_coordinates,
    taper,
    warp_images,
    warp_labels,
)

CODES = [BACKGROUND, *map(int, Tissue)]
STILL = DrawnAugmentation(control_points=np.zeros((8, 8, 2)), quarter_turns=(1, 2, 3))

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(9, 70), st.integers(9, 70))
label_maps = arrays(np.int16, (12, 12), elements=st.sampled_from(CODES))


def constant_shift(rows: float, cols: float) -> DrawnAugmentation:
    return replace(STILL, control_points=np.full((8, 8, 2), (rows, cols), dtype=float))


# Drawing


def test_control_points_are_uniform_in_plus_minus_5_pixels():
    drawn = np.stack([draw_warp_field(np.random.default_rng(seed)) for seed in range(40)])

    assert drawn.shape == (40, 8, 8, 2)
    assert np.abs(drawn).max() <= 5
    assert kstest(drawn.ravel(), "uniform", args=(-5, 10)).pvalue > 0.01


def test_the_three_quarter_turns_are_equally_likely():
    firsts = [
        draw_augmentation(np.random.default_rng(seed), Augmentation()).quarter_turns[0]
        for seed in range(1500)
    ]

    counts = np.bincount(firsts, minlength=4)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 0.01


@given(seeds)
def test_options_do_not_change_what_the_paper_draws(seed):
    every_option = Augmentation(
        taper_px=40, rotation_deg=20.0, scale_range=(0.8, 1.2), flip=True,
        gamma_range=(0.7, 1.5), gain_range=(0.9, 1.1),
    )  # fmt: skip

    paper = draw_augmentation(np.random.default_rng(seed), Augmentation())
    extended = draw_augmentation(np.random.default_rng(seed), every_option)

    np.testing.assert_array_equal(paper.control_points, extended.control_points)
    assert paper.quarter_turns == extended.quarter_turns
    assert sorted(paper.quarter_turns) == [1, 2, 3]


@given(seeds)
def test_every_draw_stays_in_its_range(seed):
    options = Augmentation(
        rotation_deg=20.0,
        scale_range=(0.8, 1.2),
        flip=True,
        gamma_range=(0.5, 2.0),
        gain_range=(1.0, 3.0),
    )

    drawn = draw_augmentation(np.random.default_rng(seed), options)

    assert -20 <= drawn.rotation_deg <= 20
    assert 0.8 <= drawn.scale <= 1.2
    assert 0.5 <= drawn.gamma <= 2
    assert 1 <= drawn.gain <= 3


@given(seeds)
def test_options_are_off_by_default(seed):
    drawn = draw_augmentation(np.random.default_rng(seed), Augmentation())

    assert (drawn.rotation_deg, drawn.scale, drawn.flipped) == (0, 1, (False, False))
    assert (drawn.gamma, drawn.gain) == (1, 1)


def test_one_slice_gives_the_papers_40_samples():
    assert Augmentation().n_copies == 40
    assert Augmentation(n_warps=3, n_rotated=0).n_copies == 3


@pytest.mark.parametrize(
    "setting",
    [
        {"warp_grid": 1}, {"warp_max_px": -1.0}, {"n_warps": 0}, {"n_rotated": 4},
        {"taper_px": -1}, {"rotation_deg": -1.0}, {"scale_range": (1.2, 0.8)},
        {"gamma_range": (0.0, 1.0)}, {"gain_range": (-1.0, 1.0)},
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused_by_name(setting):
    (name,) = setting
    with pytest.raises(ConfigurationError, match=name if "range" not in name else "ranges"):
        Augmentation(**setting)


# The field


@given(seeds, st.tuples(st.integers(2, 80), st.integers(2, 80)), st.integers(2, 9))
def test_the_field_is_scipys_linear_zoom(seed, shape, grid):
    points = draw_warp_field(np.random.default_rng(seed), grid)

    field = resize_field(points, shape)

    factors = [length / grid for length in shape]
    for axis in (0, 1):
        expected = zoom(points[..., axis], factors, order=1)
        np.testing.assert_allclose(field[axis], expected, atol=1e-5)


def test_the_papers_field_has_corner_values_on_corner_pixels():
    points = draw_warp_field(np.random.default_rng(0))

    field = resize_field(points, (256, 256))

    for row, col in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        np.testing.assert_allclose(field[:, row, col], points[row, col], rtol=1e-6)


def test_a_field_between_two_by_two_points_is_their_mean_in_the_middle():
    points = np.zeros((2, 2, 2))
    points[..., 0] = [[0, 4], [8, 12]]

    assert resize_field(points, (3, 3))[0].tolist() == [[0, 2, 4], [4, 6, 8], [8, 10, 12]]


def test_the_taper_is_zero_at_the_border_and_one_inside():
    tapered = taper(np.ones((2, 5, 9), dtype=np.float32), 2)

    assert tapered[0].tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0],
        [0, 0.5, 1, 1, 1, 1, 1, 0.5, 0],
        [0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]


def test_no_taper_leaves_the_field():
    field = np.ones((2, 4, 4), dtype=np.float32)

    np.testing.assert_array_equal(taper(field, 0), field)


# Warping


@example(seed=0, shape=(256, 256), max_px=5.0)
@given(seeds, shapes, st.floats(0, 40))
def test_images_are_read_as_scipy_reads_them(seed, shape, max_px):
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 1, (3, *shape)).astype(np.float32)
    points = draw_warp_field(rng, 8, max_px)
    coordinates = source_coordinates(replace(STILL, control_points=points), shape)

    warped = warp_images(images, coordinates)

    for image, result in zip(images, warped, strict=True):
        expected = map_coordinates(image, coordinates, order=1, mode="nearest")
        np.testing.assert_allclose(result, expected, atol=2e-5)


@pytest.mark.parametrize("n_images", range(7))
def test_images_read_together_are_those_read_one_by_one(n_images):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(n_images, 40, 30)).astype(np.float32)
    points = draw_warp_field(rng, 8, 5.0)
    coordinates = source_coordinates(replace(STILL, control_points=points), (40, 30))

    together = warp_images(images, coordinates)

    one_by_one = [warp_images(image[np.newaxis], coordinates)[0] for image in images]
    assert together.shape == images.shape
    np.testing.assert_array_equal(together, np.array(one_by_one).reshape(together.shape))


@example(seed=0, shape=(256, 256), max_px=5.0)
@given(seeds, shapes, st.floats(0, 40))
def test_labels_are_each_tissues_mask_read_as_scipy_reads_it_and_cut(seed, shape, max_px):
    rng = np.random.default_rng(seed)
    patches = np.kron(rng.choice(CODES, (30, 30)), np.ones((9, 9), dtype=int))
    labels = patches[: shape[0], : shape[1]].astype(np.int16)
    points = draw_warp_field(rng, 8, max_px)
    coordinates = source_coordinates(replace(STILL, control_points=points), shape)

    warped = warp_labels(labels, coordinates)

    for tissue in Tissue:
        mask = (labels == tissue).astype(float)
        share = map_coordinates(mask, coordinates, order=1, mode="grid-constant")
        decided = np.abs(share - 0.5) > 1e-4
        np.testing.assert_array_equal((warped == tissue)[decided], (share > 0.5)[decided])


@given(label_maps, seeds)
def test_warped_labels_hold_no_code_that_the_labels_do_not(labels, seed):
    points = draw_warp_field(np.random.default_rng(seed))

    warped = warp_labels(
        labels, source_coordinates(replace(STILL, control_points=points), labels.shape)
    )

    assert set(np.unique(warped)) <= {BACKGROUND, *np.unique(labels)}


def test_codes_of_no_tissue_become_background():
    unknown = np.array([[-32768, -1, 1, 199, 201, 2220, 2222, 2223, 32767]], dtype=np.int16)
    labels = np.repeat(unknown, 9, axis=0).astype(np.int16)
    labels[4:] = Tissue.SCAR

    warped = warp_labels(labels, source_coordinates(STILL, labels.shape))

    assert (warped[:4] == BACKGROUND).all()
    assert (warped[4:] == Tissue.SCAR).all()


@given(label_maps)
def test_a_field_of_zeros_changes_nothing(labels):
    coordinates = source_coordinates(STILL, labels.shape)
    images = labels[np.newaxis].astype(np.float32)

    np.testing.assert_array_equal(warp_labels(labels, coordinates), labels)
    np.testing.assert_array_equal(warp_images(images, coordinates), images)


def test_a_displacement_points_to_what_the_pixel_shows():
    image = np.zeros((1, 9, 9), dtype=np.float32)
    image[0, 5, 3] = 1

    shifted = warp_images(image, source_coordinates(constant_shift(2, -1), (9, 9)))

    assert np.argwhere(shifted[0]).tolist() == [[3, 4]]


def test_half_a_pixel_is_the_mean_of_two():
    image = np.arange(9, dtype=np.float32).reshape(1, 1, 9).repeat(9, axis=1)

    shifted = warp_images(image, source_coordinates(constant_shift(0, 0.5), (9, 9)))

    assert shifted[0, 4].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8]


def test_outside_the_image_its_border_continues_and_outside_the_labels_is_background():
    coordinates = source_coordinates(constant_shift(0, -3), (9, 9))
    image = np.full((1, 9, 9), 7, dtype=np.float32)
    labels = np.full((9, 9), Tissue.SCAR, dtype=np.int16)

    assert (warp_images(image, coordinates) == 7).all()
    assert (warp_labels(labels, coordinates)[:, :3] == BACKGROUND).all()
    assert (warp_labels(labels, coordinates)[:, 3:] == Tissue.SCAR).all()


def test_a_pixel_shared_in_halves_belongs_to_neither_tissue():
    labels = np.full((8, 8), Tissue.EDEMA, dtype=np.int16)
    labels[:, 4:] = Tissue.SCAR

    warped = warp_labels(labels, source_coordinates(constant_shift(0, 0.5), (8, 8)))

    assert warped[4].tolist() == [1220, 1220, 1220, 0, 2221, 2221, 2221, 0]


def test_interpolated_codes_never_become_a_tissue_between_them():
    labels = np.zeros((8, 8), dtype=np.int16)
    labels[:, 4:] = Tissue.EDEMA

    warped = warp_labels(labels, source_coordinates(constant_shift(0, 0.4), (8, 8)))

    assert set(np.unique(warped)) == {0, 1220}


def test_empty_labels_stay_empty():
    coordinates = source_coordinates(constant_shift(1.3, 2.7), (16, 16))

    assert not warp_labels(np.zeros((16, 16), dtype=np.int16), coordinates).any()


@pytest.mark.parametrize("shift", [(40, 0), (0, -40), (-40, 40)])
def test_labels_that_are_moved_out_of_the_image_are_gone(shift):
    labels = np.zeros((32, 32), dtype=np.int16)
    labels[10:20, 12:14] = Tissue.SCAR

    assert not warp_labels(labels, source_coordinates(constant_shift(*shift), (32, 32))).any()


# Turning, scaling, mirroring


def test_quarter_turns_are_exact_and_counter_clockwise():
    image = np.array([[1, 2], [3, 4]])

    assert rotate(image, 0).tolist() == [[1, 2], [3, 4]]
    assert rotate(image, 1).tolist() == [[2, 4], [1, 3]]
    assert rotate(image, 2).tolist() == [[4, 3], [2, 1]]
    assert rotate(image, 3).tolist() == [[3, 1], [4, 2]]
    assert rotate(np.stack([image, image + 4]), 1).tolist() == [[[2, 4], [1, 3]], [[6, 8], [5, 7]]]


@given(label_maps, st.sampled_from([1, 2, 3]))
def test_an_angle_of_90_degrees_is_a_quarter_turn(labels, turns):
    drawn = replace(STILL, rotation_deg=90.0 * turns)

    warped = warp_labels(labels, source_coordinates(drawn, labels.shape))

    np.testing.assert_array_equal(warped[1:-1, 1:-1], rotate(labels, turns)[1:-1, 1:-1])


@given(label_maps, st.booleans(), st.booleans())
def test_mirrors_are_exact(labels, rows, cols):
    drawn = replace(STILL, flipped=(rows, cols))

    warped = warp_labels(labels, source_coordinates(drawn, labels.shape))

    np.testing.assert_array_equal(warped, labels[:: -1 if rows else 1, :: -1 if cols else 1])


def test_scale_2_makes_a_disc_four_times_as_large():
    row, col = np.indices((64, 64)) - 31.5
    disc = np.where(np.hypot(row, col) < 12, Tissue.SCAR, 0).astype(np.int16)

    larger = warp_labels(disc, source_coordinates(replace(STILL, scale=2.0), (64, 64)))

    assert np.count_nonzero(larger) == pytest.approx(4 * np.count_nonzero(disc), rel=0.05)


def test_rotation_and_warp_are_one_interpolation():
    image = np.random.default_rng(0).uniform(size=(1, 32, 32)).astype(np.float32)
    drawn = replace(constant_shift(0.5, 0), rotation_deg=30.0)
    coordinates = source_coordinates(drawn, (32, 32))

    expected = map_coordinates(image[0], coordinates, order=1, mode="nearest")

    np.testing.assert_allclose(warp_images(image, coordinates)[0], expected, atol=1e-5)
    np.testing.assert_allclose(
        coordinates, source_coordinates(replace(STILL, rotation_deg=30.0), (32, 32))
        + np.array([0.5, 0], dtype=np.float32)[:, None, None], atol=1e-5,
    )  # fmt: skip


# Intensity


def test_gamma_keeps_the_sign_and_gain_scales():
    images = np.array([[[-4.0, 0.0, 4.0]]], dtype=np.float32)

    assert adjust_intensity(images, replace(STILL, gamma=0.5, gain=3.0)).tolist() == [[[-6, 0, 6]]]
    assert adjust_intensity(images, STILL).tolist() == images.tolist()
