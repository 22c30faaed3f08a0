"""What `segment` needs of a model, and from a folder or a shipped model's name to one."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from myoseg.block_tables import CASCADE_KIND
from myoseg.blocks import BlockTable
from myoseg.cases.case import Case
from myoseg.errors import ConfigurationError, ModelError
from myoseg.prediction.cascade.model import load_cascade, require_whole_weights
from myoseg.prediction.description import DESCRIPTION, model_folder, read_description
from myoseg.prediction.engines.engine import AUTO, choose_engine
from myoseg.prediction.probabilities import BlockProbabilities


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


def load_model(
    model: Path | str,
    device: str = AUTO,
    *,
    engine: str = AUTO,
    precision: str = AUTO,
    n_threads: int | None = None,
) -> Model:
    """Reads a shipped model by its name, or the run folder of `myoseg train`.

    Args:
        model: name or folder.
        device: this and the rest as in `engines.engine.choose_engine`.
        engine: see there.
        precision: see there.
        n_threads: see there.

    Raises:
        ModelError: no model there, training not finished, weights missing or altered.
        ConfigurationError: the device or the engine is not there.
    """
    folder = model_folder(model)
    record = read_description(folder)
    choice = choose_engine(engine, device, precision, n_threads)
    if record.get("kind") == CASCADE_KIND:
        return load_cascade(folder, record, choice)
    from myoseg.prediction.ensemble_model import load_ensemble

    return load_ensemble(folder, record, choice)


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from and what computes it: what a process must be told to load it.

    Attributes:
        model: this and the next four as in `load_model`.
        device: see there.
        engine: see there.
        precision: see there.
        n_threads: see there.
        blocks: the only ones that are used; none for all.
    """

    model: Path | str
    device: str = AUTO
    engine: str = AUTO
    precision: str = AUTO
    n_threads: int | None = None
    blocks: tuple[str, ...] = ()

    def require_sound(self) -> None:
        """Checks description, blocks and, of a cascade, the files of weights; loads no network.

        Raises:
            ModelError: no model there, its description cannot be read, or weights are altered.
            ConfigurationError: the model has no such block.
        """
        folder = model_folder(self.model)
        record = read_description(folder)
        try:
            known = {block.name for block in BlockTable.from_record(record["table"]).blocks}
            if record.get("kind") == CASCADE_KIND:
                require_whole_weights(folder, record)
        except (ValueError, KeyError, TypeError, ConfigurationError) as error:
            raise ModelError(
                f"{folder / DESCRIPTION} cannot be read ({error!r}); train again or restore it "
                "from a copy."
            ) from error
        unknown = [name for name in self.blocks if name not in known]
        if unknown:
            raise ConfigurationError(
                f"the model has no block {', '.join(unknown)}; give one of "
                f"{', '.join(sorted(known))}."
            )

    def load(self) -> Model:
        """The model.

        Raises:
            ModelError: as `load_model`.
            ConfigurationError: as `load_model`, or the model has no such block.
        """
        model = load_model(
            self.model,
            self.device,
            engine=self.engine,
            precision=self.precision,
            n_threads=self.n_threads,
        )
        return model.with_blocks(self.blocks) if self.blocks else model
