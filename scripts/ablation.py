"""What each part of the default model adds: `python scripts/ablation.py ACDC AUTOFD EMIDEC -o OUT`.

Every fifth patient of ACDC and every fifth case of EMIDEC, in the order of names, is held out, with
all of AutoFD. Each variant of the recipe trains the one stage that it concerns for a few steps and
is scored on them; each variant of the procedure looks at them with the shipped weights. Typed
again, it goes on where it was stopped; `--only NAME` does one line: several can run in parallel.
"""

import argparse
import csv
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from myoseg.cases.case import Case
from myoseg.cases.layouts import CaseFiles, find_cases, read_case
from myoseg.cohort import PredictOptions, predict_cohort
from myoseg.files import folder_written_whole, write_csv
from myoseg.given_contours import contours_of
from myoseg.prediction.cascade.anatomy import AnatomyRules
from myoseg.prediction.cascade.disease import DiseaseRules
from myoseg.prediction.cascade.model import CascadeModel
from myoseg.prediction.cascade.predict import Procedure
from myoseg.prediction.cascade.votes import FOUR_VIEWS, ONE_VIEW
from myoseg.prediction.description import model_folder
from myoseg.prediction.model import load_model
from myoseg.quantification.evaluate import evaluate
from myoseg.training.cascade.fit import train_cascade
from myoseg.training.cascade.recipe import load_cascade_recipe

HELD_OUT_EVERY: Final = 5


@dataclass(frozen=True)
class Training:
    """A recipe that departs from the preset for one stage, or learns from patients."""

    stage: str
    changes: tuple[str, ...] = ()
    on_patients: bool = False


SLICES, GUIDES, PATHOLOGY = "simulation", "simulation.guides", "stages.pathology"

TRAININGS: Final[Mapping[str, Training]] = {
    "anatomy: as shipped, but short": Training("anatomy"),
    "anatomy: trained on patients": Training("anatomy", on_patients=True),
    "anatomy: physical contrast alone": Training(
        "anatomy", (f"{SLICES}.contrast.random_share=0", f"{SLICES}.contrast.spread=0")
    ),
    "anatomy: no clutter": Training("anatomy", (f"{SLICES}.appearance.clutter_probability=0",)),
    "pathology: as shipped, but short": Training("pathology"),
    "pathology: trained on patients": Training("pathology", on_patients=True),
    "pathology: guided without errors": Training(
        "pathology",
        tuple(
            f"{GUIDES}.{each}=0" for each in ("bend_px", "shift_px", "level", "bitten_probability")
        ),
    ),
    "pathology: never without T2": Training(
        "pathology", (f"{PATHOLOGY}.sequence_shares={{lge: 1.0, t2: 1.0}}",)
    ),
}

PROCEDURES: Final[Mapping[str, Procedure]] = {
    "prediction: as shipped": Procedure(),
    "prediction: four views": Procedure(views=FOUR_VIEWS),
    "prediction: one view": Procedure(views=ONE_VIEW),
    "prediction: at one scale": Procedure(scales=(1.0,)),
    "prediction: framed once": Procedure(n_reframings=0),
    "prediction: no second look": Procedure(second_looks=()),
    "prediction: anatomy of each slice by itself": Procedure(anatomy=AnatomyRules(neighbour=0.0)),
    "prediction: odds of anatomy as they are": Procedure(anatomy=AnatomyRules(odds=1.0)),
    "prediction: small pieces stay": Procedure(anatomy=AnatomyRules(least_part=0.0)),
    "prediction: scar taken for blood or fat stays so": Procedure(
        disease=DiseaseRules(scar_in_wall=False)
    ),
    "prediction: disease looked for once": Procedure(n_disease_looks=1),
    "prediction: odds of disease as they are": Procedure(disease=DiseaseRules(odds=1.0)),
}


@dataclass(frozen=True)
class Held:
    """A data set's held-out cases, those to train on, and how predictions for it are scored."""

    name: str
    folder: Path
    files: list[CaseFiles]
    others: list[CaseFiles]
    in_contours: bool = False


def main() -> None:
    """Writes OUT/ablation.csv: a line for each variant, data set and region."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("acdc", type=Path)
    parser.add_argument("autofd", type=Path)
    parser.add_argument("emidec", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000, help="of each training")
    variants = [*TRAININGS, *PROCEDURES]
    parser.add_argument("--only", action="append", choices=variants, help="may be repeated")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    acdc, emidec = _split(arguments.acdc, "acdc"), _split(arguments.emidec, "emidec")
    autofd = Held("autofd", arguments.autofd, find_cases(arguments.autofd), [])
    in_contours = replace(emidec, name="emidec in contours", in_contours=True)
    for variant in arguments.only or variants:
        folder = arguments.out / _as_name(variant)
        if variant in PROCEDURES:
            run, procedure, tests = model_folder("default"), PROCEDURES[variant], None
        else:
            training, procedure = TRAININGS[variant], Procedure()
            run = _trained(training, acdc, emidec, folder / "run", arguments.steps)
            tests = [acdc, autofd] if training.stage == "anatomy" else [in_contours]
        for held in tests or [acdc, autofd, emidec, in_contours]:
            _score(run, procedure, held, folder / _as_name(held.name))
    _tabulate(arguments.out)


def _split(folder: Path, name: str) -> Held:
    files = find_cases(folder)
    patients = sorted({each.patient for each in files})
    held = set(patients[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])
    return Held(
        name,
        folder,
        [each for each in files if each.patient in held],
        [each for each in files if each.patient not in held],
    )


def _trained(training: Training, acdc: Held, emidec: Held, run: Path, n_steps: int) -> Path:
    """The run's folder; the stage that it does not concern takes one step."""
    steps = [
        f"stages.{stage}.schedule.n_steps={n_steps if stage == training.stage else 1}"
        for stage in ("anatomy", "pathology")
    ]
    recipe = load_cascade_recipe("default", [*steps, *training.changes])
    source = acdc if training.stage == "anatomy" else emidec
    cases: list[Case] | None = None
    patients = None
    if training.on_patients:
        cases = [read_case(each) for each in source.others]
        patients = [each.patient for each in source.others]
    return train_cascade(
        recipe,
        run,
        cases=cases,
        patients=patients,
        device="cpu",
        resume=True,
    )


def _score(run: Path, procedure: Procedure, held: Held, scores: Path) -> None:
    """Predicts and scores the held-out cases, unless that is done."""
    if scores.exists():
        return
    model = load_model(run, "cpu")
    assert isinstance(model, CascadeModel)
    model = replace(model, procedure=procedure)
    if held.in_contours:
        model = replace(model, stages=(_shipped().stages[0], model.stages[-1]))
    with folder_written_whole(scores) as folder:
        predicted = folder / "predicted"
        asked = PredictOptions(contours=contours_of(held.files) if held.in_contours else None)
        for outcome in predict_cohort(held.files, model, predicted, asked):
            if outcome.error:
                raise SystemExit(f"{outcome.name}: {outcome.error}")
        evaluate(
            predicted,
            held.folder,
            folder / "scores",
            inside="myocardium" if held.in_contours else None,
            slices_with=None if held.in_contours else "myocardium",
        )


def _shipped() -> CascadeModel:
    """Its anatomy finds the ventricle that EMIDEC's contours lack, for each pathology network."""
    model = load_model(model_folder("default"), "cpu")
    assert isinstance(model, CascadeModel)
    return model


def _tabulate(out: Path) -> None:
    rows = sorted(_rows(out))
    write_csv(out / "ablation.csv", ("variant", "data", "region", "dice", "median", "n"), rows)
    for row in rows:
        print(*row, sep="\t")


def _rows(out: Path) -> Iterator[tuple[str, str, str, str, str, int]]:
    for table in out.glob("*/*/scores/metrics.csv"):
        dice: dict[str, list[float]] = {}
        for row in csv.DictReader(table.open()):
            if row["dice"] and float(row["volume_true_ml"]) > 0:
                dice.setdefault(row["tissue"], []).append(float(row["dice"]))
        variant, data = table.parts[-4], table.parts[-3]
        for region, values in dice.items():
            mean, median = np.mean(values), np.median(values)
            yield variant, data, region, f"{mean:.3f}", f"{median:.3f}", len(values)


def _as_name(text: str) -> str:
    return text.replace(":", "").replace(",", "").replace(" ", "_")


if __name__ == "__main__":
    main()
