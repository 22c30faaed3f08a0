"""A cascade's recipe in, a folder with its trained networks out; simulated slices or real cases."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from torch.utils.data import Dataset

from myoseg.block_tables import CASCADE_KIND
from myoseg.cases.case import Case
from myoseg.errors import ConfigurationError, InputError, ModelError, OutputError
from myoseg.files import sha256_of, write_json, write_text
from myoseg.manifest import run_manifest, software_versions
from myoseg.networks.stage import Stage
from myoseg.processor import n_cores, threads_each
from myoseg.training.allocator import keep_freed_memory
from myoseg.training.cascade.bars import StageBars
from myoseg.training.cascade.examples import Example, SimulatedExamples
from myoseg.training.cascade.labelled_slices import LabelledExamples
from myoseg.training.cascade.recipe import CascadeRecipe, cascade_to_yaml, load_cascade_recipe
from myoseg.training.cascade.side_by_side import train_side_by_side
from myoseg.training.cascade.train_stage import train_stage, weights_path
from myoseg.training.hardware import find_hardware
from myoseg.training.interruption import TrainingInterruptedError, stopping_on_signals
from myoseg.training.plan import fingerprint_of
from myoseg.training.run_folder import (
    CONFIG,
    FORMAT,
    MODEL,
    differences,
    holds_something,
    remove_leftovers,
)

log = logging.getLogger(__name__)

DATA: Final = "data.json"


def train_cascade(
    recipe: CascadeRecipe,
    out: Path,
    *,
    cases: Sequence[Case] | None = None,
    patients: Sequence[str] | None = None,
    device: str = "auto",
    resume: bool = False,
    progress: bool = True,
    n_workers: int | None = 0,
) -> Path:
    """Trains the networks of all stages, on simulated slices or on labelled cases.

    From simulated slices on a CPU of several cores they learn side by side, each with its share of
    the cores, which is faster than one after the other with all of them (docs/performance.md).

    A state is on disk every `saved_every` steps, so that a stopped run goes on from there; on a CPU
    with the same number of threads it ends in the weights of a run that was never stopped.

    Args:
        recipe: all settings; see `load_cascade_recipe`.
        out: the run's folder: `config.yaml`, `model.json`, `run.json`, and for each stage its
            weights, its curve and, while it learns, its state.
        cases: with labels; None for simulated slices. A stage that can learn nothing from them is
            left out.
        patients: the patient of each case.
        device: auto, cpu, gpu, gpu:N or mps.
        resume: go on with the run in `out`.
        progress: whether to show a progress bar.
        n_workers: processes that draw slices for each network; None for as many as
            `Hardware.n_workers` says. The weights do not depend on it.

    Returns:
        `out`, to be given to `load_model`.

    Raises:
        InputError: no stage can learn from the cases, or the run to resume had other data.
        ConfigurationError: the device is not there, or the run to resume had other settings.
        OutputError: `out` is not empty and `resume` was not asked for, or cannot be written.
        TrainingInterruptedError: Ctrl-C or SIGTERM; the run can be resumed.
    """
    hardware = find_hardware(device)
    if len(hardware.devices) > 1:
        raise ConfigurationError(
            f"device {hardware.name!r} names {len(hardware.devices)} GPUs, but these networks "
            "learn on one; give gpu:N."
        )
    target, fingerprint = hardware.torch_device, None
    n_drawing = hardware.n_workers(n_workers)
    if cases is not None:
        fingerprint = fingerprint_of(cases, patients or [str(k) for k in range(len(cases))])
    _open_run(out, recipe, fingerprint, resume)
    examples = _examples_by_stage(recipe, cases)
    manifest = run_manifest(
        "train",
        device=str(target),
        seed=recipe.seed,
        hashes={} if fingerprint is None else {"data": fingerprint},
        arguments={"n_cases": None if cases is None else len(cases), "n_workers": n_drawing},
    )
    write_json(out / "run.json", manifest)
    stages = [stage for stage, _ in examples]
    _write_model(out, recipe, stages, fingerprint)
    keep_freed_memory()
    left = [each for each in examples if not weights_path(out, each[0]).is_file()]
    # By all stages, not by those that are left: how many threads compute must not change.
    side_by_side = cases is None and target.type == "cpu" and min(len(stages), n_cores()) > 1
    with stopping_on_signals() as stop, StageBars(show=progress) as bars:
        try:
            if side_by_side and left:
                names = [stage.name for stage, _ in left]
                n_threads = threads_each(len(stages))
                train_side_by_side(recipe, names, out, n_threads, n_drawing, stop, bars)
            else:
                for stage, samples in left:
                    train_stage(
                        recipe,
                        stage,
                        samples,
                        out,
                        target,
                        n_workers=n_drawing,
                        report=bars.of(stage.name, recipe.stages[stage.name].schedule.n_steps),
                        should_stop=lambda: stop.came,
                    )
                    _write_model(out, recipe, stages, fingerprint)
        except TrainingInterruptedError as stopped:
            message = f"{stopped}. Continue the run in {out} with --resume."
            raise TrainingInterruptedError(message) from stopped
    _write_model(out, recipe, stages, fingerprint)
    return out


def _examples_by_stage(
    recipe: CascadeRecipe, cases: Sequence[Case] | None
) -> list[tuple[Stage, Dataset[Example]]]:
    examples: list[tuple[Stage, Dataset[Example]]] = []
    faults = []
    for stage in recipe.built_stages:
        settings = recipe.stages[stage.name]
        arguments = (stage, settings, recipe.simulation, recipe.seed)
        if cases is None:
            examples.append((stage, SimulatedExamples(*arguments)))
            continue
        try:
            examples.append((stage, LabelledExamples(cases, *arguments)))
        except InputError as error:
            log.warning("%s; it is left out", error)
            faults.append(str(error))
    if not examples:
        raise InputError("; ".join(faults))
    return examples


def _write_model(
    out: Path, recipe: CascadeRecipe, stages: Sequence[Stage], fingerprint: str | None
) -> None:
    write_json(out / MODEL, model_record(out, recipe, stages, fingerprint))


def model_record(
    folder: Path, recipe: CascadeRecipe, stages: Sequence[Stage], fingerprint: str | None
) -> dict[str, Any]:
    """What `model.json` holds: the table, the stages as far as they are trained, and the recipe."""
    return {
        "format": FORMAT,
        "kind": CASCADE_KIND,
        "name": recipe.name,
        "table": recipe.table.to_record(),
        "stages": [_stage_record(folder, stage) for stage in stages],
        "recipe": recipe.to_record(),
        "data_fingerprint": fingerprint,
        "versions": software_versions(),
    }


def _stage_record(folder: Path, stage: Stage) -> dict[str, Any]:
    weights = weights_path(folder, stage)
    finished = weights.is_file()
    return {
        "stage": stage.to_record(),
        "weights": weights.name,
        "weights_sha256": sha256_of(weights) if finished else None,
        "finished": finished,
    }


def _open_run(out: Path, recipe: CascadeRecipe, fingerprint: str | None, resume: bool) -> None:
    if not holds_something(out):
        write_json(out / DATA, {"data_fingerprint": fingerprint})
        write_text(out / CONFIG, cascade_to_yaml(recipe))
        return
    if not resume:
        raise OutputError(
            f"{out} is not empty; continue the run in it with --resume, or give another folder."
        )
    if not (out / CONFIG).is_file():
        raise OutputError(
            f"{out} holds no training run that could be resumed: there is no {CONFIG} in it."
        )
    changes = differences(load_cascade_recipe(out / CONFIG).to_record(), recipe.to_record())
    if changes:
        raise ConfigurationError(
            f"the run in {out} has other settings: {'; '.join(changes)}. Resume with the settings "
            f"in {out / CONFIG}, or train into another folder."
        )
    remove_leftovers(out)
    if _fingerprint_in(out) != fingerprint:
        raise InputError(
            f"the run in {out} was trained on other data; resume with the same, or train into "
            "another folder."
        )


def _fingerprint_in(out: Path) -> str | None:
    """Of the data of the run that is there; None where it learnt from simulated slices."""
    path = out / DATA
    try:
        found: str | None = json.loads(path.read_text(encoding="utf-8"))["data_fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} cannot be read: {error!r}; restore it from a copy or train into another "
            "folder."
        ) from error
    return found
