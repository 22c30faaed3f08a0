"""One network trained to its end, from its start or from where it was stopped."""

import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from myoseg.blocks import Architecture
from myoseg.manifest import software_versions
from myoseg.networks.build import build_segmenter
from myoseg.networks.checkpoint import NetworkCard, read_card, update_card
from myoseg.networks.segmenter import Segmenter
from myoseg.training.block_training import BlockTraining, seeded
from myoseg.training.callbacks import (
    EpochBar,
    Events,
    KeepBest,
    RecordMetrics,
    SaveState,
    StateFiles,
    StopWhenAsked,
)
from myoseg.training.hardware import Hardware
from myoseg.training.interruption import StopRequest, TrainingInterruptedError
from myoseg.training.lightning_library import Trainer
from myoseg.training.recipe import Recipe
from myoseg.training.run_folder import STATE, Member

log = logging.getLogger(__name__)


def fit_network(
    member: Member,
    recipe: Recipe,
    folder: Path,
    hardware: Hardware,
    request: StopRequest,
    data_fingerprint: str,
    *,
    n_workers: int = 0,
    progress: bool = True,
) -> NetworkCard:
    """Trains a network, resuming from the state in `folder` if there is one.

    Returns:
        The card of its best epoch; `folder` then holds weights, card and metrics, and no state.

    Raises:
        TrainingInterruptedError: `request` came; the state of the last whole epoch is in `folder`.
        MyosegError: the loss is no longer a number.
    """
    settings = recipe.settings_of(member.architecture)
    segmenter = initial_network(recipe, member)
    card = _new_card(member, recipe, segmenter, data_fingerprint)
    keeper = KeepBest(folder, card)
    training = BlockTraining(
        segmenter, member.data, settings, seed_of(recipe.seed, member), n_workers
    )
    state = folder / STATE
    callbacks = [
        RecordMetrics(folder, member.folder),
        keeper,
        SaveState(state),
        StopWhenAsked(request, member.folder),
    ]
    with _quiet_library():
        trainer = Trainer(
            accelerator=hardware.accelerator,
            devices=list(hardware.devices)
            if hardware.accelerator == "gpu"
            else len(hardware.devices),
            strategy="auto" if len(hardware.devices) == 1 else "ddp_find_unused_parameters_true",
            precision=hardware.precision,
            max_epochs=settings.epochs,
            gradient_clip_val=settings.gradient_clip or None,
            callbacks=[*callbacks, *([EpochBar()] if progress else [])],
            plugins=[StateFiles()],
            logger=Events(folder),
            default_root_dir=folder,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=progress,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
        )
        try:
            trainer.fit(training, ckpt_path=state if state.is_file() else None)
        except SystemExit as stop:
            raise TrainingInterruptedError(
                f"training of {member.folder} was interrupted."
            ) from stop
        trainer.strategy.barrier("finished")
        if trainer.is_global_zero:
            update_card(folder, _finished(folder, keeper))
            state.unlink(missing_ok=True)
        trainer.strategy.barrier("state removed")
    return read_card(folder)


def initial_network(recipe: Recipe, member: Member) -> Segmenter:
    """The network before its first step; its weights follow from seed, block and architecture."""
    architecture = member.architecture
    with seeded(seed_of(recipe.seed, member)):
        segmenter = build_segmenter(
            architecture, len(member.data.block.inputs), **recipe.options_of(architecture)
        )
    # Convolutions are 1.3 to 1.7 times as fast in this layout, on CPUs as on GPUs.
    segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return segmenter


def seed_of(seed: int, member: Member) -> int:
    """A seed of the network's own, so that no network depends on which were trained before."""
    name = zlib.crc32(member.folder.encode())
    return int(np.random.SeedSequence([seed, name]).generate_state(1)[0])


def check_networks(recipe: Recipe, members: tuple[Member, ...]) -> None:
    """Builds each kind of network once, to refuse before hours of training what cannot be.

    Raises:
        ConfigurationError: an option is unknown or out of range.
        InputError: the network does not take slices of this size or this many sequences.
        ModelError: pre-trained weights cannot be had.
    """
    kinds: dict[tuple[Architecture, int], Member] = {}
    for member in members:
        kinds.setdefault((member.architecture, len(member.data.block.inputs)), member)
    size = recipe.preprocessing.size_px
    for (_, n_inputs), member in kinds.items():
        initial_network(recipe, member).check_input(torch.zeros(1, n_inputs, size, size))


def _new_card(
    member: Member, recipe: Recipe, segmenter: Segmenter, data_fingerprint: str
) -> NetworkCard:
    return NetworkCard(
        block=member.data.block,
        architecture=member.architecture,
        n_inputs=segmenter.n_inputs,
        options=segmenter.options(),
        preprocessing=recipe.preprocessing.to_preprocessing(),
        recipe=recipe.to_record(),
        versions=software_versions(),
        data_fingerprint=data_fingerprint,
        best_epoch=0,
        validation_dice=0.0,
    )


def _finished(folder: Path, keeper: KeepBest) -> NetworkCard:
    return replace(read_card(folder), collapsed=keeper.collapsed, finished=True)


@contextmanager
def _quiet_library() -> Iterator[None]:
    """Keeps Lightning's advice, which is for its programmers, from our users."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in (r".*does not have many workers", r".*`isinstance\(treespec, LeafSpec"):
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
