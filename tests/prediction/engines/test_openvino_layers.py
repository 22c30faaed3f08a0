"""Enlarging and convolving as one layer against the two, by hand and in PyTorch."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.prediction.engines.openvino_layers import Layers, ops, ov


def answer(images, enlarging, kernel, bias=None):
    """What the one layer makes of images (slice, channel, row, col)."""
    weights = {"enlarge.weight": enlarging} | ({} if bias is None else {"enlarge.bias": bias})
    given_ = ops.parameter([-1, *images.shape[1:]], np.float32)
    size = (2 * images.shape[2], 2 * images.shape[3])
    layer = Layers(weights).enlarged_and_convolved(given_.output(0), "enlarge", kernel, size)
    options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    return ov.Core().compile_model(ov.Model([layer], [given_], "layer"), "CPU", options)(images)[0]


def ones(*shape):
    return np.ones(shape, dtype=np.float32)


def test_ones_enlarged_count_the_neighbours_within_the_larger_image():
    found = answer(ones(1, 1, 2, 2), ones(1, 1, 2, 2), ones(1, 1, 3, 3))
    expected = [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-6)


def test_what_is_added_as_maps_are_enlarged_is_not_there_beyond_the_border():
    """Zeros, with .5 added: half of what ones would give."""
    nothing = 0 * ones(1, 1, 1, 2)
    found = answer(nothing, ones(1, 1, 2, 2), ones(1, 1, 3, 3), 0.5 * ones(1))
    np.testing.assert_allclose(found[0, 0], [[2, 3, 3, 2], [2, 3, 3, 2]], atol=1e-6)


def test_the_kernels_are_not_mirrored():
    """A bright pixel becomes its lower right quarter, which is then seen from above it."""
    image, enlarging, kernel = 0 * ones(1, 1, 2, 2), 0 * ones(1, 1, 2, 2), 0 * ones(1, 1, 3, 3)
    image[0, 0, 1, 0] = enlarging[0, 0, 1, 1] = kernel[0, 0, 2, 1] = 1
    expected = np.zeros((4, 4))
    expected[2, 1] = 1  # the quarter is at row 3, column 1
    np.testing.assert_allclose(answer(image, enlarging, kernel)[0, 0], expected, atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_it_is_one_after_the_other(seed, n_rows, n_cols, n_outputs):
    rng = np.random.default_rng(seed)
    shapes = (2, 3, n_rows, n_cols), (3, 5, 2, 2), (n_outputs, 5, 3, 3), (5,)
    images, enlarging, kernel, bias = (rng.normal(size=s).astype(np.float32) for s in shapes)
    enlarged = torch.nn.functional.conv_transpose2d(
        *map(torch.from_numpy, (images, enlarging, bias)), stride=2
    )
    expected = torch.nn.functional.conv2d(enlarged, torch.from_numpy(kernel), padding=1)
    found = answer(images, enlarging, kernel, bias)
    np.testing.assert_allclose(found, expected, atol=1e-4)
