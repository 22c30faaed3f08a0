"""Cases with a bright disc, small enough to train on in a test."""

from collections.abc import Callable

import numpy as np
import pytest

from myoseg.anatomy import EACH_TISSUE, Sequence, Tissue, Tissues
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.training.recipe import Recipe, load_recipe

SIZE = 64


@pytest.fixture
def disc_case() -> Callable[..., Case]:
    """Makes a case of which each slice holds a disc of blood, with scar on one side."""

    def make(
        number: int,
        sequences: tuple[Sequence, ...] = (Sequence.BSSFP,),
        groups: tuple[Tissues, ...] | None = EACH_TISSUE,
        empty: bool = False,
    ) -> Case:
        rng = np.random.default_rng(number)
        rows, cols = np.mgrid[:SIZE, :SIZE]
        centres = rng.uniform(0.35 * SIZE, 0.65 * SIZE, (2, 2))
        distance = np.stack([np.hypot(rows - row, cols - col) for row, col in centres])
        disc = (distance < SIZE / 6) & (not empty)
        ring = (distance < SIZE / 4) & ~disc & (not empty)
        codes = np.where(disc, Tissue.LV_BLOOD_POOL, 0)
        codes = np.where(ring, Tissue.SCAR, codes).astype(np.int16)
        image = (disc + rng.normal(0, 0.2, disc.shape)).astype(np.float32)
        return Case(
            f"case{number}",
            dict.fromkeys(sequences, image),
            Geometry((2, SIZE, SIZE), np.eye(4)),
            None if groups is None else LabelMap(codes, groups),
        )

    return make


@pytest.fixture
def tiny_recipe() -> Callable[..., Recipe]:
    """Makes a recipe of one block and a small U-Net, with further settings."""

    def make(*overrides: str, preset: str = "physiological") -> Recipe:
        block = "{name: disc, inputs: [bssfp], target: [lv_blood_pool]}"
        return load_recipe(
            preset,
            [
                f"table={{name: tiny, blocks: [{block}]}}",
                f"preprocessing.size_px={SIZE}",
                "augmentation.n_warps=2",
                "networks.unet.epochs=2",
                "networks.unet.batch_size=4",
                "networks.unet.options.channels=[4, 8]",
                *overrides,
            ],
        )

    return make
