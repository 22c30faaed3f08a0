"""A trained model: the block table of a run and the networks that vote on each block."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float32

from myoseg.blocks import Block, BlockTable
from myoseg.errors import ConfigurationError, ModelError
from myoseg.files import sha256_of
from myoseg.networks.checkpoint import load_network
from myoseg.slices.normalisation import Preprocessing

ImageStack = Float32[np.ndarray, "slice input row col"]
ProbabilityStack = Float32[np.ndarray, "slice row col"]
Predictor = Callable[[ImageStack], ProbabilityStack]

FORMAT: Final = 1
"""Of `model.json`, as `training.run_folder` writes it."""

SLICES_AT_ONCE: Final = 8
"""How many slices go through a network together; bounds memory for long stacks."""


@dataclass(frozen=True, eq=False)
class Model:
    """What `segment` needs: the blocks that were trained and a predictor for each of their voters.

    `folder` is None for a model that was made in memory.
    """

    table: BlockTable
    preprocessing: Preprocessing
    predictors: Mapping[str, tuple[Predictor, ...]]
    folder: Path | None = None

    def predict(self, block: Block, images: ImageStack) -> tuple[ProbabilityStack, ...]:
        """Each voter's probabilities of the block's target, in the table's order of networks."""
        return tuple(predictor(images) for predictor in self.predictors[block.name])

    def with_blocks(self, names: Collection[str]) -> "Model":
        """The model with these blocks alone.

        Raises:
            ConfigurationError: it has no block of such a name.
        """
        known = [block.name for block in self.table.blocks]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ConfigurationError(
                f"the model has no block {', '.join(unknown)}; its blocks are {', '.join(known)}."
            )
        blocks = tuple(block for block in self.table.blocks if block.name in names)
        return replace(self, table=replace(self.table, blocks=blocks))

    def fingerprint(self) -> str | None:
        """SHA-256 of the run's description, which holds the hash of all weights."""
        return None if self.folder is None else sha256_of(self.folder / "model.json")


def load_model(folder: Path, device: str = "auto") -> Model:
    """Reads the run folder of `myoseg train`.

    Raises:
        ModelError: no model there, training not finished, weights missing or altered.
        ConfigurationError: the device is not there.
    """
    description = folder / "model.json"
    if not description.is_file():
        raise ModelError(
            f"{folder} holds no model: there is no model.json in it. Give the run folder that "
            "`myoseg train DATA -o RUN` wrote."
        )
    try:
        record = json.loads(description.read_text(encoding="utf-8"))
        _check_format(record["format"], description)
        table = BlockTable.from_record(record["table"])
        preprocessing = Preprocessing(**record["preprocessing"])
        unfinished = [each["folder"] for each in record["members"] if not each["finished"]]
        members = {
            (each["block"], each["architecture"]): (each["folder"], each.get("weights_sha256"))
            for each in record["members"]
        }
    except (ValueError, KeyError, TypeError, ConfigurationError) as error:
        raise ModelError(
            f"{description} cannot be read ({error!r}); train again or restore it from a copy."
        ) from error
    if unfinished:
        raise ModelError(
            f"the training in {folder} is not finished: {', '.join(unfinished)} to go; continue it "
            "with `myoseg train ... --resume`."
        )
    trained = {name for name, _ in members}
    table = replace(table, blocks=tuple(b for b in table.blocks if b.name in trained))
    target = torch.device(find_device(device))
    predictors = {
        block.name: tuple(
            _predictor_from(folder, *members[block.name, network], target)
            for network in block.networks
        )
        for block in table.blocks
    }
    return Model(table, preprocessing, predictors, folder)


def _check_format(found: Any, description: Path) -> None:
    if found != FORMAT:
        raise ModelError(
            f"{description} is of format {found!r}, but this version of myoseg reads format "
            f"{FORMAT}; use the version that trained it, or train again."
        )


def _predictor_from(run: Path, member: str, weights_sha256: str, device: torch.device) -> Predictor:
    segmenter, card = load_network(run / member)
    if card.weights_sha256 != weights_sha256:
        raise ModelError(
            f"{run / member} is not the network that {run / 'model.json'} describes; restore the "
            "whole run from one copy, or train again."
        )
    segmenter = segmenter.to(device).eval()

    def predict(images: ImageStack) -> ProbabilityStack:
        parts = []
        with torch.inference_mode():
            for first in range(0, len(images), SLICES_AT_ONCE):
                batch = torch.from_numpy(images[first : first + SLICES_AT_ONCE]).to(device)
                segmenter.check_input(batch)
                parts.append(segmenter(batch)[:, 0].float().cpu().numpy())
        return np.concatenate(parts)

    return predict


def find_device(name: str) -> str:
    """PyTorch's name of the device asked for: auto, cpu, gpu, gpu:N or mps.

    Raises:
        ConfigurationError: an unknown name, or a device that this machine does not have.

    >>> find_device("cpu")
    'cpu'
    """
    n_gpus = torch.cuda.device_count()
    present = {"cpu": "cpu", "auto": "cpu"}
    if torch.backends.mps.is_available():
        present |= {"mps": "mps", "auto": "mps"}
    if n_gpus:
        present |= {f"gpu:{index}": f"cuda:{index}" for index in range(n_gpus)}
        present |= {"gpu": "cuda:0", "auto": "cuda:0"}
    if name not in present:
        raise ConfigurationError(
            f"device {name!r} is not on this machine; it has {', '.join(sorted(present))}."
        )
    return present[name]
