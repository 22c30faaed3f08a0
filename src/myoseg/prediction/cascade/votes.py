"""One network asked about the eight turns and mirrors of a slice: their mean and their spread."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from myoseg.prediction.engines.engine import Engine

ALL_VIEWS: Final = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))
FOUR_VIEWS: Final = ((0, False), (2, False), (0, True), (2, True))
ONE_VIEW: Final = ((0, False),)

Views = tuple[tuple[int, bool], ...]
Inputs = Float32[np.ndarray, "slice input row col"]
Probabilities = Float32[np.ndarray, "slice block row col"]
Maps = Float32[np.ndarray, "slice map row col"]


@dataclass(frozen=True, eq=False)
class Votes:
    """What a network says over several views of the same slices.

    Attributes:
        mean: of the probabilities.
        spread: standard deviation of the probabilities over the views.
    """

    mean: Probabilities
    spread: Probabilities


def vote(engine: Engine, inputs: Inputs, views: Views) -> Votes:
    """Asks the network about each view and turns the answers back."""
    answers = np.stack([_turned_back(engine(_seen(inputs, view)), view) for view in views])
    return Votes(answers.mean(axis=0), answers.std(axis=0))


def _seen(maps: Maps, view: tuple[int, bool]) -> Maps:
    turns, mirrored = view
    return np.ascontiguousarray(np.rot90(maps[..., ::-1] if mirrored else maps, turns, (2, 3)))


def _turned_back(maps: Maps, view: tuple[int, bool]) -> Maps:
    turns, mirrored = view
    turned = np.rot90(maps, -turns, (2, 3))
    return turned[..., ::-1] if mirrored else turned
