"""A model's name or folder in; out the model, if its files are whole and its networks answer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from myoseg.errors import ModelError
from myoseg.prediction.cascade.model import CascadeModel
from myoseg.prediction.description import model_folder
from myoseg.prediction.ensemble_model import EnsembleModel
from myoseg.prediction.model import Model, load_model

Answer = Float32[np.ndarray, "..."]


def verify_model(model: Path | str) -> Model:
    """Loads a model on the CPU, which checks the hash of every file, and runs it on zeros.

    Raises:
        ModelError: as `load_model`, or a network's answer is no probability.
    """
    folder = model_folder(model)
    loaded = load_model(folder, "cpu")
    for name, answer in answers_to_zeros(loaded):
        if not ((answer >= 0) & (answer <= 1)).all():
            raise ModelError(
                f"{folder}: the network {name} gives values that are no probabilities; its weights "
                "are damaged. Restore the whole folder from one copy, or train again."
            )
    return loaded


def answers_to_zeros(model: Model) -> Iterator[tuple[str, Answer]]:
    """Each network's name and what it says of a slice of zeros."""
    match model:
        case CascadeModel():
            for each in model.stages:
                size_px = each.stage.size_px
                zeros = np.zeros((1, each.stage.n_inputs, size_px, size_px), dtype=np.float32)
                yield each.stage.name, each.engine(zeros)
        case EnsembleModel():
            size_px = model.preprocessing.size_px
            for block in model.table.blocks:
                zeros = np.zeros((1, len(block.inputs), size_px, size_px), dtype=np.float32)
                for network, answer in zip(
                    block.networks, model.predict(block, zeros), strict=True
                ):
                    yield f"{block.name}/{network}", answer
