"""A network asked about the eight turns and mirrors of a slice: their mean and their spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from myoseg.prediction.engines.engine import Engine

ONE_VIEW: Final = ((0, False),)
FOUR_VIEWS: Final = ((0, False), (2, False), (2, True), (0, True))
ALL_VIEWS: Final = (*FOUR_VIEWS, (1, True), (1, False), (3, False), (3, True))
"""Turns by 90 degrees, and whether mirrored first. Of every other view as many are mirrored, and as
many turned by 90 degrees, as of the rest."""

Views = tuple[tuple[int, bool], ...]
Inputs = Float32[np.ndarray, "slice input row col"]
Probabilities = Float32[np.ndarray, "slice *block row col"]
Maps = Float32[np.ndarray, "slice map row col"]


@dataclass(frozen=True, eq=False)
class Votes:
    """What a network says over several views of the same slices.

    Attributes:
        mean: of the probabilities.
        spread: standard deviation of the probabilities over views of one scale.
    """

    mean: Probabilities
    spread: Probabilities

    @classmethod
    def together(cls, parts: Sequence["Votes"]) -> "Votes":
        """Of parts that count as much: their mean, and the spread within them.

        How far the parts differ from each other is left out: they saw the slices at other scales.
        """
        if len(parts) == 1:
            return parts[0]
        mean, square = parts[0].mean.copy(), np.square(parts[0].spread)
        for each in parts[1:]:
            mean += each.mean
            square += np.square(each.spread)
        return cls(mean / np.float32(len(parts)), np.sqrt(square / np.float32(len(parts))))


def vote(engine: Engine, inputs: Inputs, views: Views) -> Votes:
    """Asks the network about each view and turns the answers back."""
    answers = np.stack([_turned_back(engine(_seen(inputs, view)), view) for view in views])
    if len(views) == 1:
        return Votes(answers[0], np.zeros_like(answers[0]))
    return Votes(answers.mean(axis=0), answers.std(axis=0))


def _seen(maps: Maps, view: tuple[int, bool]) -> Maps:
    turns, mirrored = view
    return np.ascontiguousarray(np.rot90(maps[..., ::-1] if mirrored else maps, turns, (2, 3)))


def _turned_back(maps: Maps, view: tuple[int, bool]) -> Maps:
    turns, mirrored = view
    turned = np.rot90(maps, -turns, (2, 3))
    return turned[..., ::-1] if mirrored else turned
