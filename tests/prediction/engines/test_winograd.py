"""Convolutions by Winograd's way against the definition, by hand and in PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.prediction.engines import layouts
from myoseg.prediction.engines.layouts import NEVER, Maps, convolved
from myoseg.prediction.engines.openvino_layers import Layers, ops, ov

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def even_narrow_layers(monkeypatch):
    monkeypatch.setattr(layouts, "LEAST_PRODUCT", 1)
    monkeypatch.setattr(layouts, "LEAST_OUTPUTS", 1)


def answer(layer, *images):
    """What a layer makes of images, each (slice, channel, row, col)."""
    given_ = [ops.parameter([-1, *each.shape[1:]], np.float32) for each in images]
    maps = [
        Maps(each.shape[2:], channels=node.output(0))
        for each, node in zip(images, given_, strict=True)
    ]
    model = ov.Model([layer(*maps).channels], given_, "layer")
    options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    return ov.Core().compile_model(model, "CPU", options)(list(images))[0]


def of_kernel(kernel, least_side=1):
    bias = np.zeros(len(kernel), dtype=np.float32)
    return lambda *maps: convolved(list(maps), kernel, bias, least_side=least_side)


def test_a_kernel_of_ones_counts_the_neighbours_within_the_image():
    ones = np.ones((1, 1, 3, 4), dtype=np.float32)
    expected = [[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]]
    found = answer(of_kernel(np.ones((1, 1, 3, 3), dtype=np.float32)), ones)
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-5)


def test_a_kernel_looks_down_and_right_where_its_last_value_is():
    image = np.zeros((1, 1, 5, 6), dtype=np.float32)
    image[0, 0, 3, 4] = 1
    kernel = np.zeros((1, 1, 3, 3), dtype=np.float32)
    kernel[0, 0, 2, 1] = 1
    found = answer(of_kernel(kernel), image)
    expected = np.zeros((5, 6))
    expected[2, 4] = 1  # the pixel below it is the bright one
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_it_is_the_convolution(seed, n_slices, n_rows, n_cols, n_outputs):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n_slices, 3, n_rows, n_cols)).astype(np.float32)
    kernel = rng.normal(size=(n_outputs, 3, 3, 3)).astype(np.float32)
    expected = torch.nn.functional.conv2d(*map(torch.from_numpy, (images, kernel)), padding=1)
    np.testing.assert_allclose(answer(of_kernel(kernel), images), expected, atol=1e-4)


@settings(max_examples=5, deadline=None)
@given(SEEDS, st.integers(1, 5), st.integers(1, 5))
def test_maps_of_half_the_size_count_as_if_enlarged(seed, n_rows, n_cols):
    rng = np.random.default_rng(seed)
    below = rng.normal(size=(2, 2, n_rows, n_cols)).astype(np.float32)
    beside = rng.normal(size=(2, 3, 2 * n_rows, 2 * n_cols)).astype(np.float32)
    kernel = rng.normal(size=(4, 5, 3, 3)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    enlarged = below.repeat(2, axis=2).repeat(2, axis=3)
    together = torch.from_numpy(np.concatenate([enlarged, beside], axis=1))
    expected = torch.nn.functional.conv2d(
        together, torch.from_numpy(kernel), torch.from_numpy(bias), padding=1
    )
    for least_side in (1, NEVER):
        layer = lambda low, high, side=least_side: convolved(  # noqa: E731
            [high], kernel, bias, least_side=side, below=low
        )
        np.testing.assert_allclose(answer(layer, below, beside), expected, atol=1e-4)


@pytest.mark.parametrize("least_side", [1, NEVER])
def test_halving_keeps_the_greatest_in_either_layout(least_side):
    images = np.random.default_rng(0).normal(size=(2, 3, 6, 8)).astype(np.float32)
    kernel = np.zeros((3, 3, 3, 3), dtype=np.float32)
    kernel[range(3), range(3), 1, 1] = 1
    layer = of_kernel(kernel, least_side)
    expected = images.reshape(2, 3, 3, 2, 4, 2).max(axis=(3, 5)).clip(min=0)
    found = answer(lambda maps: layer(maps).halved().rectified(), images)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("least_side", [1, NEVER])
def test_maps_are_normalised_by_image_and_channel_in_either_layout(least_side):
    rng = np.random.default_rng(0)
    images = rng.normal(2, 3, size=(2, 3, 6, 8)).astype(np.float32)
    kernel = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    scale, shift = rng.normal(size=(2, 4)).astype(np.float32)
    named = Layers({"norm.weight": scale, "norm.bias": shift})
    layer = of_kernel(kernel, least_side)
    found = answer(lambda maps: layer(maps).instance_normalised(named, "norm"), images)
    convolved_ = torch.nn.functional.conv2d(*map(torch.from_numpy, (images, kernel)), padding=1)
    expected = torch.nn.functional.instance_norm(
        convolved_, weight=torch.from_numpy(scale), bias=torch.from_numpy(shift)
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)
