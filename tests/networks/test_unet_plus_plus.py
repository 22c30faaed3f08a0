"""U-Net++ on VGG16, and its options."""

from typing import Any

import pytest
import torch

from myoseg.errors import ConfigurationError, InputError
from myoseg.networks.unet_plus_plus import UNetPlusPlus


def test_the_paper_s_encoder_is_vgg16_with_its_published_parameters() -> None:
    network = UNetPlusPlus(1)
    # VGG16 has 138,357,544 parameters, 123,642,856 of them in its classifier; its first layer
    # loses 2 of 3 input channels of 64 x 3 x 3
    expected = 138_357_544 - 123_642_856 - 2 * 64 * 9
    assert sum(p.numel() for p in network.network.encoder.parameters()) == expected
    assert network.options() == {
        "encoder": "vgg16",
        "decoder_channels": [256, 128, 64, 32, 16],
        "loss": "dice",
    }


def test_gradients_reach_every_parameter_of_the_paper_s_network() -> None:
    torch.manual_seed(0)
    network = UNetPlusPlus(1)
    masks = torch.zeros(2, 1, 64, 64, dtype=torch.bool)
    masks[0, 0, 8:16, 8:20] = True
    network.loss(torch.randn(2, 1, 64, 64), masks).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_convolutions_start_as_in_keras() -> None:
    network = UNetPlusPlus(3, encoder="vgg11")
    first = network.network.encoder.features[0]
    # Glorot for 3 to 64 channels of 3 x 3
    limit = (6 / (9 * (3 + 64))) ** 0.5
    assert 0.95 * limit < first.weight.abs().max() <= limit
    assert not first.bias.any()


def test_one_small_image_cannot_train_a_batch_normalisation() -> None:
    network = UNetPlusPlus(1, encoder="vgg11", decoder_channels=(8, 8, 8, 8, 8))
    image = torch.zeros(1, 1, 32, 32)
    with pytest.raises(InputError, match="normalises over 1 pixel"):
        network.loss(image, image.bool())
    assert network.eval()(image).shape == image.shape


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "vgg17"}, "use vgg11 or"),
        ({"decoder_channels": (64, 32)}, "five positive"),
        ({"loss": "focal"}, "use dice or"),
        ({"pretrained": "coco"}, "use none or imagenet"),
        ({"pretrained_file": "w.pth"}, "say what the file holds: imagenet"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        UNetPlusPlus(1, **options)
