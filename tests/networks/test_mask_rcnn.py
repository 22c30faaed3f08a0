"""Mask R-CNN: instances in, one probability map out."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from myoseg.errors import ConfigurationError
from myoseg.networks.mask_rcnn import MaskRCNN, probability_map, target_instances

CHEAP: dict[str, Any] = {
    "backbone": "resnet18",
    "width": 16,
    "n_proposals_train": 50,
    "n_proposals": 20,
    "regions_per_image": 16,
}


def drawn(*rows: str) -> torch.Tensor:
    return torch.tensor([[character == "#" for character in row] for row in rows])


def test_each_component_is_an_instance_and_corners_connect() -> None:
    found = target_instances(drawn("##....", "..#...", ".....#", ".....#"))
    assert found["boxes"].tolist() == [[0, 0, 3, 2], [5, 2, 6, 4]]
    assert found["labels"].tolist() == [1, 1]
    first = drawn("##....", "..#...", "......", "......")
    assert torch.equal(found["masks"][0].bool(), first)
    assert found["masks"].sum(dim=(1, 2)).tolist() == [3, 2]


def test_a_single_pixel_has_a_box_with_an_area() -> None:
    assert target_instances(drawn("...", "..#"))["boxes"].tolist() == [[2, 1, 3, 2]]


def test_a_slice_without_the_target_has_no_instances() -> None:
    found = target_instances(torch.zeros(4, 5, dtype=torch.bool))
    assert found["boxes"].shape == (0, 4)
    assert found["labels"].shape == (0,)
    assert found["masks"].shape == (0, 4, 5)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_instances_are_disjoint_and_make_up_the_mask(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((9, 7)) < share
    found = target_instances(torch.from_numpy(mask))
    np.testing.assert_array_equal(found["masks"].sum(dim=0).numpy(), mask)
    labels, n_labels = ndimage.label(mask, structure=np.ones((3, 3)))
    assert len(found["masks"]) == n_labels
    boxes = {tuple(box) for box in found["boxes"].int().tolist()}
    assert boxes == {
        (cols.start, rows.start, cols.stop, rows.stop)
        for rows, cols in ndimage.find_objects(labels)
    }


def test_the_surest_detection_counts_in_every_pixel() -> None:
    scores = torch.tensor([0.8, 0.5])
    masks = torch.tensor([[[[1.0, 0.5, 0.0]]], [[[0.0, 1.0, 0.0]]]])
    found = probability_map({"scores": scores, "masks": masks}, 1, 3)
    # .8 x 1; the greater of .8 x .5 and .5 x 1; nothing
    assert torch.allclose(found, torch.tensor([[[0.8, 0.5, 0.0]]]))


def test_no_detection_gives_probability_zero() -> None:
    nothing = {"scores": torch.zeros(0), "masks": torch.zeros(0, 1, 2, 3)}
    assert torch.equal(probability_map(nothing, 2, 3), torch.zeros(1, 2, 3))


def test_images_are_neither_rescaled_nor_renormalised() -> None:
    network = MaskRCNN(1, **CHEAP)
    image = torch.randn(3, 64, 96)
    given_on, _ = network.detector.transform([image])
    assert torch.equal(given_on.tensors[0], image)
    assert given_on.image_sizes == [(64, 96)]


def test_one_and_two_sequences_fill_three_channels_in_turn() -> None:
    for n_inputs, expected in [(1, [0, 0, 0]), (2, [0, 1, 0]), (3, [0, 1, 2])]:
        network = MaskRCNN(n_inputs, **CHEAP).eval()
        images = torch.arange(n_inputs).float()[None, :, None, None].expand(1, -1, 32, 32)
        seen = []
        hook = network.detector.transform.register_forward_pre_hook(
            lambda _, arguments, seen=seen: seen.append(arguments[0][0][:, 0, 0].tolist())
        )
        network(images)
        hook.remove()
        assert seen == [expected]


def test_the_paper_s_backbone_is_resnet50_with_its_published_parameters() -> None:
    network = MaskRCNN(1)
    # ResNet-50 has 25,557,032 parameters, 2,049,000 of them in its classifier
    n_parameters = sum(p.numel() for p in network.detector.backbone.body.parameters())
    assert n_parameters == 25_557_032 - 2_049_000


def test_gradients_reach_every_parameter_of_the_paper_s_network() -> None:
    torch.manual_seed(0)
    network = MaskRCNN(1, n_proposals_train=50, regions_per_image=32)
    masks = torch.zeros(2, 1, 64, 64, dtype=torch.bool)
    masks[0, 0, 8:16, 8:20] = True
    network.loss(torch.randn(2, 1, 64, 64), masks).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_anchors_fit_a_slice_of_256_pixels() -> None:
    network = MaskRCNN(1, **CHEAP).eval()
    anchors = network.detector.rpn.anchor_generator.cell_anchors
    areas = [cell[:, 2:].sub(cell[:, :2]).prod(dim=1).mean().sqrt().item() for cell in anchors]
    assert areas == pytest.approx([8, 16, 32, 64, 128], rel=0.1)


def test_probabilities_in_training_leave_running_statistics_alone() -> None:
    network = MaskRCNN(1, **CHEAP).train()
    images = torch.randn(2, 1, 32, 32)
    before = copy.deepcopy(network.state_dict())
    network(images)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    network.loss(images, torch.zeros(2, 1, 32, 32, dtype=torch.bool))
    after = network.state_dict()["detector.backbone.body.bn1.running_mean"]
    assert not torch.equal(before["detector.backbone.body.bn1.running_mean"], after)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "resnet51"}, "use resnet50 or resnet34 or resnet18"),
        ({"anchor_sizes": (8, 16)}, "five positive sizes"),
        ({"n_proposals": 0}, "n_proposals must be 1 or more"),
        ({"min_score": 1.0}, r"min_score must be in \[0, 1\)"),
        ({"pretrained": "medical"}, "use none or imagenet or coco"),
        ({"pretrained": "coco", "backbone": "resnet18"}, "COCO weights exist for .* alone"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MaskRCNN(1, **options)


def test_more_than_three_sequences_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at most 3 inputs"):
        MaskRCNN(4, **CHEAP)
