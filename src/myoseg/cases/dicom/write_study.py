"""A simulated study in, a folder of DICOM files as a scanner exports them out, with the truth."""

from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from myoseg.cases.dicom.simulated.classic import classic_instances
from myoseg.cases.dicom.simulated.distractors import distractors as simulated_distractors
from myoseg.cases.dicom.simulated.enhanced import enhanced_instances
from myoseg.cases.dicom.simulated.patient import SimulatedPatient
from myoseg.cases.dicom.simulated.sequences import short_axis_series
from myoseg.cases.dicom.simulated.series import SimulatedSeries, Vendor
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.data_set import require_empty, write_study
from myoseg.cases.phantom.study import Study, simulate_study
from myoseg.errors import ConfigurationError
from myoseg.files import folder_written_whole, write_json

DICOM_FOLDER: Final = "dicom"
TRUTH_FOLDER: Final = "truth"
MAX_PHASES: Final = 100


@dataclass(frozen=True)
class WrittenSeries:
    """What was written of one series.

    Attributes:
        role: bssfp, lge or t2 of those to be found; else what distracts from them.
        folder: of its files, below `dicom/`.
        series_uid: SeriesInstanceUID.
        n_files: how many files it has.
        description: SeriesDescription.
    """

    role: str
    folder: str
    series_uid: str
    n_files: int
    description: str


@dataclass(frozen=True)
class WritingChoices:
    """How studies are written; see `write_dicom_study`.

    Raises:
        ConfigurationError: the number of phases is not from 1 to 100.
    """

    enhanced: bool = False
    vendor: Vendor = "siemens"
    n_phases: int = 1
    distractors: bool = False
    single_slices: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.n_phases <= MAX_PHASES:
            raise ConfigurationError(
                f"n_phases is {self.n_phases}; give 1 to {MAX_PHASES} cardiac phases."
            )


def write_dicom_studies(
    out: Path, *, n_studies: int, seed: int, config: PhantomConfig, choices: WritingChoices
) -> None:
    """Simulates studies and writes each in a folder of its own; study i has the seed `seed` + i.

    Raises:
        ConfigurationError: the seed is negative.
        OutputError: `out` is not empty or cannot be written.
    """
    require_empty(out)
    for index in range(n_studies):
        study = simulate_study(seed + index, config)
        _write(study, out / study.name, seed + index, config, choices)


def write_dicom_study(
    study: Study,
    folder: Path,
    *,
    seed: int,
    enhanced: bool = False,
    vendor: Vendor = "siemens",
    n_phases: int = 1,
    distractors: bool = False,
    single_slices: bool = False,
    config: PhantomConfig | None = None,
) -> tuple[WrittenSeries, ...]:
    """Writes `folder` with the study's series as DICOM and what is true of them.

    `dicom/S0100/I00001.dcm`, ... are the series by number, `truth/` holds each sequence and its
    labels as NIfTI on the grid of the DICOM series, NAME_truth.json, and NAME_series.json, which
    says what each series is. Images, positions and spacing are those of the NIfTI files; LPS is
    NIfTI's RAS with the first two coordinates negated, and nothing is mirrored. The same study,
    seed and choices give the same bytes.

    Args:
        study: as `simulate_study` draws it.
        folder: to make; it appears whole or not at all.
        seed: what the patient's name, number and all identifiers follow from.
        enhanced: whether each series is one Enhanced MR Image Storage instance with many frames,
            rather than one MR Image Storage instance for each frame.
        vendor: whose way of describing series is imitated.
        n_phases: cardiac phases of the bSSFP; see `simulated.cine` for what they show.
        distractors: whether series are added that are not to be used.
        single_slices: whether each short-axis slice is a series of its own.
        config: what the study was drawn with; needed for more than one phase and distractors only
            where it is not the default.

    Raises:
        ConfigurationError: the number of phases is not from 1 to 100.
        OutputError: a file cannot be written.
    """
    choices = WritingChoices(enhanced, vendor, n_phases, distractors, single_slices)
    return _write(study, folder, seed, config or PhantomConfig(), choices)


def _write(
    study: Study, folder: Path, seed: int, config: PhantomConfig, choices: WritingChoices
) -> tuple[WrittenSeries, ...]:
    patient = SimulatedPatient(seed, choices.vendor)
    series = short_axis_series(study, choices.vendor, choices.n_phases, config)
    if choices.single_slices:
        series = tuple(each for stack in series for each in stack.single_slices())
    if choices.distractors:
        series = (*series, *simulated_distractors(study, choices.vendor, config))
    with folder_written_whole(folder) as aside:
        written = tuple(
            _write_series(tuple(parts), patient, aside, enhanced=choices.enhanced)
            for _, parts in groupby(sorted(series, key=_number), _number)
        )
        write_study(study, aside / TRUTH_FOLDER)
        write_json(aside / TRUTH_FOLDER / f"{study.name}_series.json", _record(written))
    return written


def _number(series: SimulatedSeries) -> int:
    return series.number


def _write_series(
    parts: tuple[SimulatedSeries, ...], patient: SimulatedPatient, folder: Path, *, enhanced: bool
) -> WrittenSeries:
    """Writes what is of one number."""
    instances_of = enhanced_instances if enhanced else classic_instances
    first, name = parts[0], f"S{parts[0].number:04d}"
    place, n_files = folder / DICOM_FOLDER / name, 0
    place.mkdir(parents=True)
    for instance in (each for part in parts for each in instances_of(part, patient)):
        n_files += 1
        instance.save_as(place / f"I{n_files:05d}.dcm", enforce_file_format=True)
    return WrittenSeries(
        role=first.role,
        folder=name,
        series_uid=str(patient.uid("series", first.number)),
        n_files=n_files,
        description=first.attributes.description,
    )


def _record(written: tuple[WrittenSeries, ...]) -> dict[str, Any]:
    return {"series": [asdict(each) for each in written]}
