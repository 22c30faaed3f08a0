"""Published weights, from a local file: none is downloaded in tests."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from myoseg.blocks import Architecture
from myoseg.errors import ModelError
from myoseg.networks.build import build_segmenter
from myoseg.networks.detector import DetectorOptions, build_detector
from myoseg.networks.mask_rcnn import MaskRCNN
from myoseg.networks.pretrained import load_pretrained, read_weights
from myoseg.networks.torchvision_operators import ensure_torchvision
from myoseg.networks.unet_plus_plus import UNetPlusPlus

CHEAP: dict[str, Any] = {"encoder": "resnet18", "decoder_channels": (8, 8, 8, 8, 8)}


@pytest.fixture(scope="module")
def published() -> Callable[[str], Mapping[str, Tensor]]:
    """A classifier as torchvision publishes it, with drawn weights."""
    ensure_torchvision()
    from torchvision.models import get_model

    return lambda name: get_model(name, weights=None).state_dict()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_torchvision()
    from torchvision.models import WeightsEnum

    def refuse(*_: Any, **__: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", refuse)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_an_encoder_is_filled_from_a_local_file(
    published: Callable[[str], Mapping[str, Tensor]], tmp_path: Path, suffix: str
) -> None:
    weights, file = published("resnet18"), tmp_path / f"resnet18{suffix}"
    if suffix == ".pth":
        torch.save(weights, file)
    else:
        save_file(dict(weights), file)
    network = UNetPlusPlus(1, **CHEAP, pretrained="imagenet", pretrained_file=file)
    filled = network.network.encoder.state_dict()
    assert torch.equal(filled["layer4.1.conv2.weight"], weights["layer4.1.conv2.weight"])
    # one channel in place of three equal ones: the sum of their weights
    expected = weights["conv1.weight"].sum(dim=1, keepdim=True)
    assert torch.allclose(filled["conv1.weight"], expected, atol=1e-6)


def test_a_backbone_is_filled_and_its_statistics_frozen(
    published: Callable[[str], Mapping[str, Tensor]], tmp_path: Path
) -> None:
    weights, file = published("resnet18"), tmp_path / "resnet18.pth"
    torch.save(weights, file)
    network = MaskRCNN(
        1, backbone="resnet18", width=16, pretrained="imagenet", pretrained_file=str(file)
    )
    body = network.detector.backbone.body
    assert torch.equal(body.layer1[0].conv1.weight, weights["layer1.0.conv1.weight"])
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert network.detector.transform.image_mean == (0.485, 0.456, 0.406)
    options = network.options()
    again = build_segmenter(Architecture.MASK_RCNN, 1, **options).eval()
    again.load_state_dict(network.state_dict())
    image = torch.randn(1, 1, 32, 32)
    assert torch.equal(again(image), network.eval()(image))


def test_coco_weights_fill_all_but_the_last_layers(tmp_path: Path) -> None:
    ensure_torchvision()
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    weights = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).state_dict()
    weights = {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    torch.save(weights, tmp_path / "coco.pth")
    network = MaskRCNN(1, pretrained="coco", pretrained_file=tmp_path / "coco.pth")
    filled = network.detector.state_dict()
    assert set(filled) == set(weights)
    copied = {name for name in filled if torch.equal(filled[name], weights[name])}
    last = {
        f"roi_heads.{layer}.{kind}"
        for layer in ("box_predictor.cls_score", "box_predictor.bbox_pred")
        for kind in ("weight", "bias")
    } | {"roi_heads.mask_predictor.mask_fcn_logits." + kind for kind in ("weight", "bias")}
    assert set(filled) - copied == last


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        (Architecture.UNET_PLUS_PLUS, {"encoder": "vgg11", "pretrained": "imagenet"}),
        (Architecture.MASK_RCNN, {"backbone": "resnet18", "pretrained": "imagenet"}),
        (Architecture.MASK_RCNN, {"pretrained": "coco"}),
    ],
)
def test_a_download_that_fails_says_how_to_give_a_local_file(
    architecture: Architecture, options: dict[str, Any]
) -> None:
    with pytest.raises(ModelError, match=r"https://.*pretrained_file: PATH") as caught:
        build_segmenter(architecture, 1, **options)
    assert "no route to host" in str(caught.value)


def test_weights_of_another_network_are_refused(
    published: Callable[[str], Mapping[str, Tensor]],
) -> None:
    body = build_detector(DetectorOptions(backbone="resnet18", width=8)).backbone.body
    with pytest.raises(ModelError, match=r"of another network: .* are unknown"):
        load_pretrained(body, published("resnet34"), replaced=("fc.",))
    with pytest.raises(ModelError, match=r"of another network: [^$]*size mismatch"):
        load_pretrained(body, {"conv1.weight": torch.zeros(1, 1, 7, 7)}, replaced=("fc.",))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.pth is not there"):
        read_weights(tmp_path / "absent.pth")


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights")
    with pytest.raises(ModelError, match=f"{name} cannot be read"):
        read_weights(tmp_path / name)


def test_a_file_with_anything_but_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "run.pth")
    with pytest.raises(ModelError, match="holds no tensors by name"):
        read_weights(tmp_path / "run.pth")


def test_a_pickled_object_is_not_executed(tmp_path: Path) -> None:
    torch.save(nn.Linear(1, 1), tmp_path / "object.pth")
    with pytest.raises(ModelError, match="cannot be read"):
        read_weights(tmp_path / "object.pth")
