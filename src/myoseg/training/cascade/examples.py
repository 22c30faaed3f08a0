"""Simulated slices as tensors: what a stage's network is trained on, sample by sample."""

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch import Tensor
from torch.utils.data import Dataset

from myoseg.anatomy import Sequence, Tissue
from myoseg.block_tables import CASCADE
from myoseg.networks.stage import Stage
from myoseg.training.cascade.appearance import smooth_noise
from myoseg.training.cascade.settings import GuideRanges, SimulationSettings, StageSettings
from myoseg.training.cascade.simulated_slices import (
    RenderedPlane,
    draw_image,
    draw_plane,
    draw_scene,
    regions_of,
)

Example = tuple[
    Float32[Tensor, "input row col"], Bool[Tensor, "block row col"], Float32[Tensor, "block"]
]
"""A network's input, each block's mask, and 1 for the blocks that the labels decide, else 0."""

Plane = Float32[np.ndarray, "row col"]


class SimulatedExamples(Dataset[Example]):
    """Sample k of a stage, from the seed and k alone."""

    def __init__(
        self,
        stage: Stage,
        settings: StageSettings,
        simulation: SimulationSettings,
        seed: int,
    ) -> None:
        """The samples of a stage, as many as its schedule asks for.

        Args:
            stage: whose network is trained.
            settings: where slices are cut, and which sequences are there.
            simulation: how slices are drawn.
            seed: of all draws.
        """
        self.stage, self.settings, self.simulation, self.seed = stage, settings, simulation, seed
        self.shares = np.array([settings.sequence_shares.get(s, 0.0) for s in stage.sequences])

    def __len__(self) -> int:
        return self.settings.schedule.n_steps * self.settings.schedule.batch_size

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng([self.seed, index])
        phantom = draw_scene(rng, self.settings.slices)
        plane = draw_plane(rng, phantom.scene, self.stage, self.settings.slices)
        present = self._draw_present(rng)
        n = self.stage.size_px
        images = [
            draw_image(rng, plane, phantom, sequence, self.simulation)
            if sequence in present
            else np.zeros((n, n), dtype=np.float32)
            for sequence in self.stage.sequences
        ]
        masks = regions_of(plane, self.stage.blocks)
        guides = draw_guides(rng, plane, self.stage, self.simulation.guides)
        assessed = [float(bool(block.reads(present))) for block in self.stage.blocks]
        return (
            torch.from_numpy(np.stack([*images, *guides])),
            torch.from_numpy(masks),
            torch.tensor(assessed, dtype=torch.float32),
        )

    def _draw_present(self, rng: np.random.Generator) -> tuple[Sequence, ...]:
        sequences, shares = self.stage.sequences, self.shares
        if not self.stage.guides:
            return (sequences[int(rng.choice(len(sequences), p=shares / shares.sum()))],)
        present: tuple[Sequence, ...] = ()
        while not present:
            there = rng.random(len(sequences)) < shares
            present = tuple(s for s, is_there in zip(sequences, there, strict=True) if is_there)
        return present


def draw_guides(
    rng: np.random.Generator, plane: RenderedPlane, stage: Stage, ranges: GuideRanges
) -> list[Plane]:
    """The guiding blocks' probabilities, as if they had been found; none if there are none."""
    if not stage.guides:
        return []
    targets = {block.name: block.target for block in CASCADE.blocks}
    shares = {name: plane.share(targets[name]) for name in stage.guides}
    return misdrawn_guides(rng, shares, plane.share(frozenset({Tissue.SCAR})), ranges)


def misdrawn_guides(
    rng: np.random.Generator, shares: Mapping[str, Plane], scar: Plane, ranges: GuideRanges
) -> list[Plane]:
    """True masks with errors of position, size and shape, now and then with scar taken for blood.

    Args:
        rng: of all draws.
        shares: what part of each pixel each guide takes, by name.
        scar: the same of scar.
        ranges: of the errors.
    """
    strength = float(rng.uniform(0, 1))
    shift_px = rng.normal(0, ranges.shift_px * strength, 2)
    bite = _draw_bite(rng, scar) if rng.random() < ranges.bitten_probability else None
    pools = {block.name for block in CASCADE.blocks if block.target == {Tissue.LV_BLOOD_POOL}}
    return [
        _misdrawn(
            rng,
            share if bite is None or name not in pools else np.maximum(share, bite),
            strength,
            shift_px,
            ranges,
        )
        for name, share in shares.items()
    ]


def _draw_bite(rng: np.random.Generator, scar: Plane) -> Plane:
    """A part of the scar, as where it is taken for the blood beside it."""
    part = smooth_noise(rng, len(scar), 10) > rng.normal(0, 0.7)
    return np.asarray(scar * part, dtype=np.float32)


def _misdrawn(
    rng: np.random.Generator,
    share: Plane,
    strength: float,
    shift_px: np.ndarray,
    ranges: GuideRanges,
) -> Plane:
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
