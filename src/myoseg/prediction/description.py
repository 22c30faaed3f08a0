"""A model's name or folder in, its folder and what its `model.json` says out; loads no network."""

import json
from pathlib import Path
from typing import Any, Final

from myoseg.errors import ModelError
from myoseg.prediction.shipped import shipped_folder, shipped_models

FORMAT: Final = 1
"""Of `model.json`."""

DESCRIPTION: Final = "model.json"
"""Name of the file that describes a model; it holds the SHA-256 of all weights."""


def model_folder(model: Path | str) -> Path:
    """The folder of a shipped model, or the folder given; a folder of that name goes first."""
    folder = Path(model)
    if not folder.exists():
        return shipped_folder(str(model)) or folder
    return folder


def read_description(folder: Path) -> dict[str, Any]:
    """What a model's `model.json` holds.

    Raises:
        ModelError: it is missing, cannot be read or is of another format.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise ModelError(_no_model_in(folder))
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = record["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} cannot be read ({error!r}); train again or restore it from a copy."
        ) from error
    if found != FORMAT:
        raise ModelError(
            f"{path} is of format {found!r}, but this version of myoseg reads format {FORMAT}; "
            "use the version that trained it, or train again."
        )
    assert isinstance(record, dict)
    return record


def _no_model_in(folder: Path) -> str:
    names = ", ".join(shipped_models()) or "none"
    fault = (
        f"{folder} holds no model: there is no {DESCRIPTION} in it"
        if folder.is_dir()
        else f"there is no model {str(folder)!r}: no folder and no shipped model has that name"
    )
    return (
        f"{fault}. Give the run folder that `myoseg train DATA -o RUN` wrote, or the name of a "
        f"shipped model: {names}."
    )
