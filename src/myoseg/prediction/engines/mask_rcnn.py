"""A trained Mask R-CNN on a CPU: its networks in OpenVINO, what lies between them in NumPy."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32, Int
from scipy.special import expit

from myoseg.networks.detector import DetectorOptions
from myoseg.prediction.engines.boxes import (
    Boxes,
    SomeBoxes,
    SomeScores,
    anchors_of,
    best_of,
    clipped,
    large_enough,
    level_of,
    shifted,
)
from myoseg.prediction.engines.engine import EngineChoice, Images, Probabilities
from myoseg.prediction.engines.openvino import ANY, SLICES_AT_ONCE, CompiledGraphs
from myoseg.prediction.engines.openvino_layers import Weights
from myoseg.prediction.engines.openvino_mask_rcnn import (
    BOX_BINS,
    MASK_BINS,
    N_STAGES,
    box_graph,
    mask_graph,
    pyramid_graph,
)
from myoseg.prediction.engines.pasting import pasted
from myoseg.prediction.engines.region_sampling import Map, sampled
from myoseg.prediction.engines.suppression import Suppression
from myoseg.processor import n_cores

# torchvision's numbers, which `DetectorOptions` does not change.
N_CANDIDATES: Final = 1000
"""Most boxes of a level before suppression."""

PROPOSAL_OVERLAP, DETECTION_OVERLAP = 0.7, 0.5
LEAST_PROPOSAL_PX, LEAST_DETECTION_PX = 1e-3, 1e-2
PROPOSAL_WEIGHTS, DETECTION_WEIGHTS = (1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)

MASKS_AT_ONCE: Final = 16
"""Regions that go through the mask head together: as many as caches hold the tiles of."""

Scores = Float32[np.ndarray, "box"]
Masks = Float32[np.ndarray, "box row col"]
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Pyramid:
    """What the first graph gives of some slices, by level, each (slice, row, col, channel)."""

    maps: list[np.ndarray]
    scores: list[np.ndarray]
    shifts: list[np.ndarray]

    @classmethod
    def of(cls, outputs: list[np.ndarray]) -> "Pyramid":
        """Parts the outputs of `pyramid_graph`."""
        n_levels = N_STAGES + 1
        proposing = outputs[N_STAGES:]
        return cls(outputs[:N_STAGES], proposing[:n_levels], proposing[n_levels:])

    def of_slice(self, place: int) -> list[Map]:
        """The maps of one slice, finest first."""
        return [level[place] for level in self.maps]


class MaskRCNNEngine:
    """The network of `networks.mask_rcnn.MaskRCNN`, with the same answers.

    Sums of many values are taken in another order than PyTorch takes them, so that scores differ in
    the sixth digit; a box whose score or overlap is that close to a limit may stay or go.
    """

    def __init__(
        self,
        weights: Weights,
        options: DetectorOptions,
        statistics: tuple[Sequence[float], Sequence[float]],
        choice: EngineChoice,
    ) -> None:
        """Compiles nothing yet.

        Args:
            weights: the `state_dict` of torchvision's `MaskRCNN`, as arrays.
            options: of the detector.
            statistics: means and standard deviations by which the three channels are normalised.
            choice: precision and threads.
        """
        self.options = options
        self.pyramid: CompiledGraphs[tuple[int, int, int]] = CompiledGraphs(
            lambda size: pyramid_graph(weights, *statistics, (ANY, *size), choice.precision), choice
        )
        self.box_head: CompiledGraphs[None] = CompiledGraphs(lambda _: box_graph(weights), choice)
        self.mask_head: CompiledGraphs[None] = CompiledGraphs(
            lambda _: mask_graph(weights, choice.precision), choice
        )
        self.among_proposals = Suppression(PROPOSAL_OVERLAP, choice.n_threads)
        self.among_detections = Suppression(DETECTION_OVERLAP, choice.n_threads)
        self.n_threads = choice.n_threads or n_cores()
        self.pool = ThreadPoolExecutor(self.n_threads)

    def __call__(self, images: Images) -> Probabilities:
        """Where detections overlap, the surest one counts; 0 where nothing is detected."""
        parts = [
            self._probabilities(images[first : first + SLICES_AT_ONCE])
            for first in range(0, len(images), SLICES_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _probabilities(self, images: Images) -> Probabilities:
        size = (images.shape[2], images.shape[3])
        pyramid = Pyramid.of(self.pyramid.answers(images.shape[1:], images))
        proposals = self._proposals(pyramid, size)
        detections = self._detections(pyramid, proposals, size)
        maps = []
        for place, (boxes, scores) in enumerate(detections):
            masks = self._masks(pyramid.of_slice(place), boxes, size)
            maps.append(pasted(masks, boxes, scores, size))
        return np.stack(maps)[:, None]

    def _proposals(self, pyramid: Pyramid, size: Size) -> list[SomeBoxes]:
        """Of each slice, what may hold the target: the surest boxes of all levels."""
        n_slices, n_levels = len(pyramid.scores[0]), len(pyramid.scores)
        sets = [
            self._candidates(pyramid, place, level, size)
            for place in range(n_slices)
            for level in range(n_levels)
        ]
        kept = best_of(sets, N_CANDIDATES, self.among_proposals)
        proposals = []
        for first in range(0, len(sets), n_levels):
            levels = range(first, first + n_levels)
            boxes = np.concatenate([sets[k][0][kept[k]] for k in levels])
            scores = np.concatenate([sets[k][1][kept[k]] for k in levels])
            order = np.argsort(-scores, kind="stable")[: self.options.n_proposals]
            proposals.append(boxes[order])
        return proposals

    def _candidates(
        self, pyramid: Pyramid, place: int, level: int, size: Size
    ) -> tuple[Boxes, Scores]:
        """The surest boxes of a slice's level, clipped to the image, and how sure they are."""
        logits = pyramid.scores[level][place].ravel()
        best = np.argsort(-logits, kind="stable")[:N_CANDIDATES]
        grid = pyramid.scores[level].shape[1:3]
        anchors = _anchors(self.options.anchor_sizes[level], grid, size)[best]
        shifts = pyramid.shifts[level][place].reshape(-1, 4)[best]
        boxes = clipped(shifted(anchors, shifts, PROPOSAL_WEIGHTS), size)
        is_large = large_enough(boxes, LEAST_PROPOSAL_PX)
        return boxes[is_large], expit(logits[best][is_large])

    def _detections(
        self, pyramid: Pyramid, proposals: list[SomeBoxes], size: Size
    ) -> list[tuple[SomeBoxes, SomeScores]]:
        """Of each slice, the boxes that hold the target, surest first, and how sure they are."""
        sets = []
        for place, boxes in enumerate(proposals):
            values = self._values(pyramid.of_slice(place), boxes, size, BOX_BINS)
            logits, shifts = self.box_head.answers(None, values.reshape(len(boxes), -1))
            scores = expit(logits[:, 1] - logits[:, 0])
            found = clipped(shifted(boxes, shifts, DETECTION_WEIGHTS), size)
            stays = (scores > self.options.min_score) & large_enough(found, LEAST_DETECTION_PX)
            sets.append((found[stays], scores[stays]))
        kept = best_of(sets, self.options.n_detections, self.among_detections)
        return [(boxes[k], scores[k]) for (boxes, scores), k in zip(sets, kept, strict=True)]

    def _masks(self, maps: list[Map], boxes: Boxes, size: Size) -> Masks:
        """The target's mask within each box."""
        parts = [np.zeros((0, 2 * MASK_BINS, 2 * MASK_BINS), dtype=np.float32)]
        for first in range(0, len(boxes), MASKS_AT_ONCE):
            some = boxes[first : first + MASKS_AT_ONCE]
            parts += self.mask_head.answers(None, self._values(maps, some, size, MASK_BINS))
        return np.concatenate(parts)

    def _values(
        self, maps: list[Map], boxes: Boxes, size: Size, n_bins: int
    ) -> Float32[np.ndarray, "box bin bin channel"]:
        """What the pyramid holds in the bins of each box, each read from the level that fits it."""
        values = np.empty((len(boxes), n_bins, n_bins, maps[0].shape[-1]), dtype=np.float32)
        levels = level_of(boxes, len(maps))

        def fill(members: Int[np.ndarray, "member"]) -> None:
            level = maps[levels[members[0]]]
            scale = level.shape[0] / size[0]
            values[members] = sampled(level, boxes[members], scale, n_bins)

        parts = [
            part
            for level in range(len(maps))
            for part in np.array_split((levels == level).nonzero()[0], self.n_threads)
            if len(part)
        ]
        list(self.pool.map(fill, parts))
        return values


@lru_cache(maxsize=64)
def _anchors(side: int, grid: Size, size: Size) -> Boxes:
    return anchors_of(side, grid, (size[0] // grid[0], size[1] // grid[1]))
