"""A model's folder in, its card and its line in the list of models out; loads no network."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from myoseg.blocks import BlockTable
from myoseg.errors import ConfigurationError, ModelError
from myoseg.files import sha256_of
from myoseg.prediction.description import DESCRIPTION, read_description
from myoseg.reporting.model_card import ModelCard

EVALUATION: Final = "evaluation.json"
"""Beside `model.json`: `{"rows": [...]}`, each an `EvaluationRow`; may be missing."""

_BLOCK_FIELDS: Final = ("name", "target", "inputs", "substitutes", "optional")


@dataclass(frozen=True)
class ModelEntry:
    """A model as `myoseg model list` shows it.

    Attributes:
        name: of its folder.
        version: of the model.
        finds: the tissues, or unions of them, that it tells apart where every sequence is there.
        sequences: that some block of it can read.
        size_mb: of all its files, in 10^6 bytes.
        sha256: of its `model.json`, which holds that of all weights; `run.json` says the same.
        trained_on: in one line.
    """

    name: str
    version: str
    finds: tuple[str, ...]
    sequences: tuple[str, ...]
    size_mb: float
    sha256: str
    trained_on: str

    def to_record(self) -> dict[str, Any]:
        """The entry as JSON values."""
        return {**asdict(self), "finds": list(self.finds), "sequences": list(self.sequences)}

    def to_text(self) -> str:
        """The entry in six lines."""
        return "\n".join(
            [
                f"{self.name} {self.version}",
                f"  finds       {', '.join(self.finds)}",
                f"  from        {', '.join(self.sequences)}",
                f"  trained on  {self.trained_on or 'not written down'}",
                f"  size        {self.size_mb:.1f} MB",
                f"  SHA-256     {self.sha256[:12]}",
            ]
        )


def entry_of(folder: Path) -> ModelEntry:
    """The model's line in the list.

    Raises:
        ModelError: there is no model, or its description cannot be read.
    """
    card = read_model_card(folder)
    table = BlockTable.from_record(read_description(folder)["table"])
    reads = dict.fromkeys(s for b in table.blocks for s in (*b.inputs, *b.substitutes, *b.optional))
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return ModelEntry(
        name=folder.resolve().name,
        version=card.notes.version,
        finds=tuple(
            "+".join(tissue.name.lower() for tissue in sorted(group))
            for group in table.decoder.groups
        ),
        sequences=tuple(map(str, sorted(reads))),
        size_mb=round(n_bytes / 1e6, 2),
        sha256=sha256_of(folder / DESCRIPTION),
        trained_on=card.notes.summary,
    )


def read_model_card(folder: Path) -> ModelCard:
    """The card of a model of stages: from `model.json`, its `card`, and `evaluation.json`.

    Raises:
        ModelError: there is no model, it is of another kind, or a file of it cannot be read.
    """
    path, record = folder / DESCRIPTION, read_description(folder)
    if "stages" not in record:
        raise ModelError(
            f"{folder} has no model card: it is a run of `myoseg train`, described by its "
            f"config.yaml and {DESCRIPTION}; only models of stages have one."
        )
    try:
        table = BlockTable.from_record(record["table"])
        recipe = record.get("recipe", {})
        values = {
            "name": record.get("name", folder.name),
            "notes": record.get("card", {}),
            "blocks": [_chosen(block.to_record(), _BLOCK_FIELDS) for block in table.blocks],
            "stages": [_stage_row(each, folder, table, recipe) for each in record["stages"]],
            "seed": recipe.get("seed"),
            "versions": record.get("versions", {}),
            "evaluation": _evaluation_rows(folder),
        }
    except (KeyError, TypeError, AttributeError, StopIteration, ConfigurationError) as error:
        raise ModelError(f"{path} cannot be read ({error!r}); restore it from a copy.") from error
    return ModelCard.from_record(values, str(path))


def _stage_row(
    record: dict[str, Any], folder: Path, table: BlockTable, recipe: dict[str, Any]
) -> dict[str, Any]:
    stage, weights = record["stage"], folder / record["weights"]
    schedule = recipe.get("stages", {}).get(stage["name"], {}).get("schedule", {})
    if not weights.is_file():
        raise ModelError(f"{weights} is missing; install myoseg again, or restore it from a copy.")
    return {
        **_chosen(stage, ("name", "blocks", "size_px", "channels")),
        "guides": next(b.guides for b in table.blocks if b.name in stage["blocks"]),
        "n_steps": schedule.get("n_steps"),
        "batch_size": schedule.get("batch_size"),
        "weights": weights.name,
        "weights_sha256": record["weights_sha256"],
        "weights_mb": round(weights.stat().st_size / 1e6, 3),
    }


def _chosen(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: record[name] for name in names if name in record}


def _evaluation_rows(folder: Path) -> list[Any]:
    path = folder / EVALUATION
    if not path.is_file():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} cannot be read ({error!r}); restore it from a copy.") from error
    return list(rows)
