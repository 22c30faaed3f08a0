"""A trained network on disk: `weights.safetensors` beside a readable `network.json`."""

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import safetensors.torch
from safetensors import SafetensorError

from myoseg.blocks import Architecture, Block
from myoseg.errors import ConfigurationError, ModelError
from myoseg.files import sha256_of, write_json, written_whole
from myoseg.networks.build import build_segmenter
from myoseg.networks.segmenter import Segmenter
from myoseg.slices.normalisation import Preprocessing

FORMAT: Final = 1
WEIGHTS: Final = "weights.safetensors"
CARD: Final = "network.json"


@dataclass(frozen=True, eq=False)
class NetworkCard:
    """What a network is and how it came to be; everything but its weights.

    Attributes:
        block: the problem that it solves.
        architecture: which of the three networks.
        n_inputs: sequences stacked as channels.
        options: what `build_segmenter` takes to make it again.
        preprocessing: what was done to every slice that it saw.
        recipe: the training recipe as JSON values.
        versions: of the programs that trained it.
        data_fingerprint: SHA-256 of the images and labels that it was trained and validated on.
        best_epoch: the epoch, counted from 1, whose weights these are.
        validation_dice: their Dice on the validation slices taken together.
        collapsed: the network ended with empty masks on all validation slices though some hold the
            target, or never had others.
        finished: whether training reached its last epoch.
        weights_sha256: of the file of weights, in hexadecimal; set by `save_network`.
        format: of this record.
    """

    block: Block
    architecture: Architecture
    n_inputs: int
    options: dict[str, Any]
    preprocessing: Preprocessing
    recipe: dict[str, Any]
    versions: dict[str, str]
    data_fingerprint: str
    best_epoch: int
    validation_dice: float
    collapsed: bool = False
    finished: bool = False
    weights_sha256: str = ""
    format: int = FORMAT

    def to_record(self) -> dict[str, Any]:
        """The card as JSON values."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        return record | {
            "block": self.block.to_record(),
            "architecture": str(self.architecture),
            "preprocessing": asdict(self.preprocessing),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "NetworkCard":
        """The inverse of `to_record`.

        Raises:
            ModelError: another format, or a field is missing, unknown or unreadable.
        """
        found = record.get("format")
        if found != FORMAT:
            raise ModelError(
                f"the network is of format {found!r}, but this version of myoseg reads format "
                f"{FORMAT}; use the version that trained it, or train again."
            )
        try:
            return cls(
                **record
                | {
                    "block": Block.from_record(record["block"]),
                    "architecture": Architecture(record["architecture"]),
                    "preprocessing": Preprocessing(**record["preprocessing"]),
                }
            )
        except (KeyError, TypeError, ValueError, ConfigurationError) as error:
            raise ModelError(
                f"the network's description cannot be read: {error}; restore {CARD} from a copy or "
                "train again."
            ) from error


def save_network(folder: Path, segmenter: Segmenter, card: NetworkCard) -> NetworkCard:
    """Writes weights and card to `folder`; the card names the weights by their hash.

    Should the program be killed between the two, `load_network` notices, and resuming the training
    mends it.

    Returns:
        The card with the hash.

    Raises:
        OutputError: the folder cannot be written.
    """
    state = segmenter.state_dict()
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with written_whole(folder / WEIGHTS) as aside:
        safetensors.torch.save_file(weights, aside)
        with aside.open("rb+") as stream:
            os.fsync(stream.fileno())
        signed = replace(card, weights_sha256=sha256_of(aside))
    update_card(folder, signed)
    return signed


def update_card(folder: Path, card: NetworkCard) -> None:
    """Replaces the card and leaves the weights.

    Raises:
        OutputError: the folder cannot be written.
    """
    write_json(folder / CARD, card.to_record())


def read_card(folder: Path) -> NetworkCard:
    """The card alone, without the weights.

    Raises:
        ModelError: no card there, or one that cannot be read.
    """
    path = folder / CARD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} holds no network: there is no {CARD} in it. Give a folder that "
            "`myoseg train` wrote; if training was stopped, continue it with --resume."
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}; restore it or train again.") from error
    try:
        return NetworkCard.from_record(record if isinstance(record, dict) else {})
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def load_network(folder: Path) -> tuple[Segmenter, NetworkCard]:
    """The network that `save_network` wrote, on the CPU and ready to predict.

    Raises:
        ModelError: card or weights are missing, cannot be read, or do not belong together.
    """
    card = read_card(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(f"{path} is missing; restore it from a copy or train again.")
    if sha256_of(path) != card.weights_sha256:
        raise ModelError(
            f"{path} is not the file that {CARD} describes: it is altered, damaged or of another "
            "training; restore both from one copy, or resume or repeat the training."
        )
    try:
        segmenter = build_segmenter(card.architecture, card.n_inputs, **card.options)
        segmenter.load_state_dict(safetensors.torch.load_file(path))
    except (SafetensorError, RuntimeError, ConfigurationError, TypeError) as error:
        raise ModelError(
            f"{path} does not fit the network that {CARD} describes: {error}; restore both from "
            "one copy or train again."
        ) from error
    return segmenter.eval(), card
