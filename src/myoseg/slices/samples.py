"""Slices and a seed in, training samples drawn on demand out (paper, sections 2.1 and 2.2).

Nothing is stored: sample k is computed from the seed and k alone whenever it is asked for, so it
is the same in any process, in any order and with any number of workers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from myoseg.slices.augmentation import (
    Augmentation,
    DrawnAugmentation,
    adjust_intensity,
    draw_augmentation,
    rotate,
    source_coordinates,
    warp_images,
    warp_labels,
)
from myoseg.slices.extract import LabelledSlice
from myoseg.slices.normalisation import Preprocessing, normalise


class Samples(Protocol):
    """What training reads: a number of slices, each by its index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> LabelledSlice: ...


@dataclass(frozen=True, eq=False)
class PlainSamples:
    """Each slice once, normalised and otherwise as it is."""

    slices: Sequence[LabelledSlice]
    preprocessing: Preprocessing

    def __len__(self) -> int:
        return len(self.slices)

    def __getitem__(self, index: int) -> LabelledSlice:
        return _normalised(self.slices[index], self.preprocessing)

    def __iter__(self) -> Iterator[LabelledSlice]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True, eq=False)
class AugmentedSamples:
    """Each slice warped `n_warps` times, each warped copy followed by its turned copies.

    Sample k is copy k mod n_copies of slice k // n_copies. The order of the paper is kept: the
    slice, already cut to size, is warped, turned, then normalised.

    Attributes:
        slices: the slices, of one square size.
        augmentation: how many copies, and how they differ.
        preprocessing: the normalisation.
        seed: not negative; the only source of randomness.
        epoch: other epochs are other draws; the paper's 20 warps a slice are those of epoch 0.
    """

    slices: Sequence[LabelledSlice]
    augmentation: Augmentation
    preprocessing: Preprocessing
    seed: int
    epoch: int = 0

    def __len__(self) -> int:
        return len(self.slices) * self.augmentation.n_copies

    def __getitem__(self, index: int) -> LabelledSlice:
        slice_index, warp_index, copy = self.place_of(index)
        drawn = self._drawn(slice_index, warp_index)
        turns = drawn.quarter_turns[copy - 1] if copy else 0
        augmented = augment(self.slices[slice_index], drawn, turns, self.augmentation.taper_px)
        normalised = _normalised(augmented, self.preprocessing)
        return replace(normalised, images=adjust_intensity(normalised.images, drawn))

    def __iter__(self) -> Iterator[LabelledSlice]:
        return (self[index] for index in range(len(self)))

    def place_of(self, index: int) -> tuple[int, int, int]:
        """Slice, warp and copy of a sample; copy 0 is not turned.

        Raises:
            IndexError: there is no such sample.
        """
        position = range(len(self))[index]
        slice_and_warp, copy = divmod(position, 1 + self.augmentation.n_rotated)
        slice_index, warp_index = divmod(slice_and_warp, self.augmentation.n_warps)
        return slice_index, warp_index, copy

    def at_epoch(self, epoch: int) -> "AugmentedSamples":
        """The same slices with the draws of another epoch, for recipes that redraw each epoch."""
        return replace(self, epoch=epoch)

    def _drawn(self, slice_index: int, warp_index: int) -> DrawnAugmentation:
        rng = np.random.default_rng([self.seed, slice_index, warp_index, self.epoch])
        return draw_augmentation(rng, self.augmentation)


def augment(
    sample: LabelledSlice, drawn: DrawnAugmentation, quarter_turns: int = 0, taper_px: int = 0
) -> LabelledSlice:
    """The slice warped, then turned; one field for all sequences and the labels."""
    rows, cols = sample.images.shape[1:]
    coordinates = source_coordinates(drawn, (rows, cols), taper_px)
    labels = None if sample.labels is None else warp_labels(sample.labels, coordinates)
    return replace(
        sample,
        images=rotate(warp_images(sample.images, coordinates), quarter_turns),
        labels=None if labels is None else rotate(labels, quarter_turns),
    )


def _normalised(sample: LabelledSlice, preprocessing: Preprocessing) -> LabelledSlice:
    images = normalise(
        sample.images,
        preprocessing.low_percentile,
        preprocessing.high_percentile,
        preprocessing.clip,
    )
    return replace(sample, images=images)
