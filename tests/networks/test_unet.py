"""The U-Net of Figure 2."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from myoseg.errors import ConfigurationError, InputError
from myoseg.networks.unet import UNet


def test_channels_and_sizes_are_those_of_figure_2() -> None:
    network = UNet(1)
    seen: list[tuple[int, int, int]] = []

    def note(layer: nn.Module, _: Any, output: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d)
        seen.append((layer.kernel_size[0], output.shape[1], output.shape[2]))

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(note)
    network(torch.zeros(1, 1, 64, 64))
    levels = [(16, 64), (32, 32), (64, 16), (128, 8), (64, 16), (32, 32), (16, 64)]
    assert seen == [(3, *level) for level in levels for _ in range(2)] + [(1, 1, 64)]


def test_parameters_add_up_by_hand() -> None:
    def convolution(n_in: int, n_out: int, side: int) -> int:
        return n_in * n_out * side**2 + n_out

    down = [(1, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    up = [(128, 64), (64, 64), (64, 32), (32, 32), (32, 16), (16, 16)]
    expected = sum(convolution(*ends, 3) for ends in down + up)
    expected += sum(convolution(*ends, 2) for ends in [(128, 64), (64, 32), (32, 16)])
    expected += convolution(16, 1, 1)
    assert sum(p.numel() for p in UNet(1).parameters()) == expected == 481_745


def test_zero_images_give_probability_one_half_without_training() -> None:
    # every bias is zero, so nothing but the sigmoid of 0 comes out
    assert torch.equal(UNet(2)(torch.zeros(1, 2, 16, 16)), torch.full((1, 1, 16, 16), 0.5))


def test_the_stride_follows_from_the_levels() -> None:
    for n_levels, stride in [(1, 1), (2, 2), (4, 8)]:
        network = UNet(1, channels=(4,) * n_levels)
        assert network.stride == stride
        assert network(torch.zeros(1, 1, stride, 3 * stride)).shape == (1, 1, stride, 3 * stride)


@pytest.mark.parametrize("normalisation", ["instance", "batch"])
def test_normalised_networks_train_and_have_no_idle_bias(normalisation: Any) -> None:
    network = UNet(1, channels=(4, 8), normalisation=normalisation)
    network.loss(torch.randn(2, 1, 8, 8), torch.ones(2, 1, 8, 8, dtype=torch.bool)).backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
    assert network.options()["normalisation"] == normalisation


def test_images_of_one_coarse_pixel_cannot_be_normalised() -> None:
    image = torch.randn(1, 1, 2, 2)
    with pytest.raises(InputError, match=r"over 1 pixel.*larger images, or more"):
        UNet(1, channels=(4, 8), normalisation="instance").eval()(image)
    batch = UNet(1, channels=(4, 8), normalisation="batch")
    with pytest.raises(InputError, match="over 1 pixel"):
        batch(image)
    assert batch(image.expand(2, -1, -1, -1)).shape == (2, 1, 2, 2)
    assert batch.eval()(image).shape == (1, 1, 2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ()}, "channels must be"),
        ({"channels": (16, 0)}, "channels must be"),
        ({"normalisation": "group"}, "use none or instance or batch"),
        ({"loss": "focal"}, r"use dice or dice\+cross_entropy"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        UNet(1, **options)
