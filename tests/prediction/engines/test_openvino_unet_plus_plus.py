import numpy as np
import pytest
import torch

from myoseg.errors import ModelError
from myoseg.networks.unet_plus_plus import UNetPlusPlus
from myoseg.prediction.engines.engine import REFERENCE, EngineChoice
from myoseg.prediction.engines.openvino import OpenVINOEngine
from myoseg.prediction.engines.openvino_unet_plus_plus import unet_plus_plus_graph
from myoseg.prediction.engines.pytorch import PyTorchEngine

OPENVINO = EngineChoice("openvino", "cpu", "float32", 1)
TOLERANCE = 1e-4
NARROW = (32, 16, 16, 8, 8)


def network_of(encoder):
    """Statistics and scales are drawn, so that the answers spread from 0 to 1."""
    torch.manual_seed(0)
    network = UNetPlusPlus(2, encoder=encoder, decoder_channels=NARROW)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(1, 2)
            module.bias.data.normal_()
    network.network.segmentation_head[0].weight.data.normal_()
    return network.eval().requires_grad_(False)


def weights_of(network):
    state = network.network.state_dict().items()
    return {name: tensor.numpy() for name, tensor in state if tensor.is_floating_point()}


@pytest.mark.parametrize("encoder", ["vgg11", "vgg16", "vgg11_bn"])
def test_openvino_says_what_pytorch_says(encoder):
    network = network_of(encoder)
    weights = weights_of(network)
    engine = OpenVINOEngine(lambda shape: unet_plus_plus_graph(weights, shape), OPENVINO)
    images = np.random.default_rng(0).normal(size=(2, 2, 32, 64)).astype(np.float32)
    expected = PyTorchEngine(network, REFERENCE)(images)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(engine(images), expected, atol=TOLERANCE)


def test_weights_without_a_layer_are_refused():
    weights = weights_of(network_of("vgg11"))
    del weights["decoder.blocks.x_1_2.conv2.0.weight"]
    with pytest.raises(ModelError, match=r"x_1_2\.conv2"):
        unet_plus_plus_graph(weights, (1, 2, 32, 32))
