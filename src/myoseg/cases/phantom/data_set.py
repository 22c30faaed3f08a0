"""Seeds in, a data set of simulated cases in the layout of MyoPS 2020 out."""

from pathlib import Path
from typing import Final

from myoseg.cases.convert import write_myops_case
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.simulate import simulate_case
from myoseg.errors import OutputError

FIRST_TRAINING_NUMBER: Final = 101
FIRST_TEST_NUMBER: Final = 201
"""Case numbers as MyoPS 2020 counts them."""


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
