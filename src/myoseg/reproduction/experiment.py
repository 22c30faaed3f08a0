"""One data set and one recipe in; three methods trained, tested and compared out (section 4).

Every stage is found again when the same command is given again: finished networks, finished
predictions. Only the report, which takes seconds, is always made anew.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from myoseg.cases.case import Case
from myoseg.cases.layouts import CaseFiles, find_cases, read_case
from myoseg.cohort import predict_cohort
from myoseg.errors import ConfigurationError, MyosegError
from myoseg.files import write_json
from myoseg.manifest import run_manifest
from myoseg.prediction.model import load_model
from myoseg.reproduction.folds import Fold, folds_of
from myoseg.reproduction.methods import Method, methods_of
from myoseg.reproduction.report import predictions_folder, write_report
from myoseg.training.estimate import estimate_seconds
from myoseg.training.fit import train
from myoseg.training.recipe import Recipe

log = logging.getLogger(__name__)

PREDICTED = "predicted.json"
EXPERIMENT = "experiment.json"


def reproduce(
    data: Path,
    recipe: Recipe,
    out: Path,
    *,
    layout: str | None = None,
    n_folds: int = 5,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Trains, predicts and compares the methods of Table 1; goes on where it was stopped.

    Args:
        data: a data set in a known layout; its labelled test cases are the test set, or else its
            labelled cases are cross-validated by patient.
        recipe: the recipe of all three methods; its table is that of the proposed one.
        out: `table1.md`, `table1.csv`, `figure3.png` to `figure5.png`, and a folder for each method
            with its networks, predictions and metrics.
        layout: name of the data set's layout; found by itself where None.
        n_folds: folds of the cross-validation.
        device: auto, cpu, gpu, gpu:N or mps.
        progress: whether to show progress bars.

    Returns:
        `out`.

    Raises:
        InputError: no cases, or too few with labels.
        ConfigurationError: `out` holds an experiment with other settings.
        MyosegError: a test case could not be segmented.
    """
    files = find_cases(data, layout)
    folds = folds_of(files, n_folds, recipe.seed)
    methods = methods_of(recipe.blocks)
    _open_experiment(out, recipe, folds, device)
    _announce(recipe, methods, folds, device)
    for fold in folds:
        cases = [read_case(each) for each in fold.training]
        for method in methods:
            run = _train(cases, fold, method, methods, recipe, out, device, progress)
            _predict(fold, method, run, out, device)
        del cases
    write_report(methods, [case for fold in folds for case in fold.test], out)
    return out


def _run_folder(out: Path, method: Method, fold: Fold) -> Path:
    return out / method.folder / "networks" / fold.name


def _train(
    cases: Sequence[Case],
    fold: Fold,
    method: Method,
    methods: Sequence[Method],
    recipe: Recipe,
    out: Path,
    device: str,
    progress: bool,
) -> Path:
    """Trains a method's networks, taking over those that another method has trained alike."""
    run = _run_folder(out, method, fold)
    log.info("%s, %s: training", method.folder, fold.name)
    return train(
        cases,
        recipe.with_table(method.table),
        run,
        device=device,
        resume=run.exists(),
        progress=progress,
        patients=[case.patient for case in fold.training],
        reuse=[_run_folder(out, other, fold) for other in methods if other is not method],
    )


def _predict(fold: Fold, method: Method, run: Path, out: Path, device: str) -> None:
    """Segments the fold's test cases, unless this very model has done so."""
    folder = predictions_folder(out, method)
    done = run / PREDICTED
    model = load_model(run, device)
    if done.is_file() and _read_json(done) == {"model_sha256": model.fingerprint()}:
        return
    log.info("%s, %s: segmenting %d test cases", method.folder, fold.name, len(fold.test))
    failed = [
        outcome
        for outcome in predict_cohort(_without_labels(fold.test), model, folder)
        if outcome.error is not None
    ]
    if failed:
        raise MyosegError(
            f"{len(failed)} of {len(fold.test)} test cases could not be segmented, so no table can "
            f"be made; the first: {failed[0].name}: {failed[0].error}"
        )
    write_json(done, {"model_sha256": model.fingerprint()})


def _without_labels(files: Sequence[CaseFiles]) -> list[CaseFiles]:
    return [replace(case, labels=None) for case in files]


def _open_experiment(out: Path, recipe: Recipe, folds: Sequence[Fold], device: str) -> None:
    """Writes down what is compared, or checks that `out` holds the same."""
    record = {
        "recipe": recipe.to_record(),
        "folds": [
            {
                "name": fold.name,
                "training": [case.name for case in fold.training],
                "test": [case.name for case in fold.test],
            }
            for fold in folds
        ],
    }
    path = out / EXPERIMENT
    if path.is_file() and _read_json(path) != record:
        raise ConfigurationError(
            f"{out} holds an experiment with other settings or other cases (see {path}); give "
            "another output folder."
        )
    write_json(path, record)
    write_json(
        out / "run.json",
        run_manifest(
            "reproduce", device=device, seed=recipe.seed, hashes={}, arguments={"folds": len(folds)}
        ),
    )


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _announce(
    recipe: Recipe, methods: Sequence[Method], folds: Sequence[Fold], device: str
) -> None:
    """Says what will be done."""
    log.info(
        "%d fold(s), %s training and %s test cases; %s",
        len(folds),
        "/".join(str(len(fold.training)) for fold in folds),
        "/".join(str(len(fold.test)) for fold in folds),
        f"preset {recipe.name}",
    )
