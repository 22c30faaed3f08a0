"""Simulated cases in place of data: the whole experiment, small enough for two CPU cores."""

import logging
from pathlib import Path

from myoseg.cases.phantom import SMALL
from myoseg.cases.phantom.data_set import write_phantoms
from myoseg.files import folder_written_whole
from myoseg.reproduction.experiment import reproduce
from myoseg.training.recipe import load_recipe

log = logging.getLogger(__name__)

N_TRAINING, N_TEST = 12, 6


def run_demo(out: Path, *, seed: int = 0, device: str = "auto", progress: bool = True) -> Path:
    """Simulates cases into `out/data_seed_N` and runs the experiment on them in `out/results`.

    Returns:
        The folder of the experiment, with `table1.md` and the figures.

    Raises:
        InputError: `out` holds a demo with another seed.
        OutputError: `out` cannot be written.
    """
    data = out / f"data_seed_{seed}"
    if not data.is_dir():
        log.info("simulating %d training and %d test cases", N_TRAINING, N_TEST)
        with folder_written_whole(data) as aside:
            write_phantoms(aside, n_training=N_TRAINING, n_test=N_TEST, seed=seed, config=SMALL)
    return reproduce(data, load_recipe("demo"), out / "results", device=device, progress=progress)
