import numpy as np
import pytest

from myoseg.quantification.remote import find_remote

SIZE = 41
ROWS, COLS = np.mgrid[:SIZE, :SIZE] - SIZE // 2
RADIUS = np.hypot(ROWS, COLS)
ANGLE_DEG = np.degrees(np.arctan2(ROWS, COLS))
RING = (RADIUS >= 10) & (RADIUS < 16)


def of_slice(image, wall=RING):
    return find_remote(image[None].astype(np.float32), wall[None])[0]


def test_the_darkest_sixth_of_a_ring_is_found_by_hand():
    dark = RING & (np.abs(ANGLE_DEG) < 30)
    remote = of_slice(np.where(dark, 10, 100))
    assert (remote & dark).sum() >= 0.9 * dark.sum()
    assert (remote & dark).sum() >= 0.9 * remote.sum()


def test_remote_is_one_arc_of_about_a_sixth_of_the_wall():
    remote = of_slice(np.random.default_rng(0).normal(100, 20, RING.shape))
    assert not (remote & ~RING).any()
    assert remote.sum() == pytest.approx(RING.sum() / 6, rel=0.15)
    angles = np.sort(ANGLE_DEG[remote] % 360)
    gaps = np.diff(np.append(angles, angles[0] + 360))
    assert 360 - gaps.max() <= 60


def test_no_scar_is_taken_for_remote():
    scar = RING & (ANGLE_DEG > -60) & (ANGLE_DEG < 150)
    image = np.random.default_rng(1).normal(20, 5, RING.shape) + 100 * scar
    assert not (of_slice(image) & scar).any()


def test_an_arc_with_few_pixels_is_passed_over():
    open_ring = RING & ((np.abs(ANGLE_DEG) > 45) | (np.abs(ANGLE_DEG) < 2))
    stub = open_ring & (np.abs(ANGLE_DEG) < 2)
    remote = of_slice(np.where(stub, 0, 100), open_ring)
    assert 0 < stub.sum() < open_ring.sum() / 12
    assert (remote & ~stub).any()


@pytest.mark.parametrize("n_turns", [1, 2, 3])
def test_a_turned_image_has_its_remote_turned(n_turns):
    dark = RING & (ANGLE_DEG > 40) & (ANGLE_DEG < 110)
    image = np.where(dark, 10, 100)
    turned = of_slice(np.rot90(image, n_turns))
    assert not (turned & ~np.rot90(dark, n_turns)).any()


def test_every_slice_has_its_own_and_one_without_wall_has_none():
    left, right = (RING & (sign * COLS > 12) for sign in (-1, 1))
    image = np.stack([np.where(left, 1, 9), np.zeros(RING.shape), np.where(right, 1, 9)])
    wall = np.stack([RING, np.zeros_like(RING), RING])
    remote = find_remote(image.astype(np.float32), wall)
    assert remote.any(axis=(1, 2)).tolist() == [True, False, True]
    assert COLS[remote[0]].max() < 0 < COLS[remote[2]].min()


def test_a_wall_of_one_pixel_is_its_own_remote():
    wall = np.zeros_like(RING)
    wall[3, 5] = True
    assert np.array_equal(of_slice(np.ones(RING.shape), wall), wall)
