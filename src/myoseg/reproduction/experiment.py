"""One data set and one recipe in; three methods trained, tested and compared out (section 4).

Every stage is found again when the same command is given again: finished networks, finished
predictions. Only the report, which takes seconds, is always made anew.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from myoseg.case_results import labels_path
from myoseg.cases.case import Case
from myoseg.cases.layouts import find_cases, read_case
from myoseg.cohort import predict_cohort
from myoseg.errors import ConfigurationError, MyosegError
from myoseg.files import write_json
from myoseg.manifest import run_manifest
from myoseg.prediction.model import load_model
from myoseg.reproduction.folds import Fold, folds_of
from myoseg.reproduction.methods import Method, methods_of, recipe_of
from myoseg.reproduction.report import predictions_folder, write_report
from myoseg.training.duration import estimate_seconds
from myoseg.training.fit import train
from myoseg.training.interruption import TrainingInterruptedError
from myoseg.training.recipe import Recipe

log = logging.getLogger(__name__)

EXPERIMENT: Final = "experiment.json"
PREDICTED: Final = "predicted.json"


@dataclass(frozen=True)
class Experiment:
    """What is compared, on which cases, where the results go, and how it is run."""

    methods: tuple[Method, ...]
    folds: tuple[Fold, ...]
    recipe: Recipe
    out: Path
    device: str = "auto"
    progress: bool = True

    def run_folder(self, method: Method, fold: Fold) -> Path:
        """Where a method's networks of one fold lie."""
        return self.out / method.folder / "networks" / fold.name

    @property
    def is_new(self) -> bool:
        """Whether no network has been begun."""
        first = self.folds[0]
        return not any(self.run_folder(method, first).exists() for method in self.methods)

    def to_record(self) -> dict[str, Any]:
        """What must be the same for the experiment to go on, as JSON values."""
        return {
            "recipe": self.recipe.to_record(),
            "folds": [
                {
                    "name": fold.name,
                    "training": [case.name for case in fold.training],
                    "test": [case.name for case in fold.test],
                }
                for fold in self.folds
            ],
        }


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
        device: auto, cpu, gpu, gpu:N, gpu:N,M to train on several, or mps.
        progress: whether to show progress bars.

    Returns:
        `out`.

    Raises:
        InputError: no cases, or too few with labels.
        ConfigurationError: `out` holds an experiment with other settings or cases.
        TrainingInterruptedError: Ctrl-C; the same command goes on.
        MyosegError: a test case could not be segmented.
    """
    experiment = Experiment(
        methods=methods_of(recipe.blocks),
        folds=folds_of(find_cases(data, layout), n_folds, recipe.seed),
        recipe=recipe,
        out=out,
        device=device,
        progress=progress,
    )
    _open(experiment)
    try:
        _run(experiment)
    except TrainingInterruptedError as stop:
        raise TrainingInterruptedError(
            f"the experiment in {out} was interrupted; give the same command again to go on."
        ) from stop
    test = [case for fold in experiment.folds for case in fold.test]
    write_report(experiment.methods, test, out)
    return out


def _run(experiment: Experiment) -> None:
    """Trains each method on each fold and segments its test cases."""
    for fold in experiment.folds:
        cases = [read_case(each) for each in fold.training]
        if experiment.is_new:
            _announce(experiment, cases)
        for method in experiment.methods:
            _train(experiment, method, fold, cases)
            _predict(experiment, method, fold)


def _open(experiment: Experiment) -> None:
    """Writes down what is compared, or checks that the folder holds the same experiment."""
    path, record = experiment.out / EXPERIMENT, experiment.to_record()
    if path.is_file() and _read_json(path) != record:
        raise ConfigurationError(
            f"{experiment.out} holds an experiment with other settings or other cases (see "
            f"{path}); give another output folder."
        )
    write_json(path, record)
    manifest = run_manifest(
        "reproduce",
        device=experiment.device,
        seed=experiment.recipe.seed,
        hashes={},
        arguments={"recipe": experiment.recipe.name, "n_folds": len(experiment.folds)},
    )
    write_json(experiment.out / "run.json", manifest)


def _announce(experiment: Experiment, cases: Sequence[Case]) -> None:
    """Says how long training will take, measured on a few steps."""
    fold, recipe, n_folds = experiment.folds[0], experiment.recipe, len(experiment.folds)
    patients = [case.patient for case in fold.training]
    seconds = n_folds * sum(
        estimate_seconds(
            cases, recipe_of(method, recipe), device=experiment.device, patients=patients
        )
        for method in experiment.methods
    )
    log.info(
        "%d training and %d test cases, %d fold(s), preset %s: training takes at most %s here",
        *(len(fold.training), len(fold.test), n_folds, recipe.name, in_words(seconds)),
    )


def _train(experiment: Experiment, method: Method, fold: Fold, cases: Sequence[Case]) -> None:
    """Trains a method's networks, taking over those that another method has trained alike."""
    run = experiment.run_folder(method, fold)
    log.info("%s, %s: training", method.folder, fold.name)
    train(
        cases,
        recipe_of(method, experiment.recipe),
        run,
        device=experiment.device,
        resume=run.exists(),
        progress=experiment.progress,
        patients=[case.patient for case in fold.training],
        reuse=[
            experiment.run_folder(other, fold)
            for other in experiment.methods
            if other is not method
        ],
    )


def _predict(experiment: Experiment, method: Method, fold: Fold) -> None:
    """Segments the fold's test cases, unless these very networks have done so."""
    run = experiment.run_folder(method, fold)
    model = load_model(run, experiment.device.partition(",")[0])
    folder = predictions_folder(experiment.out, method)
    done, mark = run / PREDICTED, {"model_sha256": model.fingerprint()}
    is_whole = all(labels_path(folder, case.name).is_file() for case in fold.test)
    if is_whole and done.is_file() and _read_json(done) == mark:
        return
    log.info("%s, %s: segmenting %d test cases", method.folder, fold.name, len(fold.test))
    outcomes = predict_cohort(fold.test, model, folder)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        raise MyosegError(
            f"{len(failed)} of {len(fold.test)} test cases could not be segmented, so no table can "
            f"be made; the first: {failed[0].name}: {failed[0].error}"
        )
    write_json(done, mark)


def _read_json(path: Path) -> Any:
    """The file's values; None, which equals no record of ours, if it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None


def in_words(seconds: float) -> str:
    """A duration as people say it.

    >>> in_words(90.0), in_words(5000.0), in_words(900000.0)
    ('2 minutes', '1.4 hours', '10.4 days')
    """
    if seconds < 3600:
        minutes = max(1, round(seconds / 60))
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 86400:.1f} days"
