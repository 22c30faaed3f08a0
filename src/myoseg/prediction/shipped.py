"""The models that come with the package: their names in, their folders out."""

import shutil
from importlib import resources
from pathlib import Path
from typing import Final

from myoseg.errors import ModelError, OutputError
from myoseg.files import folder_written_whole

DEFAULT: Final = "default"
"""The model that is used where none is named."""


def models_root() -> Path:
    """Where the package keeps its models, one folder each."""
    return Path(str(resources.files("myoseg"))) / "models"


def shipped_models() -> dict[str, Path]:
    """The folder of each model in the package, by name."""
    return {path.parent.name: path.parent for path in sorted(models_root().glob("*/model.json"))}


def shipped_folder(name: str) -> Path | None:
    """The folder of the shipped model of this name, if there is one."""
    return shipped_models().get(name)


def require_shipped(name: str) -> Path:
    """The folder of the shipped model of this name.

    Raises:
        ModelError: there is none.
    """
    models = shipped_models()
    if name not in models:
        raise ModelError(
            f"no shipped model is called {name!r}; give one of: {', '.join(models) or 'none'}."
        )
    return models[name]


def export_model(name: str, out: Path) -> None:
    """Copies a shipped model to the folder `out`, which appears with all of its files or not.

    Raises:
        ModelError: no shipped model has this name.
        OutputError: `out` is not empty or cannot be written.
    """
    source = require_shipped(name)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is no empty folder; give a new one.")
    with folder_written_whole(out) as aside:
        shutil.copytree(source, aside, dirs_exist_ok=True)
