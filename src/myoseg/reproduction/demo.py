"""Simulated cases in place of data: the whole experiment, small enough for two CPU cores."""

import logging
from pathlib import Path

from myoseg.cases.convert import write_myops_case
from myoseg.cases.phantom import SMALL, PhantomConfig, simulate_case
from myoseg.errors import OutputError
from myoseg.reproduction.experiment import reproduce
from myoseg.training.recipe import load_recipe

log = logging.getLogger(__name__)

N_TRAINING, N_TEST = 12, 6
FIRST_TRAINING_NUMBER, FIRST_TEST_NUMBER = 101, 201


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
    return reproduce(
        data, load_recipe("demo"), out / "results", device=device, progress=progress
    )


def write_phantoms(
    out: Path, *, n_training: int, n_test: int, seed: int, config: PhantomConfig
) -> None:
    """Writes labelled simulated cases as MyoPS 2020 lays them out; case i has the seed `seed` + i.

    Raises:
        OutputError: `out` is not empty or cannot be written.
    """
    if out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty; give a new folder.")
    for index in range(n_training):
        case = simulate_case(seed + index, config)
        write_myops_case(case, out, FIRST_TRAINING_NUMBER + index, role="train")
    for index in range(n_test):
        case = simulate_case(seed + n_training + index, config)
        write_myops_case(case, out, FIRST_TEST_NUMBER + index, role="test")
