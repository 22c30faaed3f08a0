"""Mask R-CNN in OpenVINO against the reference, which is torchvision's in PyTorch."""

import numpy as np
import pytest
import torch

from myoseg.errors import ModelError
from myoseg.networks.mask_rcnn import MaskRCNN
from myoseg.prediction.engines import mask_rcnn
from myoseg.prediction.engines.engine import REFERENCE, EngineChoice
from myoseg.prediction.engines.openvino import CompiledGraphs
from myoseg.prediction.engines.openvino_mask_rcnn import box_graph, mask_graph, pyramid_graph
from myoseg.prediction.engines.pytorch import PyTorchEngine
from myoseg.prediction.ensemble_model import engine_for

OPENVINO = EngineChoice("openvino", "cpu", "float32", 1)
MEAN_TOLERANCE, LEAST_DICE = 1e-5, 0.999
CHEAP = {"backbone": "resnet18", "width": 16, "n_proposals": 60, "n_detections": 8}


def network_of(n_inputs=1, seed=0, **options):
    """Statistics and the last layers are drawn, so that scores and masks spread from 0 to 1."""
    torch.manual_seed(seed)
    network = MaskRCNN(n_inputs, **(CHEAP | options)).eval().requires_grad_(False)
    for module in network.modules():
        if hasattr(module, "running_var"):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.copy_(torch.rand_like(module.weight) + 0.5)
    heads, proposing = network.detector.roi_heads, network.detector.rpn.head
    proposing.cls_logits.weight.normal_(0, 0.2)
    proposing.bbox_pred.weight.normal_(0, 0.02)
    heads.box_predictor.cls_score.weight.normal_(0, 0.2)
    heads.box_predictor.cls_score.bias.copy_(torch.tensor([-1.5, 1.5]))
    heads.mask_predictor.mask_fcn_logits.weight.normal_(0, 2)
    return network


def images_of(n_slices, n_inputs=1, size=(64, 96), seed=0):
    shape = (n_slices, n_inputs, *size)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def weights_of(network):
    state = network.detector.state_dict().items()
    return {name: tensor.numpy() for name, tensor in state if tensor.is_floating_point()}


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def assert_same(network, images):
    expected = PyTorchEngine(network, REFERENCE)(images)
    found = engine_for(network, OPENVINO)(images)
    assert expected.shape == found.shape
    assert 0.005 < (expected > 0.5).mean() < 0.98
    assert np.abs(found - expected).mean() < MEAN_TOLERANCE
    assert dice(found > 0.5, expected > 0.5) >= LEAST_DICE


@pytest.mark.parametrize(
    ("n_inputs", "options"),
    [
        (1, {}),
        (2, {"imagenet_statistics": True, "frozen_normalisation": True}),
        (1, {"backbone": "resnet50", "anchor_sizes": [4, 8, 16, 32, 64]}),
    ],
)
def test_openvino_says_what_pytorch_says(n_inputs, options):
    assert_same(network_of(n_inputs, **options), images_of(3, n_inputs))


def test_wide_layers_go_another_way_and_say_the_same(monkeypatch):
    from myoseg.prediction.engines import layouts, openvino_mask_rcnn

    monkeypatch.setattr(layouts, "LEAST_PRODUCT", 1)
    monkeypatch.setattr(layouts, "LEAST_OUTPUTS", 1)
    monkeypatch.setattr(openvino_mask_rcnn, "LEAST_SIDE", 4)
    assert_same(network_of(), images_of(2))


def test_the_smallest_image_is_taken():
    network = network_of()
    images = images_of(1, size=(32, 32))
    found = engine_for(network, OPENVINO)(images)
    np.testing.assert_allclose(found, PyTorchEngine(network, REFERENCE)(images), atol=1e-3)


def test_where_nothing_is_sure_enough_the_probability_is_zero():
    network = network_of()
    network.detector.roi_heads.box_predictor.cls_score.bias.copy_(torch.tensor([50.0, -50.0]))
    assert not engine_for(network, OPENVINO)(images_of(2)).any()


def test_a_long_stack_is_asked_about_in_parts_and_none_is_lost(monkeypatch):
    engine = engine_for(network_of(), OPENVINO)
    images = images_of(5, size=(32, 64))
    together = engine(images)
    monkeypatch.setattr(mask_rcnn, "SLICES_AT_ONCE", 2)
    monkeypatch.setattr(mask_rcnn, "MASKS_AT_ONCE", 3)
    np.testing.assert_allclose(engine(images), together, atol=1e-4)


def test_masks_in_bfloat16_stay_close():
    weights = weights_of(network_of())
    values = np.random.default_rng(0).normal(size=(5, 14, 14, 16)).astype(np.float32)
    found = {}
    for precision in ("float32", "bfloat16"):
        choice = EngineChoice("openvino", "cpu", precision, 1)
        graphs = CompiledGraphs(lambda _, p=precision: mask_graph(weights, p), choice)
        (found[precision],) = graphs.answers(None, values)
    assert np.ptp(found["float32"]) > 0.1
    np.testing.assert_allclose(found["bfloat16"], found["float32"], atol=0.1)


def pyramid_of(weights):
    return pyramid_graph(weights, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1, 1, 64, 64))


@pytest.mark.parametrize(
    ("layer", "graph"),
    [
        ("backbone.body.layer2.1.conv2.weight", pyramid_of),
        ("backbone.body.layer3.0.conv1.weight", pyramid_of),
        ("roi_heads.box_head.fc7.bias", box_graph),
        ("roi_heads.mask_head.2.0.weight", mask_graph),
        ("roi_heads.mask_predictor.conv5_mask.bias", mask_graph),
    ],
)
def test_weights_without_a_layer_are_refused(layer, graph):
    weights = weights_of(network_of())
    del weights[layer]
    with pytest.raises(ModelError, match=f"lack the layer '{layer}'"):
        graph(weights)
