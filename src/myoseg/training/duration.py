"""How long a training will take on this machine, measured on a few steps of each network."""

import time
from collections.abc import Callable, Sequence

import torch

from myoseg.blocks import Architecture
from myoseg.cases.case import Case
from myoseg.training.block_training import steps_of
from myoseg.training.examples import BlockExamples, EpochOrder, load_batches
from myoseg.training.fit_network import initial_network
from myoseg.training.hardware import find_hardware
from myoseg.training.plan import plan_training
from myoseg.training.recipe import Recipe
from myoseg.training.run_folder import Member, members_of

N_TIMED = 2
"""Steps that are timed after one that is not."""


def estimate_seconds(
    cases: Sequence[Case],
    recipe: Recipe,
    *,
    device: str = "auto",
    patients: Sequence[str] | None = None,
) -> float:
    """Seconds that `train` would take; leaves out loading the library and writing files.

    Times a few steps of each kind of network, on samples of these cases and in float32, which on a
    GPU is slower than the mixed precision of `train`; so are samples prepared between the steps.

    Raises:
        InputError: nothing can be trained on these cases.
        ConfigurationError: the device is not there.
    """
    target = find_hardware(device, recipe.precision).torch_device
    timed: dict[tuple[Architecture, int], tuple[float, float]] = {}
    total = 0.0
    for member in members_of(plan_training(cases, recipe, patients=patients)):
        kind = (member.architecture, len(member.data.block.inputs))
        if kind not in timed:
            timed[kind] = _time_steps(member, recipe, target)
        step_s, validation_s = timed[kind]
        settings = recipe.settings_of(member.architecture)
        n_validating = -(-len(member.data.validation_indices) // settings.batch_size)
        steps = steps_of(settings, member.data)
        total += settings.epochs * (steps * step_s + n_validating * validation_s)
    return total


def _time_steps(member: Member, recipe: Recipe, device: torch.device) -> tuple[float, float]:
    """Seconds of a training and of a validation batch, preparing the samples included."""
    settings = recipe.settings_of(member.architecture)
    segmenter = initial_network(recipe, member).to(device)
    optimiser = torch.optim.Adam(segmenter.parameters(), lr=settings.learning_rate)
    order = EpochOrder(member.data.training_indices, (1 + 2 * N_TIMED) * settings.batch_size)
    examples = BlockExamples(member.data.block, member.data.training)
    batches = iter(load_batches(examples, order, settings.batch_size, n_workers=0))

    def step() -> None:
        images, masks = next(batches)
        optimiser.zero_grad()
        segmenter.loss(images.to(device), masks.to(device)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    def validate() -> None:
        images, _ = next(batches)
        with torch.inference_mode():
            segmenter(images.to(device)).cpu()

    step()
    step_s = _seconds(step, device)
    segmenter.eval()
    return step_s, _seconds(validate, device)


def _seconds(action: Callable[[], None], device: torch.device) -> float:
    """Mean of `N_TIMED` calls."""
    began = time.perf_counter()
    for _ in range(N_TIMED):
        action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - began) / N_TIMED
