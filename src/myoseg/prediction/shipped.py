"""The models that come with the package: their names in, their folders out."""

from importlib import resources
from pathlib import Path
from typing import Final

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
