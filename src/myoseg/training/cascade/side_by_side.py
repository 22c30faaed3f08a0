"""Stages that learn from simulated slices at the same time, each in a process of its own.

Two networks with half the cores each take less time than one after the other with all cores: their
layers are too small to be divided well.
"""

import logging
import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

import torch

from myoseg.training.allocator import keep_freed_memory
from myoseg.training.cascade.bars import StageBars
from myoseg.training.cascade.examples import SimulatedExamples
from myoseg.training.cascade.fit_stage import Progress
from myoseg.training.cascade.recipe import CascadeRecipe
from myoseg.training.cascade.train_stage import train_stage
from myoseg.training.interruption import StopRequest, TrainingInterruptedError

LOOKS_A_SECOND: Final = 2
"""How often the parent looks at its children's progress and at whether it shall stop."""


def train_side_by_side(
    recipe: CascadeRecipe,
    names: Sequence[str],
    out: Path,
    n_threads: int,
    n_workers: int,
    stop: StopRequest,
    bars: StageBars,
) -> None:
    """Trains these stages on the CPU; each that ends has its weights in `out`.

    Args:
        recipe: of all stages.
        names: of the stages.
        out: the run's folder.
        n_threads: that compute each stage.
        n_workers: processes that draw slices for each stage.
        stop: once it came, every stage saves its state and ends.
        bars: that show how far they are.

    Raises:
        TrainingInterruptedError: asked to stop; the states are on disk.
        ModelError: a state cannot be read.
        OutputError: the folder cannot be written.
    """
    context = multiprocessing.get_context("spawn")
    shall_stop, told = context.Event(), context.SimpleQueue()
    for name in names:
        bars.of(name, recipe.stages[name].schedule.n_steps)
    level = logging.getLogger("myoseg").getEffectiveLevel()
    with ProcessPoolExecutor(
        len(names),
        mp_context=context,
        initializer=_Child.start,
        initargs=(os.getpid(), shall_stop, told, n_threads, level),
    ) as pool:
        learning: list[Future[None]] = [
            pool.submit(_Child.learn, recipe, name, out, n_workers) for name in names
        ]
        pending = set(learning)
        while pending:
            done, pending = wait(pending, 1 / LOOKS_A_SECOND, return_when=FIRST_EXCEPTION)
            while not told.empty():
                bars.move(*told.get())
            if stop.came or any(future.exception() for future in done):
                shall_stop.set()
    _raise_gravest([future.exception() for future in learning])


def _raise_gravest(errors: Sequence[BaseException | None]) -> None:
    """Raises what went wrong; that other stages were stopped for it is told only if nothing did."""
    raised = [error for error in errors if error is not None]
    raised.sort(key=lambda error: isinstance(error, TrainingInterruptedError))
    for error in raised[:1]:
        if isinstance(error, BrokenProcessPool):
            raise TrainingInterruptedError(
                "a process that trained a stage was killed, as happens where memory runs out"
            ) from error
        raise error


class _Child:
    """What a process is told when it starts."""

    parent: int
    shall_stop: Event
    told: "SimpleQueue[tuple[str, Progress]]"

    @classmethod
    def start(
        cls,
        parent: int,
        shall_stop: Event,
        told: "SimpleQueue[tuple[str, Progress]]",
        n_threads: int,
        level: int,
    ) -> None:
        # Signals are for the parent, which asks its children to save what they have.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
        logging.getLogger("myoseg").setLevel(level)
        torch.set_num_threads(n_threads)
        keep_freed_memory()
        cls.parent, cls.shall_stop, cls.told = parent, shall_stop, told

    @classmethod
    def is_orphan(cls) -> bool:
        """Whether the parent was killed; another may resume the run now."""
        return os.getppid() != cls.parent

    @classmethod
    def learn(cls, recipe: CascadeRecipe, name: str, out: Path, n_workers: int) -> None:
        stage = next(each for each in recipe.built_stages if each.name == name)
        examples = SimulatedExamples(stage, recipe.stages[name], recipe.simulation, recipe.seed)
        try:
            train_stage(
                recipe,
                stage,
                examples,
                out,
                torch.device("cpu"),
                n_workers=n_workers,
                report=lambda done: cls.told.put((name, done)),
                should_stop=lambda: cls.shall_stop.is_set() or cls.is_orphan(),
            )
        finally:
            if cls.is_orphan():
                # The pool would wait for a next task for ever.
                os._exit(1)
