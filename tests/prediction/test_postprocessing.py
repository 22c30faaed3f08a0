import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.measure import label

from myoseg.anatomy import Sequence, Tissue
from myoseg.block_tables import PAPER
from myoseg.blocks import Block
from myoseg.prediction.postprocessing import fill_holes, largest_component, postprocess

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=16))


def drawn(*rows: str) -> np.ndarray:
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def a_block(keep_largest: bool, fill: bool) -> Block:
    return Block(
        "any", (Sequence.LGE,), frozenset({Tissue.SCAR}), keep_largest=keep_largest, fill_holes=fill
    )


# Against SciPy


@given(masks)
def test_the_largest_component_is_scipys_largest(mask):
    components, n_components = ndimage.label(mask, structure=np.ones((3, 3)))
    sizes = np.bincount(components.ravel(), minlength=n_components + 1)[1:]

    kept = largest_component(mask)

    if n_components:
        # SciPy numbers components in raster order, and argmax takes the first of equals.
        np.testing.assert_array_equal(kept, components == 1 + sizes.argmax())
    else:
        assert not kept.any()


@given(masks)
def test_holes_are_those_that_scipy_fills(mask):
    np.testing.assert_array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))


@given(
    st.integers(0, 2**32 - 1),
    array_shapes(min_dims=2, max_dims=2, min_side=20, max_side=90),
    st.sampled_from([0.7, 1.5, 3.0]),
    st.floats(0.2, 0.8),
)
def test_blobs_with_islands_and_holes_are_cleaned_as_scikit_image_and_scipy_do(
    seed, shape, width_px, part
):
    speckle = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), width_px)
    mask = speckle > np.quantile(speckle, part)
    components = label(mask, connectivity=2)
    sizes = np.bincount(components.ravel())[1:]
    largest = components == 1 + sizes.argmax()

    np.testing.assert_array_equal(largest_component(mask), largest)
    np.testing.assert_array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))
    np.testing.assert_array_equal(
        postprocess(mask, a_block(True, True)), ndimage.binary_fill_holes(largest)
    )


# Laws


@given(masks, st.booleans(), st.booleans())
def test_cleaning_twice_is_cleaning_once_and_leaves_its_input_alone(mask, keep_largest, fill):
    block, before = a_block(keep_largest, fill), mask.copy()

    once = postprocess(mask, block)

    np.testing.assert_array_equal(postprocess(once, block), once)
    np.testing.assert_array_equal(mask, before)


@given(masks)
def test_the_largest_component_only_removes_and_filling_only_adds(mask):
    assert not (largest_component(mask) & ~mask).any()
    assert not (mask & ~fill_holes(mask)).any()


@given(masks)
def test_a_block_that_asks_for_nothing_gets_its_mask(mask):
    np.testing.assert_array_equal(postprocess(mask, a_block(False, False)), mask)


# Drawn by hand


def test_an_island_goes():
    mask = drawn(
        "##...#",
        "##....",
    )
    assert (largest_component(mask) == drawn("##....", "##....")).all()


def test_corners_connect_the_foreground():
    mask = drawn(
        "#..##",
        ".#...",
        "..#..",
    )
    assert (largest_component(mask) == drawn("#....", ".#...", "..#..")).all()


def test_of_equals_the_first_in_raster_order_is_kept():
    mask = drawn(
        "....#",
        "##..#",
        ".....",
        "##...",
    )
    assert (largest_component(mask) == drawn("....#", "....#", ".....", ".....")).all()


def test_a_hole_is_filled_and_a_bay_is_not():
    mask = drawn(
        "###.###",
        "#.#.#.#",
        "###.#.#",
    )
    assert (fill_holes(mask) == drawn("###.###", "###.#.#", "###.#.#")).all()


def test_corners_close_a_contour():
    mask = drawn(
        ".#.",
        "#.#",
        ".#.",
    )
    assert (fill_holes(mask) == drawn(".#.", "###", ".#.")).all()


def test_islands_go_before_holes_are_filled():
    ring_and_block = drawn(
        "#####....",
        "#...#.###",
        "#...#.###",
        "#...#.###",
        "#####.###",
        "......###",
        "......###",
    )
    # The ring has 16 pixels, 25 once filled; the block has 18. Filling first would keep the ring.
    kept = postprocess(ring_and_block, a_block(keep_largest=True, fill=True))

    assert kept[:, :5].sum() == 0
    assert kept.sum() == 18


def test_an_island_inside_a_hole_is_filled_over():
    mask = drawn(
        "#####",
        "#...#",
        "#.#.#",
        "#...#",
        "#####",
    )
    assert postprocess(mask, a_block(keep_largest=True, fill=True)).all()


@pytest.mark.parametrize("block", PAPER.blocks, ids=lambda block: block.name)
def test_empty_and_full_masks_stay_so(block):
    assert not postprocess(np.zeros((7, 5), dtype=bool), block).any()
    assert postprocess(np.ones((7, 5), dtype=bool), block).all()


def test_a_view_that_is_not_contiguous_is_read_as_it_stands():
    mask = drawn("##..", "##.#")

    np.testing.assert_array_equal(largest_component(mask.T), largest_component(mask).T)
    np.testing.assert_array_equal(fill_holes(mask[:, ::-1]), fill_holes(mask)[:, ::-1])


def test_only_the_blood_pool_and_the_epicardium_keep_the_largest_component():
    assert [block.keep_largest for block in PAPER.blocks] == [True, False, True, False, False]
    assert all(block.fill_holes for block in PAPER.blocks)
