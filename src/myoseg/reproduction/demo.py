"""Simulated cases in place of data: the whole experiment, small enough for two CPU cores."""

import logging
from pathlib import Path

from myoseg.cases.phantom import SMALL
from myoseg.cases.phantom.data_set import write_phantoms
from myoseg.reproduction.experiment import reproduce
from myoseg.training.recipe import load_recipe

log = logging.getLogger(__name__)

N_TRAINING, N_TEST = 12, 6


def run_demo(out: Path, *, seed: int = 0, device: str = "auto", progress: bool = True) -> Path:
    """Simulates cases into `out/data` and runs the experiment on them.

    Returns:
        The folder of the experiment, with `table1.md` and the figures.

    Raises:
        OutputError: `out` cannot be written.
    """
    data = out / "data"
    if not data.is_dir():
        log.info("simulating %d training and %d test cases", N_TRAINING, N_TEST)
        write_phantoms(data, n_training=N_TRAINING, n_test=N_TEST, seed=seed, config=SMALL)
    return reproduce(data, load_recipe("demo"), out / "results", device=device, progress=progress)
