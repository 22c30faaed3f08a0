"""Seeds in, a data set of simulated cases out: as MyoPS 2020 has them, or as scanners do."""

from pathlib import Path
from typing import Final

from myoseg.cases.convert import compact, write_myops_case
from myoseg.cases.nifti import write_labels, write_volume
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.simulate import simulate_case
from myoseg.cases.phantom.study import Study, simulate_study
from myoseg.cases.phantom.truth import truth_record
from myoseg.errors import OutputError
from myoseg.files import folder_written_whole, write_json

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
    require_empty(out)
    for index in range(n_training):
        case = simulate_case(seed + index, config)
        write_myops_case(case, out, FIRST_TRAINING_NUMBER + index, role="train")
    for index in range(n_test):
        case = simulate_case(seed + n_training + index, config)
        write_myops_case(case, out, FIRST_TEST_NUMBER + index, role="test")


def write_studies(out: Path, *, n_studies: int, seed: int, config: PhantomConfig) -> None:
    """Writes simulated studies, each sequence on its own grid; study i has the seed `seed` + i.

    A study's folder appears with all of its files or not at all.

    Raises:
        OutputError: `out` is not empty or cannot be written.
    """
    require_empty(out)
    for index in range(n_studies):
        study = simulate_study(seed + index, config)
        with folder_written_whole(out / study.name) as folder:
            write_study(study, folder)


def write_study(study: Study, folder: Path) -> None:
    """Writes NAME_SEQUENCE.nii.gz and NAME_SEQUENCE_gd.nii.gz of each sequence, NAME_truth.json.

    Raises:
        OutputError: a file cannot be written.
    """
    for sequence, series in study.series.items():
        case, stem = series.case, f"{study.name}_{sequence}"
        image = compact(case.images[sequence])
        write_volume(folder / f"{stem}.nii.gz", image, case.geometry)
        assert case.labels is not None
        write_labels(folder / f"{stem}_gd.nii.gz", case.labels.codes, case.geometry)
    write_json(folder / f"{study.name}_truth.json", truth_record(study))


def require_empty(out: Path) -> None:
    """Refuses a folder that holds anything.

    Raises:
        OutputError: it does.
    """
    if out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty; give a new folder.")
