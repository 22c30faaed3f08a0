"""Labelled cases in, slices of them as a stage's networks see them out, drawn anew for every step.

The same networks can so be trained on patients: to compare, or to go on from simulated cases.
"""

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch.utils.data import Dataset

from myoseg.anatomy import REGIONS, Sequence, Tissue
from myoseg.block_tables import CASCADE
from myoseg.blocks import is_union
from myoseg.cases.case import Case, LabelMap
from myoseg.errors import InputError
from myoseg.networks.stage import Stage
from myoseg.slices.framing import presented
from myoseg.slices.normalisation import OUTSIDE
from myoseg.slices.padding import padding_of
from myoseg.training.cascade.appearance import degrade
from myoseg.training.cascade.examples import Example, misdrawn_guides
from myoseg.training.cascade.framing import drawn_scale, drawn_stretch, drawn_turn
from myoseg.training.cascade.settings import SimulationSettings, StageSettings

Plane = Float32[np.ndarray, "row col"]
Matrix = Float32[np.ndarray, "matrix_row matrix_col"]


@dataclass(frozen=True, eq=False)
class _PlacedSlice:
    """A slice, and where the heart lies in its case.

    `centre_px` is (row, col) of the middle of both ventricles or of the left one; `diameter_px` of
    a disc of the epicardium's largest area.
    """

    case: Case
    index: int
    centre_px: tuple[float, float]
    diameter_px: float


class LabelledExamples(Dataset[Example]):
    """Example k: a slice chosen and augmented by the seed and k alone."""

    def __init__(
        self,
        cases: SequenceOf[Case],
        stage: Stage,
        settings: StageSettings,
        simulation: SimulationSettings,
        seed: int,
    ) -> None:
        """Gathers the slices that the stage can learn from.

        Raises:
            InputError: no case has labels and sequences of use to the stage.
        """
        self.stage, self.settings, self.simulation, self.seed = stage, settings, simulation, seed
        self.slices = [each for case in cases for each in _placed_slices(case, stage)]
        if not self.slices:
            raise InputError(
                f"no case has labels and sequences from which stage {stage.name} could learn: it "
                f"reads {', '.join(stage.sequences)} and finds "
                f"{', '.join(block.name for block in stage.blocks)}."
            )

    def __len__(self) -> int:
        return self.settings.schedule.n_steps * self.settings.schedule.batch_size

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng([self.seed, index])
        placed = self.slices[int(rng.integers(len(self.slices)))]
        present = self._draw_present(rng, placed.case)
        rows, cols = self._draw_coordinates(rng, placed)
        n, case = self.stage.size_px, placed.case
        images = [
            self._image(rng, case.images[sequence][placed.index], rows, cols)
            if sequence in present
            else np.zeros((n, n), dtype=np.float32)
            for sequence in self.stage.sequences
        ]
        masks, decided = _targets(case, placed.index, self.stage, rows, cols)
        assessed = [
            float(known and bool(block.reads(present)))
            for known, block in zip(decided, self.stage.blocks, strict=True)
        ]
        guides = self._guides(rng, placed, rows, cols)
        return (
            torch.from_numpy(np.stack([*images, *guides])),
            torch.from_numpy(masks),
            torch.tensor(assessed, dtype=torch.float32),
        )

    def _draw_present(self, rng: np.random.Generator, case: Case) -> tuple[Sequence, ...]:
        """The case's sequences; for a stage without guides, one of them."""
        there = tuple(s for s in self.stage.sequences if s in case.sequences)
        return there if self.stage.guides else (there[int(rng.integers(len(there)))],)

    def _draw_coordinates(
        self, rng: np.random.Generator, placed: _PlacedSlice
    ) -> tuple[Plane, Plane]:
        """Row and column of the matrix that each pixel of the square shows."""
        n, ranges = self.stage.size_px, self.settings.slices
        unframed = rng.random() < ranges.unframed_share
        step = placed.diameter_px / (self.stage.heart_share * n) * drawn_scale(rng, unframed)
        matrix = drawn_turn(rng, ranges.turn_deg) * step * drawn_stretch(rng, unframed)
        wander_px = n * step * (0.16 if unframed else 0.05)
        row, col = np.array(placed.centre_px) + rng.normal(0, wander_px, 2)
        grid = np.arange(n, dtype=np.float32) - (n - 1) / 2
        bend = cv2.resize(
            rng.normal(0, 0.018 * n * step, (5, 5, 2)).astype(np.float32),
            (n, n),
            interpolation=cv2.INTER_CUBIC,
        )
        cols = matrix[0, 0] * grid[None, :] + matrix[0, 1] * grid[:, None] + col + bend[..., 0]
        rows = matrix[1, 0] * grid[None, :] + matrix[1, 1] * grid[:, None] + row + bend[..., 1]
        return rows.astype(np.float32), cols.astype(np.float32)

    def _image(self, rng: np.random.Generator, plane: Matrix, rows: Plane, cols: Plane) -> Plane:
        padding = padding_of(plane[None])[0].astype(np.float32)
        step = float(np.hypot(*np.gradient(cols)).mean())
        if step > 1:
            plane = cv2.GaussianBlur(plane, (0, 0), 0.4 * step)
            padding = cv2.GaussianBlur(padding, (0, 0), 0.4 * step)
        cut = cv2.remap(plane, cols, rows, cv2.INTER_LINEAR, None, cv2.BORDER_CONSTANT, OUTSIDE)
        if padding.any():
            cut[cv2.remap(padding, cols, rows, cv2.INTER_LINEAR) > 0.01] = OUTSIDE
        return degrade(rng, presented(cut), self.simulation.appearance)

    def _guides(
        self, rng: np.random.Generator, placed: _PlacedSlice, rows: Plane, cols: Plane
    ) -> list[Plane]:
        labels = placed.case.labels
        if not self.stage.guides or labels is None:
            return []
        targets = {block.name: block.target for block in CASCADE.blocks}
        shares = {
            name: _warped(labels, placed.index, targets[name], rows, cols)
            for name in self.stage.guides
        }
        scar = _warped(labels, placed.index, frozenset({Tissue.SCAR}), rows, cols)
        return misdrawn_guides(rng, shares, scar, self.simulation.guides)


def _placed_slices(case: Case, stage: Stage) -> list[_PlacedSlice]:
    labels = case.labels
    epicardium = REGIONS["epicardium"]
    useful = labels is not None and labels.assesses(epicardium) and stage.reads(case.sequences)
    if labels is None or not useful:
        return []
    if not any(is_union(block.target, labels.groups) for block in stage.blocks):
        return []
    mask = labels.mask(epicardium)
    areas = mask.sum(axis=(1, 2))
    if not areas.any():
        return []
    heart = mask if stage.guides else np.isin(labels.codes, [int(t) for t in Tissue])
    rows, cols = np.nonzero(heart.any(axis=0))
    centre = (float(rows.min() + rows.max()) / 2, float(cols.min() + cols.max()) / 2)
    diameter_px = float(2 * np.sqrt(np.quantile(areas[areas > 0], 0.85) / np.pi))
    wanted = range(case.n_slices) if not stage.guides else np.flatnonzero(areas)
    return [_PlacedSlice(case, int(index), centre, diameter_px) for index in wanted]


def _targets(
    case: Case, index: int, stage: Stage, rows: Plane, cols: Plane
) -> tuple[Bool[np.ndarray, "block row col"], list[bool]]:
    """Each block's mask in the square, and whether the labels decide it."""
    labels = case.labels
    assert labels is not None
    decided = [is_union(block.target, labels.groups) for block in stage.blocks]
    masks = [_warped(labels, index, block.target, rows, cols) > 0.5 for block in stage.blocks]
    return np.stack(masks), decided


def _warped(
    labels: LabelMap, index: int, target: frozenset[Tissue], rows: Plane, cols: Plane
) -> Plane:
    mask = np.isin(labels.codes[index], [int(tissue) for tissue in target]).astype(np.float32)
    return np.asarray(cv2.remap(mask, cols, rows, cv2.INTER_LINEAR), dtype=np.float32)
