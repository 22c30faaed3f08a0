import numpy as np
import pytest

from myoseg.errors import InputError
from myoseg.quantification.islands import AS_IT_IS, Cleaning, clean


def drawn(*rows):
    """A mask of one slice, # for what is in it, and its wall, . for the rest of it."""
    pixels = np.array([list(row) for row in rows])[None]
    return pixels == "#", pixels != " "


def test_by_default_nothing_is_done():
    mask, wall = drawn("#..", "..#")
    cleaned = clean(mask, wall, AS_IT_IS)
    assert np.array_equal(cleaned, mask)
    assert cleaned is not mask


def test_islands_below_the_size_go_and_corners_connect():
    mask, wall = drawn("#..##", ".#...", "....#")
    kept = {n: int(clean(mask, wall, Cleaning(n)).sum()) for n in (1, 2, 3)}
    assert kept == {1: 5, 2: 4, 3: 0}


def test_islands_are_counted_slice_by_slice():
    mask = np.ones((3, 1, 1), bool)
    assert not clean(mask, mask, Cleaning(min_island_px=2)).any()


def test_wall_that_is_enclosed_is_filled():
    mask, wall = drawn("####", "#..#", "####")
    assert clean(mask, wall, Cleaning(fill_holes=True)).all()


def test_what_lies_open_to_the_blood_pool_is_no_hole_and_the_pool_is_not_filled():
    mask, wall = drawn("######", "#....#", "#.  .#", "#....#", "######")
    assert np.array_equal(clean(mask, wall, Cleaning(fill_holes=True)), mask)


def test_a_hole_is_closed_by_corners():
    mask, wall = drawn(" .#. ", ".#.#.", " .#. ")
    assert clean(mask, wall, Cleaning(fill_holes=True)).sum() == 5


def test_islands_go_before_holes_are_filled():
    mask, wall = drawn("####", "#..#", "####")
    assert clean(mask, wall, Cleaning(10, fill_holes=True)).all()
    assert not clean(mask, wall, Cleaning(11, fill_holes=True)).any(), "ten pixels around the hole"


def test_wall_at_the_border_of_the_image_is_no_hole():
    mask, wall = drawn("..#", "..#")
    assert np.array_equal(clean(mask, wall, Cleaning(fill_holes=True)), mask)


@pytest.mark.parametrize("empty_wall", [True, False])
def test_an_empty_mask_stays_empty(empty_wall):
    mask = np.zeros((2, 4, 4), bool)
    wall = mask if empty_wall else ~mask
    assert not clean(mask, wall, Cleaning(3, fill_holes=True)).any()


def test_a_negative_size_is_refused():
    with pytest.raises(InputError, match="-1; give 0 or more"):
        Cleaning(min_island_px=-1)
