"""What `segment` needs of a model, and from a folder or a shipped model's name to one."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from myoseg.blocks import BlockTable
from myoseg.cases.case import Case
from myoseg.errors import ModelError
from myoseg.prediction.cascade.model import CASCADE_KIND, load_cascade
from myoseg.prediction.ensemble_model import load_ensemble
from myoseg.prediction.probabilities import BlockProbabilities
from myoseg.prediction.shipped import shipped_folder

FORMAT: Final = 1
"""Of `model.json`."""


@runtime_checkable
class Model(Protocol):
    """A block table, and what finds the probabilities of its blocks in a case."""

    @property
    def table(self) -> BlockTable:
        """The blocks that were trained."""

    def block_probabilities(self, case: Case, table: BlockTable) -> BlockProbabilities:
        """The probabilities of the blocks of `table`, which the case's sequences suffice for."""

    def with_blocks(self, names: Collection[str]) -> "Model":
        """The model with these blocks alone.

        Raises:
            ConfigurationError: it has no block of such a name.
        """

    def fingerprint(self) -> str | None:
        """SHA-256 of its description, which holds the hash of all weights; None in memory."""


def load_model(model: Path | str, device: str = "auto") -> Model:
    """Reads a shipped model by its name, or the run folder of `myoseg train`.

    Raises:
        ModelError: no model there, training not finished, weights missing or altered.
        ConfigurationError: the device is not there.
    """
    folder = model_folder(model)
    record = read_description(folder)
    if record.get("kind") == CASCADE_KIND:
        return load_cascade(folder, record, device)
    return load_ensemble(folder, record, device)


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
    path = folder / "model.json"
    if not path.is_file():
        raise ModelError(
            f"{folder} holds no model: there is no model.json in it. Give the run folder that "
            "`myoseg train DATA -o RUN` wrote, or a name that `myoseg model list` shows."
        )
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
