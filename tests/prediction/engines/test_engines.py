"""Every engine against the reference, which is PyTorch in float32 on a CPU."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from myoseg.anatomy import REGIONS
from myoseg.cases.phantom import SMALL, simulate_case
from myoseg.errors import ConfigurationError, ModelError
from myoseg.networks.unet_body import UNetBody
from myoseg.prediction.engines import engine as engines
from myoseg.prediction.engines import layouts, openvino, openvino_unet, pytorch
from myoseg.prediction.engines.engine import REFERENCE, EngineChoice, choose_engine
from myoseg.prediction.engines.openvino import OpenVINOEngine
from myoseg.prediction.engines.openvino_unet import unet_graph
from myoseg.prediction.engines.pytorch import PyTorchEngine
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import segment

OPENVINO = EngineChoice("openvino", "cpu", "float32", 1)
FLOAT32_TOLERANCE, BFLOAT16_TOLERANCE, BFLOAT16_MEAN_TOLERANCE = 1e-4, 0.1, 0.005
LEAST_DICE = 0.999


def network_of(normalisation, seed=0):
    torch.manual_seed(seed)
    network = UNetBody(2, 3, (8, 16, 32), normalisation)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.InstanceNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_()
        is_convolution = isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d)
        if is_convolution and module.bias is not None:
            module.bias.data.normal_(0, 0.5)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def engines_of(network, choice):
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    reference = PyTorchEngine(torch.nn.Sequential(network, torch.nn.Sigmoid()), REFERENCE)
    graph = lambda shape: unet_graph(  # noqa: E731
        weights, network.normalisation, shape, choice.precision
    )
    return reference, OpenVINOEngine(graph, choice)


def kinds_of(graph):
    return [node.get_type_name() for node in graph.get_ops()]


def images_of(n_slices, size=32, seed=0):
    shape = (n_slices, 2, size, size)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def dice(one, other):
    total = one.sum() + other.sum()
    return 2 * (one & other).sum() / total if total else 1.0


@pytest.mark.parametrize("normalisation", ["none", "instance", "batch"])
@pytest.mark.parametrize(("n_slices", "size"), [(1, 32), (5, 32), (2, 64)])
def test_openvino_says_what_pytorch_says(normalisation, n_slices, size):
    reference, engine = engines_of(network_of(normalisation), OPENVINO)
    images = images_of(n_slices, size)
    expected = reference(images)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(engine(images), expected, atol=FLOAT32_TOLERANCE)


@pytest.mark.parametrize("normalisation", ["none", "instance", "batch"])
@pytest.mark.parametrize("least_side", [8, 32])
def test_openvino_says_what_pytorch_says_where_layers_are_wide(
    normalisation, least_side, monkeypatch
):
    """With some sizes or all convolved by Winograd's way, in images that are not square."""
    monkeypatch.setattr(layouts, "LEAST_PRODUCT", 8 * 16)
    monkeypatch.setattr(layouts, "LEAST_OUTPUTS", 8)
    monkeypatch.setattr(openvino_unet, "LEAST_SIDE", least_side)
    reference, engine = engines_of(network_of(normalisation), OPENVINO)
    images = np.concatenate([images_of(3), images_of(3, seed=1)[..., :16]], axis=-1)
    expected = reference(images)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(engine(images), expected, atol=FLOAT32_TOLERANCE)


def test_wide_layers_are_convolved_directly_in_bfloat16(monkeypatch):
    monkeypatch.setattr(layouts, "LEAST_PRODUCT", 1)
    monkeypatch.setattr(layouts, "LEAST_OUTPUTS", 1)
    network = network_of("none")
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    products = {
        precision: kinds_of(unet_graph(weights, "none", (1, 2, 32, 32), precision)).count("MatMul")
        for precision in ("float32", "bfloat16")
    }
    assert products["bfloat16"] == 0
    assert products["float32"] > 0


@pytest.mark.parametrize("engine", ["openvino", "pytorch"])
def test_bfloat16_stays_close(engine):
    network = network_of("instance")
    choice = EngineChoice(engine, "cpu", "bfloat16")
    reference, compiled = engines_of(network, OPENVINO)
    if engine == "pytorch":
        compiled = PyTorchEngine(torch.nn.Sequential(network, torch.nn.Sigmoid()), choice)
    else:
        _, compiled = engines_of(network, choice)
    difference = np.abs(compiled(images_of(4)) - reference(images_of(4)))
    assert difference.max() < BFLOAT16_TOLERANCE
    assert difference.mean() < BFLOAT16_MEAN_TOLERANCE


@pytest.mark.parametrize("module", [openvino, pytorch])
def test_a_long_stack_is_asked_about_in_parts_and_none_is_lost(module, monkeypatch):
    reference, engine = engines_of(network_of("none"), OPENVINO)
    ask = engine if module is openvino else reference
    together = ask(images_of(7))
    monkeypatch.setattr(module, "SLICES_AT_ONCE", 3)
    np.testing.assert_allclose(ask(images_of(7)), together, atol=1e-5)


@pytest.mark.parametrize("seed", [1, 3])
def test_the_fastest_engine_draws_what_the_reference_draws(seed):
    """The shipped model, from a case to its masks."""
    case = simulate_case(seed, replace(SMALL, infarct_probability=1.0))
    fast = segment(case, load_model("default", "cpu")).labels
    reference = segment(
        case, load_model("default", "cpu", engine="pytorch", precision="float32")
    ).labels
    heart = REGIONS["epicardium"]
    assert reference.mask(heart).sum() > 500
    for region in ("lv_blood_pool", "rv_blood_pool", "myocardium", "edema+scar", "scar", "edema"):
        assert dice(fast.mask(REGIONS[region]), reference.mask(REGIONS[region])) >= LEAST_DICE


def test_threads_that_share_an_engine_get_their_own_answers():
    _, engine = engines_of(network_of("instance"), OPENVINO)
    stacks = [images_of(3, seed=seed) for seed in range(24)]
    alone = [engine(images) for images in stacks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(engine, stacks))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_without_a_layer_are_refused():
    network = network_of("none")
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    del weights["down.0.2.weight"]
    with pytest.raises(ModelError, match=r"lack the layer 'down.0.2.weight'"):
        unet_graph(weights, "none", (1, 2, 32, 32))


def test_weights_that_do_not_fit_together_are_refused():
    network = network_of("none")
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    weights["first.0.weight"] = weights["first.0.weight"][:, :1]
    engine = OpenVINOEngine(lambda shape: unet_graph(weights, "none", shape), OPENVINO)
    with pytest.raises(ModelError, match="OpenVINO cannot run the network"):
        engine(images_of(1))


def test_openvino_is_chosen_on_a_cpu_in_full_precision():
    assert choose_engine("auto", "cpu") == EngineChoice("openvino", "cpu", "float32")
    assert choose_engine("pytorch", "cpu", "bfloat16", 2) == EngineChoice(
        "pytorch", "cpu", "bfloat16", 2
    )


def test_pytorch_is_chosen_where_openvino_is_not_installed_or_does_not_run(monkeypatch):
    monkeypatch.setattr(engines, "find_device", lambda name: "cuda:0")
    assert choose_engine("auto", "gpu").engine == "pytorch"
    with pytest.raises(ConfigurationError, match="OpenVINO runs on the CPU here, not on cuda:0"):
        choose_engine("openvino", "gpu")
    monkeypatch.setattr(engines, "find_device", lambda name: "cpu")
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert choose_engine("auto", "cpu").engine == "pytorch"
    with pytest.raises(ConfigurationError, match="OpenVINO is not installed"):
        choose_engine("openvino", "cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "tensorrt"}, "engine 'tensorrt' is none of auto, pytorch, openvino"),
        ({"precision": "int8"}, "precision 'int8' is none of auto, float32, bfloat16"),
        ({"n_threads": 0}, "0 threads cannot compute"),
    ],
)
def test_what_there_is_not_is_refused(options, message):
    with pytest.raises(ConfigurationError, match=message):
        choose_engine(device="cpu", **options)
