"""What happens at the end of each epoch, in this order: record, keep the best, save the state."""

import csv
import io
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from myoseg.errors import MyosegError
from myoseg.files import write_text
from myoseg.networks.checkpoint import NetworkCard, save_network
from myoseg.training.block_training import BlockTraining
from myoseg.training.interruption import StopRequest, TrainingInterruptedError
from myoseg.training.lightning_library import (
    Callback,
    CheckpointIO,
    TensorBoardLogger,
    TQDMProgressBar,
    Trainer,
)
from myoseg.training.state_file import read_state, write_state

log = logging.getLogger(__name__)

METRICS: Final = "metrics.csv"
COLLAPSE_EPOCHS: Final = 5
"""After how many epochs of empty masks in a row a network counts as collapsed."""


@dataclass(frozen=True)
class EpochMetrics:
    """One row of `metrics.csv`; epochs are counted from 1, seconds are those of the epoch."""

    epoch: int
    step: int
    train_loss: float
    validation_loss: float
    validation_dice: float
    learning_rate: float
    seconds: float


class RecordMetrics(Callback):  # type: ignore[misc]
    """Writes `metrics.csv` and TensorBoard events; rows of before a resumption are kept."""

    def __init__(self, folder: Path, title: str) -> None:
        self.path = folder / METRICS
        self.title = title
        self.rows: tuple[EpochMetrics, ...] = ()
        self._started = 0.0

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": [list(astuple(row)) for row in self.rows]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on after the rows of `state_dict`."""
        self.rows = tuple(EpochMetrics(*row) for row in state_dict["rows"])

    def on_train_epoch_start(self, trainer: Trainer, pl_module: BlockTraining) -> None:
        """Starts the clock."""
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: BlockTraining) -> None:
        """Adds a row.

        Raises:
            MyosegError: the loss is no longer a number.
        """
        row = EpochMetrics(
            epoch=trainer.current_epoch + 1,
            step=trainer.global_step,
            train_loss=pl_module.train_loss,
            validation_loss=pl_module.validation_loss,
            validation_dice=pl_module.validation_dice,
            learning_rate=float(trainer.optimizers[0].param_groups[0]["lr"]),
            seconds=round(time.monotonic() - self._started, 3),
        )
        if not math.isfinite(row.train_loss + row.validation_loss):
            raise MyosegError(
                f"{self.title} diverged in epoch {row.epoch}: the training loss is "
                f"{row.train_loss}. Lower networks.{pl_module.segmenter.architecture}."
                "learning_rate or set its gradient_clip, and train into another folder."
            )
        self.rows = (*self.rows, row)
        if trainer.is_global_zero:
            write_text(self.path, _as_csv(self.rows))
            trainer.logger.log_metrics(asdict(row), step=row.epoch)
        log.debug("%s: %s", self.title, row)


class KeepBest(Callback):  # type: ignore[misc]
    """Keeps the weights of the epoch with the best validation Dice (section 2.4).

    Of epochs that score the same, the one with the lower validation loss, then the earlier.

    Attributes:
        card: describes the best weights so far; None before the first epoch.
    """

    def __init__(self, folder: Path, card: NetworkCard) -> None:
        self.folder = folder
        self.card = card
        self.best: tuple[float, float] | None = None
        self.best_epoch = 0
        self.best_is_empty = False
        self.n_empty_epochs = 0

    def state_dict(self) -> dict[str, Any]:
        """The best score so far, and for how long masks have been empty."""
        names = ("best", "best_epoch", "best_is_empty", "n_empty_epochs")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from the best score of `state_dict`."""
        for name, value in state_dict.items():
            setattr(self, name, value)

    @property
    def collapsed(self) -> bool:
        """Whether masks are empty since `COLLAPSE_EPOCHS` epochs, or were in the best epoch."""
        return self.best_is_empty or self.n_empty_epochs >= COLLAPSE_EPOCHS

    def on_train_epoch_end(self, trainer: Trainer, pl_module: BlockTraining) -> None:
        """Saves the weights if the epoch was the best so far."""
        epoch, empty = trainer.current_epoch + 1, pl_module.is_empty
        self.n_empty_epochs = self.n_empty_epochs + 1 if empty else 0
        if self.n_empty_epochs == COLLAPSE_EPOCHS:
            log.warning(
                "%s/%s predicts nothing on any validation slice since epoch %d: it may have "
                "collapsed into the empty mask. If it does not recover, use the loss "
                "dice+cross_entropy.",
                *(self.card.block.name, self.card.architecture, epoch - COLLAPSE_EPOCHS + 1),
            )
        score = (pl_module.validation_dice, -pl_module.validation_loss)
        if self.best is not None and score <= self.best:
            return
        self.best, self.best_epoch, self.best_is_empty = score, epoch, empty
        if trainer.is_global_zero:
            save_network(self.folder, pl_module.segmenter, self.described())

    def described(self) -> NetworkCard:
        """The card of the best epoch so far."""
        score = 0.0 if self.best is None else self.best[0]
        return replace(
            self.card,
            best_epoch=self.best_epoch,
            validation_dice=score,
            collapsed=self.collapsed,
        )


class SaveState(Callback):  # type: ignore[misc]
    """Saves at the end of each epoch all that resuming needs; comes after the other callbacks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: Trainer, pl_module: BlockTraining) -> None:
        """Saves weights, optimiser and the other callbacks' states."""
        trainer.save_checkpoint(self.path, weights_only=False)


class EpochBar(TQDMProgressBar):  # type: ignore[misc]
    """Lightning's progress bar, without the version number of a logger that has none."""

    def get_metrics(self, trainer: Trainer, pl_module: BlockTraining) -> dict[str, Any]:
        """What stands behind the bar."""
        metrics = super().get_metrics(trainer, pl_module)
        return {name: value for name, value in metrics.items() if name != "v_num"}


class StopWhenAsked(Callback):  # type: ignore[misc]
    """Ends training between two batches once a signal has asked for it."""

    def __init__(self, request: StopRequest, title: str) -> None:
        self.request = request
        self.title = title

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        """Raises what ends training.

        Raises:
            TrainingInterruptedError: a signal came.
        """
        self._stop_if_asked(trainer)

    def on_validation_batch_end(self, trainer: Trainer, *args: Any) -> None:
        """As after a training batch.

        Raises:
            TrainingInterruptedError: a signal came.
        """
        self._stop_if_asked(trainer)

    def _stop_if_asked(self, trainer: Trainer) -> None:
        if self.request.came:
            raise TrainingInterruptedError(
                f"training of {self.title} was interrupted in epoch {trainer.current_epoch + 1}; "
                "all that came before this epoch is kept."
            )


class StateFiles(CheckpointIO):  # type: ignore[misc]
    """Lets Lightning keep its checkpoints as safetensors in place of its pickles."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Path, storage_options: Any = None
    ) -> None:
        """Writes all of the checkpoint, whole or not at all."""
        write_state(Path(path), checkpoint)

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Reads what `save_checkpoint` wrote."""
        state: dict[str, Any] = read_state(Path(path))
        return state

    def remove_checkpoint(self, path: Path) -> None:
        """Deletes the file."""
        Path(path).unlink(missing_ok=True)


class Events(TensorBoardLogger):  # type: ignore[misc]
    """TensorBoard events in one folder, without Lightning's file of hyperparameters."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder.parent, name="", version=folder.name)

    def save(self) -> None:
        """Writes what is pending."""
        self.experiment.flush()


def _as_csv(rows: Sequence[EpochMetrics]) -> str:
    text = io.StringIO()
    writer: Callable[[Any], Any] = csv.writer(text, lineterminator="\n").writerow
    writer([field.name for field in fields(EpochMetrics)])
    for row in rows:
        writer(astuple(row))
    return text.getvalue()
