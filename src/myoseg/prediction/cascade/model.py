"""The default model: a folder of two networks in, a model that `segment` takes out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from jaxtyping import Float32
from safetensors import SafetensorError

from myoseg.blocks import BlockTable
from myoseg.cases.case import Case, Volume
from myoseg.errors import ConfigurationError, ModelError
from myoseg.files import sha256_of
from myoseg.networks.stage import Stage
from myoseg.prediction.cascade.predict import Procedure, StageModel, predict_blocks
from myoseg.prediction.engines.engine import Engine, EngineChoice
from myoseg.prediction.probabilities import BlockProbabilities

Weights = Mapping[str, Float32[np.ndarray, "..."]]


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

        On LGE alone the wall is what it is without scar, unless scar is among them: it corrects the
        pool and the epicardium (`disease.decide_disease`).

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


def load_cascade(folder: Path, record: dict[str, Any], choice: EngineChoice) -> CascadeModel:
    """The model that a cascade's `model.json` describes.

    Raises:
        ModelError: training not finished, weights missing or altered, or a field is unreadable.
    """
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
        StageModel(stage, _engine_of(stage, folder / each["weights"], each, choice))
        for stage, each in stages
    )
    trained = {block.name for stage, _ in stages for block in stage.blocks}
    kept = tuple(block for block in table.blocks if block.name in trained)
    return CascadeModel(replace(table, blocks=kept), models, folder)


def require_whole_weights(folder: Path, record: dict[str, Any]) -> None:
    """Checks the files of weights that a cascade's `model.json` describes; loads none.

    Raises:
        ModelError: one is missing or altered.
    """
    for each in record["stages"]:
        _require_described(folder / each["weights"], each)


def _require_described(path: Path, record: dict[str, Any]) -> None:
    if not path.is_file():
        raise ModelError(f"{path} is missing; install myoseg again, or restore it from a copy.")
    if sha256_of(path) != record.get("weights_sha256"):
        raise ModelError(
            f"{path} is not the file that model.json describes: it is altered, damaged or of "
            "another training; restore both from one copy."
        )


def _engine_of(stage: Stage, path: Path, record: dict[str, Any], choice: EngineChoice) -> Engine:
    _require_described(path, record)
    make = _openvino_engine if choice.engine == "openvino" else _pytorch_engine
    try:
        stored = safetensors.numpy.load_file(path)
        weights = {name: tensor.astype(np.float32) for name, tensor in stored.items()}
        return make(stage, weights, choice)
    except (SafetensorError, RuntimeError, ModelError) as error:
        raise ModelError(
            f"{path} does not fit the stage that model.json describes: {error}; restore both "
            "from one copy."
        ) from error


def _openvino_engine(stage: Stage, weights: Weights, choice: EngineChoice) -> Engine:
    from myoseg.prediction.engines.openvino import OpenVINOEngine
    from myoseg.prediction.engines.openvino_unet import unet_graph

    engine = OpenVINOEngine(
        lambda shape: unet_graph(weights, stage.normalisation, shape, choice.precision), choice
    )
    engine.compile_for((stage.n_inputs, stage.size_px, stage.size_px))
    return engine


def _pytorch_engine(stage: Stage, weights: Weights, choice: EngineChoice) -> Engine:
    import torch

    from myoseg.networks.stage_network import build_stage
    from myoseg.prediction.engines.pytorch import PyTorchEngine

    network = build_stage(stage)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return PyTorchEngine(torch.nn.Sequential(network, torch.nn.Sigmoid()), choice)
