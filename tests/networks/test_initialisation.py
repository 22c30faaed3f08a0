"""Initial weights as Keras draws them."""

import math

import torch
from torch import nn

from myoseg.networks.initialisation import initialise_as_keras


def test_weights_are_glorot_uniform_and_biases_zero() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(4, 8, 3), nn.ConvTranspose2d(8, 4, 2), nn.Linear(30, 20))
    initialise_as_keras(layers)
    # Glorot: uniform within the square root of 6 over the sum of fan-in and fan-out
    for layer, fans in zip(layers, [(4 + 8) * 9, (8 + 4) * 4, 30 + 20], strict=True):
        limit = math.sqrt(6 / fans)
        assert 0.95 * limit < layer.weight.abs().max() <= limit
        assert abs(layer.weight.std() - limit / math.sqrt(3)) < 0.1 * limit
        assert not layer.bias.any()


def test_normalisation_keeps_scale_one_and_shift_zero() -> None:
    norm = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False), nn.BatchNorm2d(3))
    initialise_as_keras(norm)
    assert torch.equal(norm[1].weight, torch.ones(3))
    assert not norm[1].bias.any()
