"""A seed in; one simulated patient segmented, measured, scored against the truth and drawn out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myoseg.anatomy import REGIONS
from myoseg.case_results import save_segmentation
from myoseg.cases.case import Case, Segmentation
from myoseg.cases.convert import compact
from myoseg.cases.nifti import write_labels, write_volume
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.files import write_json
from myoseg.manifest import run_manifest
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import segment
from myoseg.prediction.shipped import DEFAULT
from myoseg.quantification.evaluate import evaluation_of, write_evaluation
from myoseg.quantification.region_score import RegionScore
from myoseg.quantification.scores import score_case
from myoseg.reporting.case_contours import figure45_contours
from myoseg.reporting.case_report import report_path
from myoseg.reporting.figures import save_figure
from myoseg.reporting.origin import origin_of_run
from myoseg.reporting.palette import SEQUENCE_TITLES, title_of

ACUTE_INFARCT: Final = PhantomConfig(infarct_probability=1.0, edema_probability=1.0)
"""A patient who has all that can be found."""

SAID: Final = ("lv_blood_pool", "rv_blood_pool", "myocardium", "edema+scar", "scar")
"""Regions of which the demo speaks; the others stand in the files."""

CAUTION: Final = (
    "The patient is simulated, as those were that the model learnt from, so these figures say "
    "nothing of real scans. For research only."
)


@dataclass(frozen=True, eq=False)
class SimulatedStudy:
    """What became of the simulated patient.

    Attributes:
        case: the images and the truth.
        segmentation: what the model found.
        scores: of each region, found against true.
        folder: where the files are.
    """

    case: Case
    segmentation: Segmentation
    scores: tuple[RegionScore, ...]
    folder: Path

    @property
    def preview(self) -> Path:
        """The picture of what was found."""
        return self.folder / f"{self.case.name}_preview.png"

    @property
    def report(self) -> Path:
        """The page that shows and measures what was found."""
        return report_path(self.folder, self.case.name)

    @property
    def comparison(self) -> Path:
        """The picture of what was found over what is true."""
        return self.folder / f"{self.case.name}_comparison.png"


def run_study(
    out: Path, *, seed: int = 0, device: str = "auto", config: PhantomConfig = ACUTE_INFARCT
) -> SimulatedStudy:
    """Simulates a patient, segments it with the default model, and measures, scores and draws it.

    `out` then holds what `predict --report` writes of a case (CASE_seg.nii.gz, CASE_stats.json,
    CASE_preview.png, CASE_report.html, run.json), CASE_comparison.png, metrics.csv and
    metrics.json; `out/input` holds the images and the truth as a plain data set.

    Args:
        out: folder of the results.
        seed: of the patient.
        device: auto, cpu, gpu, gpu:N or mps.
        config: what the patient is drawn from.

    Raises:
        ModelError: the default model is not there or not whole.
        OutputError: `out` cannot be written.
    """
    model = load_model(DEFAULT, device)
    case = simulate_case(seed, config)
    assert case.labels is not None
    segmentation = segment(case, model)
    scores = score_case(case.name, segmentation.labels, case.labels, case.geometry)
    study = SimulatedStudy(case, segmentation, tuple(scores), out)
    fingerprint = model.fingerprint() or ""
    manifest = run_manifest(
        "demo",
        device=device,
        seed=seed,
        hashes={"model": fingerprint},
        arguments={"model": DEFAULT},
    )
    write_json(out / "run.json", manifest)
    _write(study)
    return study


def _write(study: SimulatedStudy) -> None:
    case, out = study.case, study.folder
    assert case.labels is not None
    for sequence, image in case.images.items():
        path = out / "input" / f"{case.name}_{sequence}.nii.gz"
        write_volume(path, compact(image), case.geometry)
    write_labels(out / "input" / f"{case.name}_gd.nii.gz", case.labels.codes, case.geometry)
    save_segmentation(study.segmentation, case, out, report=origin_of_run(out))
    write_evaluation(evaluation_of(study.scores), out)
    figure = figure45_contours(case, case.labels, study.segmentation.labels, title=case.name)
    save_figure(figure, study.comparison)


def in_plain_words(study: SimulatedStudy) -> str:
    """What was found, what is true, and where the pictures are."""
    case, by_region = study.case, {score.region: score for score in study.scores}
    sequences = ", ".join(SEQUENCE_TITLES[sequence] for sequence in case.sequences)
    found = [f"  {_sentence(by_region[region])}" for region in SAID if region in by_region]
    return "\n".join(
        [
            f"Simulated a patient with an acute infarct ({case.n_slices} slices of {sequences}) "
            f"and segmented it with the model {DEFAULT!r}:",
            *found,
            f"What was found: {study.preview.resolve()}",
            f"Its report, for a browser: {study.report.resolve()}",
            f"Beside the truth: {study.comparison.resolve()}",
            CAUTION,
        ]
    )


def _sentence(score: RegionScore) -> str:
    region, true_ml, found_ml = REGIONS[score.region], score.volume_true_ml, score.volume_pred_ml
    if true_ml is None or found_ml is None:
        return f"{title_of(region)}: not assessed"
    agreement = "" if score.dice is None else f"; the overlap (Dice) is {100 * score.dice:.0f} %"
    return f"{title_of(region)}: found {found_ml:.1f} ml, true are {true_ml:.1f} ml{agreement}"
