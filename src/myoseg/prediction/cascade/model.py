"""The default model: a folder of two networks in, a model that `segment` takes out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from myoseg.blocks import BlockTable
from myoseg.cases.case import Case, Volume
from myoseg.errors import ConfigurationError, ModelError
from myoseg.files import sha256_of
from myoseg.networks.stage import Stage, channels_last
from myoseg.prediction.cascade.predict import Procedure, StageModel, predict_blocks
from myoseg.prediction.device import find_device
from myoseg.prediction.probabilities import BlockProbabilities


@dataclass(frozen=True, eq=False)
class CascadeModel:
    """Stages that guide one another (see `block_tables.CASCADE`).

    Attributes:
        table: the blocks that were trained.
        stages: in the order in which they run.
        folder: None for a model that was made in memory.
        given: masks of blocks on the case's grid that are known beforehand, such as contours drawn
            by hand; they are not predicted but guide the others.
        procedure: how a case is looked at.
    """

    table: BlockTable
    stages: tuple[StageModel, ...]
    folder: Path | None = None
    given: Mapping[str, Volume] = field(default_factory=dict)
    procedure: Procedure = field(default_factory=Procedure)

    def block_probabilities(self, case: Case, table: BlockTable) -> BlockProbabilities:
        """The stages in turn, each voting over the views of its last frame."""
        return predict_blocks(case, table, self.stages, self.given, self.procedure)

    def with_blocks(self, names: Collection[str]) -> "CascadeModel":
        """The model with these blocks, and those that guide them.

        Raises:
            ConfigurationError: it has no block of such a name.
        """
        known = [block.name for block in self.table.blocks]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ConfigurationError(
                f"the model has no block {', '.join(unknown)}; its blocks are {', '.join(known)}."
            )
        guides = {guide for b in self.table.blocks if b.name in names for guide in b.guides}
        kept = tuple(b for b in self.table.blocks if b.name in {*names, *guides})
        return replace(self, table=replace(self.table, blocks=kept))

    def with_given(self, masks: Mapping[str, Volume]) -> "CascadeModel":
        """The model for a case of which these blocks are known."""
        return replace(self, given=masks)

    def fingerprint(self) -> str | None:
        """SHA-256 of the description, which holds the hash of all weights."""
        return None if self.folder is None else sha256_of(self.folder / "model.json")


def load_cascade(folder: Path, record: dict[str, Any], device: str) -> CascadeModel:
    """The model that a cascade's `model.json` describes.

    Raises:
        ModelError: training not finished, weights missing or altered, or a field is unreadable.
        ConfigurationError: the device is not there.
    """
    target = torch.device(find_device(device))
    try:
        table = BlockTable.from_record(record["table"])
        finished = [each for each in record["stages"] if each["finished"]]
        stages = [(Stage.from_record(each["stage"], table), each) for each in record["stages"]]
    except (KeyError, TypeError, ConfigurationError) as error:
        raise ModelError(
            f"{folder / 'model.json'} cannot be read ({error!r}); train again or restore it from "
            "a copy."
        ) from error
    if len(finished) < len(stages):
        raise ModelError(
            f"the training in {folder} is not finished; continue it with `myoseg train --resume`."
        )
    models = tuple(
        StageModel(stage, _network_of(stage, folder / each["weights"], each, target), target)
        for stage, each in stages
    )
    trained = {block.name for stage, _ in stages for block in stage.blocks}
    kept = tuple(block for block in table.blocks if block.name in trained)
    return CascadeModel(replace(table, blocks=kept), models, folder)


def _network_of(
    stage: Stage, weights: Path, record: dict[str, Any], device: torch.device
) -> torch.nn.Module:
    if not weights.is_file():
        raise ModelError(f"{weights} is missing; install myoseg again, or restore it from a copy.")
    if sha256_of(weights) != record.get("weights_sha256"):
        raise ModelError(
            f"{weights} is not the file that model.json describes: it is altered, damaged or of "
            "another training; restore both from one copy."
        )
    network = stage.build()
    try:
        stored = safetensors.torch.load_file(weights)
        network.load_state_dict({name: tensor.float() for name, tensor in stored.items()})
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"{weights} does not fit the stage that model.json describes: {error}; restore both "
            "from one copy."
        ) from error
    return channels_last(network).to(device).eval()
