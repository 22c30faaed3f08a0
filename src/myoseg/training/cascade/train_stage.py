"""One stage trained into a run's folder, unless its weights are there."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import safetensors.torch
import torch
from torch.utils.data import Dataset

from myoseg.files import written_whole
from myoseg.networks.stage import Stage
from myoseg.networks.unet_body import UNetBody
from myoseg.training.cascade.examples import Example
from myoseg.training.cascade.fit_stage import Progress, fit_stage
from myoseg.training.cascade.recipe import CascadeRecipe

log = logging.getLogger(__name__)

KEPT_AS: Final = torch.float16
"""Weights are kept in half precision and computed with in float32."""


def weights_path(out: Path, stage: Stage) -> Path:
    """Where the weights of a stage lie once it is trained."""
    return out / f"{stage.name}.safetensors"


def train_stage(
    recipe: CascadeRecipe,
    stage: Stage,
    examples: Dataset[Example],
    out: Path,
    device: torch.device,
    *,
    n_workers: int,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> None:
    """Trains a stage and writes its weights; its state goes once they are there.

    Raises:
        InputError: too few examples.
        ModelError: the state cannot be read.
        OutputError: the folder cannot be written.
        TrainingInterruptedError: asked to stop; the state is on disk.
    """
    folder, schedule = out / stage.name, recipe.stages[stage.name].schedule
    began = time.perf_counter()
    network = fit_stage(
        stage,
        examples,
        schedule,
        folder,
        seed=recipe.seed,
        device=device,
        n_workers=n_workers,
        report=report,
        should_stop=should_stop,
    )
    log.info("%s: %d steps in %.0f s", stage.name, schedule.n_steps, time.perf_counter() - began)
    _save(weights_path(out, stage), network)
    (folder / f"{stage.name}_state.safetensors").unlink(missing_ok=True)


def _save(path: Path, network: UNetBody) -> None:
    tensors = {
        name: tensor.detach().cpu().to(KEPT_AS).contiguous()
        for name, tensor in network.state_dict().items()
    }
    with written_whole(path) as aside:
        safetensors.torch.save_file(tensors, aside)
