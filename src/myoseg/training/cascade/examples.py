"""Simulated slices as tensors: what a stage's network is trained on, sample by sample."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch import Tensor
from torch.utils.data import Dataset

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.blocks import CASCADE, Block
from myoseg.networks.stage import Stage
from myoseg.training.cascade.appearance import AppearanceRanges, smooth_noise
from myoseg.training.cascade.contrast import ContrastRanges
from myoseg.training.cascade.simulated_slices import (
    RenderedPlane,
    SliceRanges,
    draw_image,
    draw_plane,
    draw_scene,
    regions_of,
)

Example = tuple[
    Float32[Tensor, "input row col"], Bool[Tensor, "block row col"], Float32[Tensor, "block"]
]
"""A network's input, each block's mask, and 1 for the blocks that the labels decide, else 0."""

Planes = Float32[np.ndarray, "plane row col"]


@dataclass(frozen=True)
class GuideRanges:
    """Errors of the anatomy that guides a later stage, as found masks have them.

    Attributes:
        bend_px: largest displacement of a contour, in pixels.
        shift_px: standard deviation of a guide's displacement as a whole.
        level: the cut of the softened mask varies by this about a half.
        bitten_probability: of scar taken for blood.
    """

    bend_px: float = 1.8
    shift_px: float = 0.8
    level: float = 0.3
    bitten_probability: float = 0.25


class SimulatedExamples(Dataset[Example]):
    """Sample k of a stage, from the seed and k alone."""

    def __init__(
        self,
        stage: Stage,
        seed: int,
        n_samples: int,
        slices: SliceRanges,
        *,
        contrast: ContrastRanges | None = None,
        appearance: AppearanceRanges | None = None,
        guides: GuideRanges | None = None,
        sequence_shares: tuple[float, ...] = (),
    ) -> None:
        """The samples of a stage.

        Args:
            stage: whose network is trained.
            seed: of all draws.
            n_samples: how many there are.
            slices: where slices are cut.
            contrast: of the signals.
            appearance: of the images.
            guides: errors of the guides, if the stage has any.
            sequence_shares: for a stage without guides, how often each of its sequences is the one
                that is there; for a stage with guides, how often each is there at all.
        """
        self.stage, self.seed, self.n_samples, self.slices = stage, seed, n_samples, slices
        self.contrast = contrast or ContrastRanges()
        self.appearance = appearance or AppearanceRanges()
        self.guides = guides or GuideRanges()
        self.sequence_shares = sequence_shares or (1.0,) * len(stage.sequences)

    def __len__(self) -> int:
        return self.n_samples

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng([self.seed, index])
        phantom = draw_scene(rng, self.slices)
        plane = draw_plane(rng, phantom.scene, self.slices)
        present = self._draw_present(rng)
        n = self.stage.size_px
        images = [
            draw_image(rng, plane, phantom, sequence, self.contrast, self.appearance)
            if sequence in present
            else np.zeros((n, n), dtype=np.float32)
            for sequence in self.stage.sequences
        ]
        masks = regions_of(plane, self.stage.blocks)
        guides = _draw_guides(rng, plane, self.stage, self.guides) if self.stage.guides else []
        assessed = [float(bool(block.reads(present))) for block in self.stage.blocks]
        return (
            torch.from_numpy(np.stack([*images, *guides])),
            torch.from_numpy(masks),
            torch.tensor(assessed, dtype=torch.float32),
        )

    def _draw_present(self, rng: np.random.Generator) -> tuple[Sequence, ...]:
        sequences, shares = self.stage.sequences, np.array(self.sequence_shares)
        if not self.stage.guides:
            return (sequences[int(rng.choice(len(sequences), p=shares / shares.sum()))],)
        present: tuple[Sequence, ...] = ()
        while not present:
            there = rng.random(len(sequences)) < shares
            present = tuple(s for s, is_there in zip(sequences, there, strict=True) if is_there)
        return present


def _draw_guides(
    rng: np.random.Generator, plane: RenderedPlane, stage: Stage, ranges: GuideRanges
) -> list[Float32[np.ndarray, "row col"]]:
    """The guiding blocks' probabilities with errors of position, size and shape."""
    by_name = {block.name: block for block in CASCADE.blocks}
    strength = float(rng.uniform(0, 1))
    shift_px = rng.normal(0, ranges.shift_px * strength, 2)
    bite = _draw_bite(rng, plane) if rng.random() < ranges.bitten_probability else None
    return [
        _misdrawn(rng, _guide_share(plane, by_name[name], bite), strength, shift_px, ranges)
        for name in stage.guides
    ]


def _guide_share(
    plane: RenderedPlane, block: Block, bite: Float32[np.ndarray, "row col"] | None
) -> Float32[np.ndarray, "row col"]:
    share = plane.share(block.target)
    is_pool = block.target == frozenset({Tissue.LV_BLOOD_POOL})
    return share if bite is None or not is_pool else np.maximum(share, bite)


def _draw_bite(rng: np.random.Generator, plane: RenderedPlane) -> Float32[np.ndarray, "row col"]:
    """A part of the scar, as where it is taken for the blood beside it."""
    scar = plane.share(frozenset({Tissue.SCAR}))
    part = smooth_noise(rng, len(scar), 10) > rng.normal(0, 0.7)
    return np.asarray(scar * part, dtype=np.float32)


def _misdrawn(
    rng: np.random.Generator,
    share: Float32[np.ndarray, "row col"],
    strength: float,
    shift_px: np.ndarray,
    ranges: GuideRanges,
) -> Float32[np.ndarray, "row col"]:
    n = len(share)
    bend = strength * ranges.bend_px
    grid = np.arange(n, dtype=np.float32)
    cols = grid[None, :] + shift_px[0] + bend * 0.6 * smooth_noise(rng, n, 9)
    rows = grid[:, None] + shift_px[1] + bend * 0.6 * smooth_noise(rng, n, 9)
    moved = cv2.remap(share, cols.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR)
    softness_px = float(rng.uniform(0.4, 1.4))
    soft = cv2.GaussianBlur(moved, (0, 0), softness_px)
    level = 0.5 + strength * rng.uniform(-ranges.level, ranges.level)
    sharpness = float(rng.uniform(8, 40))
    return np.asarray(1 / (1 + np.exp(-sharpness * (soft - level))), dtype=np.float32)


def holds_disease(stage: Stage) -> bool:
    """Whether all targets of the stage lie inside the wall."""
    return all(block.target <= MYOCARDIUM for block in stage.blocks)
