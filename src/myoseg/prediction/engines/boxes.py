"""Boxes as detectors handle them: anchors, what shifts make of them, and which of them remain.

The arithmetic is that of torchvision's `AnchorGenerator`, `BoxCoder` and `LevelMapper`, in NumPy. A
box is x1, y1, x2, y2 in pixels of the image.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Int

Boxes = Float32[np.ndarray, "box 4"]
SomeBoxes = Float32[np.ndarray, "_ 4"]
SomeScores = Float32[np.ndarray, "_"]
Suppress = Callable[
    [Float32[np.ndarray, "set box 4"], Float32[np.ndarray, "set box"]],
    Bool[np.ndarray, "set box"],
]
"""Non-maximum suppression of several sets at once; boxes of negative score are not there."""

ASPECTS: Final = (0.5, 1.0, 2.0)
"""Heights of an anchor over its widths."""

_GREATEST_LOG: Final = math.log(1000 / 16)
_CANONICAL_SIDE, _CANONICAL_LEVEL, _FINEST_LEVEL = 224, 4, 2
_EPSILON: Final = 1e-6


def anchors_of(side: int, grid: tuple[int, int], steps: tuple[int, int]) -> Boxes:
    """Three anchors of that side about each point of a grid, row by row.

    Args:
        side: of the square anchor, in pixels.
        grid: rows and columns of the level's map.
        steps: pixels of the image from one row, and from one column, to the next.
    """
    heights = np.sqrt(np.array(ASPECTS, dtype=np.float32))
    half = np.stack([1 / heights, heights], axis=1) * np.float32(side) / 2
    cell = np.round(np.concatenate([-half, half], axis=1))
    rows, cols = (np.arange(n) * step for n, step in zip(grid, steps, strict=True))
    y, x = np.meshgrid(rows, cols, indexing="ij")
    points = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4)
    return (points + cell).reshape(-1, 4).astype(np.float32)


def shifted(boxes: Boxes, shifts: Boxes, weights: Sequence[float]) -> Boxes:
    """Boxes moved and scaled by what a network says of each.

    Args:
        boxes: where they were.
        shifts: of the centre, over the box's size, and logarithms of the scale; x before y.
        weights: by which the four are divided.
    """
    dx, dy, dw, dh = (shifts / np.array(weights, dtype=np.float32)).T
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    x = dx * width + (boxes[:, 0] + np.float32(0.5) * width)
    y = dy * height + (boxes[:, 1] + np.float32(0.5) * height)
    half_width, half_height = (
        np.float32(0.5) * (np.exp(np.minimum(log, np.float32(_GREATEST_LOG))) * size)
        for log, size in ((dw, width), (dh, height))
    )
    return np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1)


def clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """The part of each box within an image of so many rows and columns."""
    rows, cols = size
    return np.asarray(boxes.clip(0, np.array([cols, rows, cols, rows], dtype=np.float32)))


def large_enough(boxes: Boxes, side: float) -> Bool[np.ndarray, "box"]:
    """Which boxes are at least that wide and high."""
    return np.asarray(((boxes[:, 2:] - boxes[:, :2]) >= np.float32(side)).all(axis=1))


def level_of(boxes: Boxes, n_levels: int) -> Int[np.ndarray, "box"]:
    """The pyramid's level that fits a box, 0 the finest (equation 1 of arXiv:1612.03144)."""
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    with np.errstate(divide="ignore"):
        log = np.log2(sides / np.float32(_CANONICAL_SIDE))
    level = np.floor(np.float32(_CANONICAL_LEVEL) + log + np.float32(_EPSILON))
    return np.asarray((level - _FINEST_LEVEL).clip(0, n_levels - 1).astype(np.int64))


def best_of(
    sets: Sequence[tuple[SomeBoxes, SomeScores]], n_most: int, suppress: Suppress
) -> list[Int[np.ndarray, "_"]]:
    """Which boxes of each set outlive suppression, surest first, at most so many."""
    n_boxes = max((len(boxes) for boxes, _ in sets), default=0)
    if not n_boxes:
        return [np.zeros(0, dtype=np.int64) for _ in sets]
    together = np.zeros((len(sets), n_boxes, 4), dtype=np.float32)
    certainty = np.full((len(sets), n_boxes), -1, dtype=np.float32)
    for place, (boxes, scores) in enumerate(sets):
        together[place, : len(boxes)], certainty[place, : len(boxes)] = boxes, scores
    remain = suppress(together, certainty)
    order = np.argsort(-certainty, axis=1, kind="stable")
    return [each[kept[each]][:n_most] for each, kept in zip(order, remain, strict=True)]
