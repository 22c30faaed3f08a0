"""A stage and its examples in, the stage's trained network out; stopped at any step, it goes on."""

import csv
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import Dataset, Subset

from myoseg.errors import InputError
from myoseg.networks.stage import Stage
from myoseg.networks.stage_network import build_stage, stage_loss
from myoseg.networks.unet_body import UNetBody
from myoseg.training.batches import Batches
from myoseg.training.cascade.examples import Example
from myoseg.training.cascade.settings import StageSchedule
from myoseg.training.hardware import has_bfloat16
from myoseg.training.interruption import TrainingInterruptedError
from myoseg.training.state_file import read_state, write_state

log = logging.getLogger(__name__)

CURVE_HEADER: Final = ("step", "loss", "learning_rate", "seconds", "waiting_seconds")


@dataclass(frozen=True)
class Progress:
    """What became of the steps since the last report."""

    step: int
    loss: float
    learning_rate: float
    seconds: float
    waiting_seconds: float


def fit_stage(
    stage: Stage,
    examples: Dataset[Example],
    schedule: StageSchedule,
    folder: Path,
    *,
    seed: int,
    device: torch.device,
    n_workers: int = 1,
    report: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> UNetBody:
    """Trains the stage's network; goes on from `folder`'s state if there is one.

    Example k enters step k // batch_size, whatever happened before: on a CPU with the same number
    of threads a resumed run ends in the same weights as one that was never stopped.

    Args:
        stage: what the network answers.
        examples: at least `n_steps * batch_size` of them.
        schedule: steps and rates.
        folder: of the state and the curve.
        seed: of the initial weights.
        device: where it learns.
        n_workers: processes that draw examples; the weights do not depend on it.
        report: called whenever a state is saved.
        should_stop: asked after each step.

    Returns:
        The network with the running mean of its weights, on the CPU.

    Raises:
        InputError: too few examples.
        ModelError: the state cannot be read.
        OutputError: the folder cannot be written.
        TrainingInterruptedError: asked to stop; the state is on disk.
    """
    run = _Run(stage, schedule, folder, seed, device)
    wanted = schedule.n_steps * schedule.batch_size
    if len(examples) < wanted:  # type: ignore[arg-type]
        raise InputError(f"stage {stage.name} needs {wanted} examples; fewer were given.")
    batches = _batches(examples, run.step, schedule, n_workers)
    for progress in run.train(batches, should_stop):
        _append_to_curve(folder / "curve.csv", progress)
        if report is not None:
            report(progress)
    network = run.average.module.cpu()
    assert isinstance(network, UNetBody)
    return network


class _Run:
    """A network, the mean of its weights and its optimiser, as far as they have come."""

    def __init__(
        self, stage: Stage, schedule: StageSchedule, folder: Path, seed: int, device: torch.device
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = build_stage(stage)
        self.schedule, self.device = schedule, device
        self.layout = fastest_layout(device)
        self.network = network.to(device, memory_format=self.layout)  # type: ignore[call-overload]
        running_mean = get_ema_multi_avg_fn(schedule.averaging)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.network, multi_avg_fn=running_mean)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=schedule.learning_rate,
            weight_decay=schedule.weight_decay,
        )
        self.path = folder / f"{stage.name}_state.safetensors"
        self.step = 0
        if self.path.is_file():
            self._restore(read_state(self.path))
            log.info("%s: going on from step %d", stage.name, self.step)

    def train(
        self, batches: Iterator[list[Tensor]], should_stop: Callable[[], bool]
    ) -> Iterator[Progress]:
        """Takes all steps that are left; yields after each state that is saved."""
        losses: list[float] = []
        waiting_s, began = 0.0, time.perf_counter()
        while self.step < self.schedule.n_steps:
            asked = time.perf_counter()
            batch = next(batches)
            waiting_s += time.perf_counter() - asked
            losses.append(self._take_step(batch))
            if should_stop():
                write_state(self.path, self._state())
                raise TrainingInterruptedError(f"training was stopped after step {self.step}")
            if self.step % self.schedule.saved_every and self.step < self.schedule.n_steps:
                continue
            write_state(self.path, self._state())
            now = time.perf_counter()
            rate = self.optimiser.param_groups[0]["lr"]
            mean_loss = sum(losses) / len(losses)
            yield Progress(self.step, mean_loss, rate, now - began, waiting_s)
            losses, waiting_s, began = [], 0.0, now

    def _take_step(self, batch: list[Tensor]) -> float:
        images, masks, assessed = (part.to(self.device) for part in batch)
        images = images.contiguous(memory_format=self.layout)
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.learning_rate * self.schedule.rate_at(self.step)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_bfloat16(self.device)):
            logits = self.network(images)
        loss = stage_loss(logits, masks, assessed)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.gradient_clip)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return float(loss.detach())

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "network": dict(self.network.state_dict()),
            "average": dict(self.average.state_dict()),
            "optimiser": self.optimiser.state_dict(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        for weight, moments in self.optimiser.state.items():
            for name, value in moments.items():
                if value.shape == weight.shape:
                    moments[name] = torch.empty_like(weight).copy_(value)


def fastest_layout(device: torch.device) -> torch.memory_format:
    """Of a step's maps: on a CPU, normalising each image would copy maps that lie channels last."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def _batches(
    examples: Dataset[Example], first_step: int, schedule: StageSchedule, n_workers: int
) -> Iterator[list[Tensor]]:
    first, end = first_step * schedule.batch_size, schedule.n_steps * schedule.batch_size
    loader: Batches[Example] = Batches(
        Subset(examples, range(first, end)),
        batch_size=schedule.batch_size,
        num_workers=n_workers,
        prefetch_factor=4 if n_workers else None,
        generator=torch.Generator(),
    )
    return iter(loader)


def _append_to_curve(path: Path, progress: Progress) -> None:
    is_new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        if is_new:
            writer.writerow(CURVE_HEADER)
        writer.writerow([f"{v:.6g}" for v in asdict(progress).values()])
