"""One network's training and validation step, for Lightning's trainer."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from myoseg.networks.losses import SMOOTH
from myoseg.networks.segmenter import Segmenter
from myoseg.training.examples import BlockExamples, EpochOrder, load_batches
from myoseg.training.lightning_library import LightningModule
from myoseg.training.plan import BlockData
from myoseg.training.settings import NetworkSettings

Batch = list[Tensor]
"""Images, float32 (n, input, row, col), and masks, bool (n, 1, row, col)."""


class BlockTraining(LightningModule):  # type: ignore[misc]  # Lightning is not typed
    """Minimises the segmenter's loss, and counts pixels of the validation slices.

    Whatever a step draws is seeded by the run's seed and the step's number, so that a resumed run
    needs no generator's state.

    Attributes:
        train_loss: mean over this process's steps of the epoch so far.
        overlap: summed over the validation slices: probability inside the target, probability,
            predicted pixels inside the target, predicted pixels, target pixels.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        data: BlockData,
        settings: NetworkSettings,
        seed: int,
        n_workers: int = 0,
    ) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.data = data
        self.settings = settings
        self.seed = seed
        self.n_workers = n_workers
        self.first_epoch = 0
        self.loss_sum = torch.zeros((), dtype=torch.float64)
        self.n_losses = 0
        self.overlap = torch.zeros(5, dtype=torch.float64)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Begins with the epoch after the one that was saved."""
        self.first_epoch = checkpoint["epoch"] + 1

    def train_dataloader(self) -> Any:
        """Batches of augmented samples."""
        settings, world_size = self.settings, self.trainer.world_size
        steps = settings.steps_per_epoch
        order = EpochOrder(
            self.data.training_indices,
            n_drawn=None if steps is None else steps * settings.batch_size,
            seed=self.seed,
            epoch=self.first_epoch,
            rank=self.trainer.global_rank,
            world_size=world_size,
        )
        examples = BlockExamples(self.data.block, self.data.training, self.data.redraws)
        return load_batches(examples, order, settings.batch_size, self.n_workers)

    def val_dataloader(self) -> Any:
        """Batches of validation samples, in their own order."""
        order = EpochOrder(
            self.data.validation_indices,
            rank=self.trainer.global_rank,
            world_size=self.trainer.world_size,
        )
        examples = BlockExamples(self.data.block, self.data.validation)
        n_workers = min(1, self.n_workers)  # these slices are not warped
        return load_batches(examples, order, self.settings.batch_size, n_workers)

    @property
    def train_loss(self) -> float:
        """Mean training loss of the epoch so far; NaN before its first step."""
        return float(self.loss_sum) / self.n_losses if self.n_losses else math.nan

    @property
    def validation_dice(self) -> float:
        """Dice of masks cut at 0.5, all validation slices together.

        Slices without the target count only by what is predicted in them. 1 if neither target nor
        prediction has a pixel.
        """
        _, _, inside, predicted, target = self._pixels()
        return 2 * inside / (predicted + target) if predicted + target else 1.0

    @property
    def validation_loss(self) -> float:
        """Negative Dice of the probabilities (section 2.4), all validation slices together."""
        inside, predicted, _, _, target = self._pixels()
        return -(2 * inside + SMOOTH) / (predicted + target + SMOOTH)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is predicted on any validation slice though some hold the target."""
        _, _, _, predicted, target = self._pixels()
        return predicted == 0 and target > 0

    def _pixels(self) -> tuple[float, ...]:
        return tuple(self.overlap.tolist())

    def on_train_start(self) -> None:
        """Lays a resumed optimiser's tensors out in memory as the weights are.

        They were saved contiguous; in another layout the same sums can round differently.
        """
        for optimiser in self.trainer.optimizers:
            for weight, state in optimiser.state.items():
                for name, value in state.items():
                    if value.shape == weight.shape:
                        state[name] = torch.empty_like(weight).copy_(value)

    def on_train_epoch_start(self) -> None:
        """Forgets the last epoch's losses."""
        self.loss_sum = torch.zeros((), dtype=torch.float64)
        self.n_losses = 0

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch."""
        images, masks = batch
        with seeded(self.seed, self.global_step, self.global_rank, device=self.device):
            loss = self.segmenter.loss(images, masks)
        self.loss_sum = self.loss_sum + loss.detach().cpu().double()
        self.n_losses += 1
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forgets the last epoch's pixels."""
        self.overlap = torch.zeros(5, dtype=torch.float64)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Counts the pixels of a batch."""
        images, masks = batch
        probabilities = self.segmenter(images).float()
        predicted = probabilities > 0.5
        counts = (
            probabilities[masks].sum(),
            probabilities.sum(),
            (predicted & masks).sum(),
            predicted.sum(),
            masks.sum(),
        )
        self.overlap = self.overlap + torch.stack([count.cpu().double() for count in counts])

    def on_validation_epoch_end(self) -> None:
        """Adds up the processes' pixels, and shows the score beside the progress bar."""
        summed = self.trainer.strategy.reduce(self.overlap.to(self.device), reduce_op="sum")
        self.overlap = summed.cpu()
        self.log("dice", self.validation_dice, prog_bar=True, logger=False, sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Adam, its rate following the recipe's schedule step by step."""
        trained = [weight for weight in self.segmenter.parameters() if weight.requires_grad]
        optimiser = torch.optim.Adam(trained, lr=self.settings.learning_rate)
        if self.settings.schedule == "constant":
            return optimiser
        factor = {"cosine": _cosine, "polynomial": _polynomial}[self.settings.schedule]
        n_steps = self.settings.epochs * steps_of(self.settings, self.data, self.trainer.world_size)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: factor(min(step / n_steps, 1.0))
        )
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]


def steps_of(settings: NetworkSettings, data: BlockData, world_size: int = 1) -> int:
    """Steps an epoch on each of `world_size` devices."""
    if settings.steps_per_epoch is not None:
        return settings.steps_per_epoch
    return -(-len(data.training_indices) // (world_size * settings.batch_size))


@contextmanager
def seeded(*seeds: int, device: torch.device | None = None) -> Iterator[None]:
    """Seeds torch's global generators by these numbers together, and afterwards puts them back."""
    on_gpu = device is not None and device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.manual_seed(int(np.random.SeedSequence(seeds).generate_state(1)[0]))
        yield


def _cosine(done: float) -> float:
    """From 1 to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * done))


def _polynomial(done: float) -> float:
    """From 1 to 0 as (1 - t) ** 0.9, the rate of DeepLab and nnU-Net."""
    return float((1 - done) ** 0.9)
