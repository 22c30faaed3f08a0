"""What every network of the paper promises, whichever it is."""

import copy
import json
import pickle
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError, InputError
from myoseg.networks.build import build_segmenter
from myoseg.networks.segmenter import Segmenter


@dataclass(frozen=True)
class Small:
    """A cheap variant of an architecture, and how it learns four slices by heart."""

    architecture: Architecture
    options: dict[str, Any]
    learning_rate: float
    n_steps: int

    def build(self, n_inputs: int = 1, seed: int = 0) -> Segmenter:
        torch.manual_seed(seed)
        return build_segmenter(self.architecture, n_inputs, **self.options)


SMALL = [
    Small(
        Architecture.UNET, {"channels": (8, 16, 32), "loss": "dice+cross_entropy"}, 3e-3, n_steps=60
    ),
    Small(
        Architecture.UNET_PLUS_PLUS,
        {
            "encoder": "resnet18",
            "decoder_channels": (64, 32, 16, 16, 16),
            "loss": "dice+cross_entropy",
        },
        3e-3,
        n_steps=34,
    ),
    Small(
        Architecture.MASK_RCNN,
        {
            "backbone": "resnet18",
            "width": 32,
            "n_proposals_train": 100,
            "n_proposals": 50,
            "n_detections": 8,
            "anchors_per_image": 64,
            "regions_per_image": 32,
        },
        1e-3,
        n_steps=50,
    ),
]
each_network = pytest.mark.parametrize("small", SMALL, ids=lambda small: str(small.architecture))


def four_slices() -> tuple[Tensor, Tensor]:
    """A disc, a ring, two discs and nothing, in noise."""
    rows, cols = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")

    def disc(row: int, col: int, radius: int) -> Tensor:
        return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2

    masks = torch.stack(
        [
            disc(20, 20, 8),
            disc(40, 30, 12) & ~disc(40, 30, 5),
            disc(15, 45, 7) | disc(50, 12, 6),
            torch.zeros(64, 64, dtype=torch.bool),
        ]
    )[:, None]
    noise = torch.randn(masks.shape, generator=torch.Generator().manual_seed(0))
    return masks.float() + 0.3 * noise, masks


def trained(small: Small, n_steps: int) -> Segmenter:
    segmenter = small.build().train()
    images, masks = four_slices()
    optimiser = torch.optim.Adam(segmenter.parameters(), small.learning_rate, fused=True)
    for _ in range(n_steps):
        optimiser.zero_grad()
        segmenter.loss(images, masks).backward()
        optimiser.step()
    return segmenter.eval()


@each_network
@pytest.mark.parametrize("n_images", [1, 2])
@pytest.mark.parametrize("multiples", [(1, 1), (2, 3), (3, 1)])
def test_any_size_that_the_stride_divides_gives_probabilities_of_that_size(
    small: Small, n_images: int, multiples: tuple[int, int]
) -> None:
    segmenter = small.build().eval()
    rows, cols = (segmenter.stride * multiple for multiple in multiples)
    images = torch.randn(n_images, 1, rows, cols)
    given = images.clone()
    with torch.no_grad():
        probabilities = segmenter(images)
    assert probabilities.shape == (n_images, 1, rows, cols)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    assert torch.equal(images, given)


@each_network
@pytest.mark.parametrize("n_inputs", [2, 3])
def test_sequences_are_stacked_as_channels(small: Small, n_inputs: int) -> None:
    segmenter = small.build(n_inputs)
    images, masks = torch.randn(2, n_inputs, 64, 64), four_slices()[1][:2]
    assert segmenter.loss(images, masks).isfinite()
    assert segmenter(images).shape == (2, 1, 64, 64)


@each_network
def test_a_size_that_the_stride_does_not_divide_is_refused_with_the_nearest_one(
    small: Small,
) -> None:
    segmenter = small.build()
    stride = segmenter.stride
    images = torch.zeros(1, 1, 2 * stride + 1, 3 * stride)
    with pytest.raises(InputError, match=f"pad or crop to {2 * stride} x {3 * stride}"):
        segmenter(images)
    with pytest.raises(InputError, match="multiples"):
        segmenter.loss(images, images.bool())


@each_network
def test_a_wrong_number_of_sequences_is_refused(small: Small) -> None:
    with pytest.raises(InputError, match="one channel for each sequence"):
        small.build()(torch.zeros(1, 2, 64, 64))


@each_network
def test_gradients_reach_every_parameter(small: Small) -> None:
    segmenter = small.build().train()
    segmenter.loss(*four_slices()).backward()
    unreached = [
        name
        for name, parameter in segmenter.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert unreached == []
    assert all(parameter.requires_grad for parameter in segmenter.parameters())


@each_network
def test_slices_without_the_target_give_a_finite_loss_and_finite_gradients(small: Small) -> None:
    segmenter = small.build().train()
    images, _ = four_slices()
    loss = segmenter.loss(images, torch.zeros_like(images, dtype=torch.bool))
    loss.backward()
    assert loss.isfinite()
    gradients = [parameter.grad for parameter in segmenter.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert any(gradient is not None and gradient.any() for gradient in gradients)


@each_network
def test_four_slices_can_be_learnt_by_heart(small: Small) -> None:
    images, masks = four_slices()
    predicted = trained(small, small.n_steps)(images) > 0.5
    for ours, truth in zip(predicted[:3], masks[:3], strict=True):
        dice = 2 * (ours & truth).sum() / (ours.sum() + truth.sum())
        assert dice > 0.8
    assert not predicted[3].any()


@each_network
def test_weights_and_options_make_an_identical_network_again(small: Small) -> None:
    segmenter = trained(small, n_steps=1)
    options = json.loads(json.dumps(segmenter.options()))
    torch.manual_seed(1)
    again = build_segmenter(small.architecture, 1, **options)
    again.load_state_dict(load(save(segmenter.state_dict())))
    images, masks = four_slices()
    with torch.no_grad():
        assert torch.equal(segmenter(images), again.eval()(images))
    assert again.options() == segmenter.options()
    losses = []
    for network in (segmenter, again):
        torch.manual_seed(2)
        losses.append(network.train().loss(images, masks))
    assert torch.equal(losses[0], losses[1])


@each_network
def test_one_seed_gives_one_network_and_one_loss(small: Small) -> None:
    losses = []
    for _ in range(2):
        segmenter = small.build(seed=3).train()
        losses.append(segmenter.loss(*four_slices()))
    assert torch.equal(losses[0], losses[1])


@each_network
def test_networks_can_be_copied_and_sent_to_another_process(small: Small) -> None:
    segmenter = small.build().eval()
    images, _ = four_slices()
    with torch.no_grad():
        expected = segmenter(images)
        assert torch.equal(copy.deepcopy(segmenter)(images), expected)
        assert torch.equal(pickle.loads(pickle.dumps(segmenter))(images), expected)


@each_network
def test_the_loss_is_float32_and_finite_in_bfloat16(small: Small) -> None:
    segmenter = small.build().train()
    images, masks = four_slices()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = segmenter.loss(images, masks)
        probabilities = segmenter(images)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert 0 <= probabilities.min() <= probabilities.max() <= 1


@each_network
def test_loss_and_probabilities_are_given_in_training_and_in_prediction(small: Small) -> None:
    images, masks = four_slices()
    for training in (True, False):
        segmenter = small.build().train(training)
        modes = [module.training for module in segmenter.modules()]
        assert segmenter(images).shape == (4, 1, 64, 64)
        assert segmenter.loss(images, masks).isfinite()
        assert [module.training for module in segmenter.modules()] == modes


@each_network
def test_prediction_leaves_the_weights_alone(small: Small) -> None:
    segmenter = small.build().eval()
    before = copy.deepcopy(segmenter.state_dict())
    images, masks = four_slices()
    segmenter(images)
    segmenter.loss(images, masks)
    after = segmenter.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@each_network
def test_an_unknown_option_is_refused_with_those_that_exist(small: Small) -> None:
    known = next(iter(small.options))
    with pytest.raises(ConfigurationError, match=f"no option 'depht'; it has .*{known}"):
        build_segmenter(small.architecture, 1, depht=3)


@each_network
def test_a_network_without_inputs_is_refused(small: Small) -> None:
    with pytest.raises(ConfigurationError, match="at least one input"):
        build_segmenter(small.architecture, 0)
