"""The folder of a training run: what is in it, and whether it may be written to or resumed."""

import json
import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError, InputError, ModelError, OutputError
from myoseg.files import write_json, write_text
from myoseg.manifest import software_versions
from myoseg.networks.checkpoint import CARD, NetworkCard, read_card
from myoseg.training.plan import BlockData, TrainingPlan
from myoseg.training.recipe import Recipe, load_recipe, recipe_to_yaml

log = logging.getLogger(__name__)

FORMAT: Final = 1
CONFIG: Final = "config.yaml"
MODEL: Final = "model.json"
STATE: Final = "last.safetensors"


@dataclass(frozen=True, eq=False)
class Member:
    """One network of a run: which block's data it learns from, and its folder in the run's."""

    data: BlockData
    architecture: Architecture

    @property
    def folder(self) -> str:
        """The folder, relative to the run's, with forward slashes."""
        return f"{self.data.block.name}/{self.architecture}"

    def __str__(self) -> str:
        n_training, n_validation = map(
            len, (self.data.training_indices, self.data.validation_indices)
        )
        return f"{self.folder}, {n_training} samples to train, {n_validation} to validate"


def members_of(plan: TrainingPlan) -> tuple[Member, ...]:
    """The networks that a plan trains, in the table's order."""
    return tuple(
        Member(data, architecture) for data in plan.blocks for architecture in data.block.networks
    )


def open_run(out: Path, recipe: Recipe, plan: TrainingPlan, fold: int | None, resume: bool) -> None:
    """Writes `config.yaml` and `model.json`, or checks that those there are of the same run.

    Raises:
        OutputError: the folder holds something and `resume` was not asked for, or holds no run.
        ConfigurationError: the run there has other settings.
        InputError: the run there was trained on other data or another fold.
    """
    if not holds_something(out):
        write_text(out / CONFIG, recipe_to_yaml(recipe))
    elif not resume:
        raise OutputError(
            f"{out} is not empty; continue the run in it with --resume, or give another folder."
        )
    else:
        remove_leftovers(out)
        _check_recipe(out, recipe)
        _check_data(out, plan, fold)
    write_model(out, recipe, plan, fold)


def write_model(out: Path, recipe: Recipe, plan: TrainingPlan, fold: int | None) -> None:
    """Writes `model.json`: the table and its networks, as far as they are trained.

    Raises:
        OutputError: the folder cannot be written.
    """
    members = [_member_record(out, member) for member in members_of(plan)]
    record = {
        "format": FORMAT,
        "table": recipe.blocks.to_record(),
        "members": members,
        "finished": all(member["finished"] for member in members),
        "preprocessing": asdict(recipe.preprocessing.to_preprocessing()),
        "versions": software_versions(),
        "data_fingerprint": plan.data_fingerprint,
        "n_cases": plan.n_cases,
        "fold": fold,
        "skipped": plan.skipped,
    }
    write_json(out / MODEL, record)


def finished_card(folder: Path) -> NetworkCard | None:
    """The card of a network whose training is over; None while there is something to do."""
    if not (folder / CARD).is_file():
        return None
    try:
        card = read_card(folder)
    except ModelError:
        return None
    return card if card.finished else None


def _member_record(out: Path, member: Member) -> dict[str, Any]:
    card = finished_card(out / member.folder)
    result = (
        {}
        if card is None
        else {
            "best_epoch": card.best_epoch,
            "validation_dice": card.validation_dice,
            "collapsed": card.collapsed,
            "weights_sha256": card.weights_sha256,
        }
    )
    return {
        "block": member.data.block.name,
        "architecture": str(member.architecture),
        "folder": member.folder,
        "finished": card is not None,
        **result,
    }


def holds_something(out: Path) -> bool:
    """Whether there is any file but those that a killed program left unfinished."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; give a folder.")
    return out.is_dir() and any(not path.name.startswith(".") for path in out.iterdir())


def remove_leftovers(out: Path) -> None:
    """Deletes the files and folders that a killed program had not yet put in their place."""
    for path in list(out.rglob(".????????-*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _check_recipe(out: Path, recipe: Recipe) -> None:
    config = out / CONFIG
    if not config.is_file():
        raise OutputError(
            f"{out} holds no training run that could be resumed: there is no {CONFIG} in it. Give "
            "the run's folder, or a new one without --resume."
        )
    before, now = load_recipe(config).to_record(), recipe.to_record()
    changes = differences(before, now)
    if changes:
        raise ConfigurationError(
            f"the run in {out} has other settings: {'; '.join(changes)}. Resume with the settings "
            f"in {config}, or train into another folder."
        )


def _check_data(out: Path, plan: TrainingPlan, fold: int | None) -> None:
    path = out / MODEL
    if not path.is_file():
        return
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        before = (record["data_fingerprint"], record["fold"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} cannot be read: {error!r}; restore it from a copy or train into another "
            "folder."
        ) from error
    if before[0] != plan.data_fingerprint:
        raise InputError(
            f"the run in {out} was trained on other data (SHA-256 {before[0][:12]}..., now "
            f"{plan.data_fingerprint[:12]}...): an image, a label, the set of cases or who shares "
            "a patient differs. Resume with the same cases, or train into another folder."
        )
    if before[1] != fold:
        raise InputError(
            f"the run in {out} holds out fold {before[1]}, but fold {fold} was asked for; resume "
            "with the same fold, or train into another folder."
        )


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Each setting that differs, by its path, with both values."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    return [
        f"{path} was {old.get(path)!r} and is {new.get(path)!r}"
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]


def _leaves(record: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in record.items():
        place = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            yield from _leaves(value, place)
        else:
            yield place, value
