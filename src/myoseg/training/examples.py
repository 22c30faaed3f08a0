"""Samples of a block as tensors, in an order that the seed and the epoch alone decide."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from myoseg.blocks import Block
from myoseg.slices.encoder import encode_images, encode_mask
from myoseg.slices.samples import AugmentedSamples, PlainSamples
from myoseg.training.batches import Batches

BlockSamples = AugmentedSamples | PlainSamples
Example = tuple[Float32[Tensor, "input row col"], Bool[Tensor, "1 row col"]]


class BlockExamples(Dataset[Example]):
    """What a network sees: example (epoch, k) is sample k, encoded for the block.

    With `redraws`, sample k is warped anew in each epoch. Nothing else depends on the epoch, and
    nothing on the process that asks.
    """

    def __init__(self, block: Block, samples: BlockSamples, redraws: bool = False) -> None:
        self.block = block
        self.samples = samples
        self.redraws = redraws

    def __getitem__(self, place: tuple[int, int]) -> Example:
        epoch, index = place
        samples = self.samples
        if self.redraws and isinstance(samples, AugmentedSamples):
            samples = samples.at_epoch(epoch)
        sample = samples[index]
        images = torch.from_numpy(encode_images(sample, self.block))
        return images, torch.from_numpy(encode_mask(sample, self.block))


class EpochOrder(Sampler[tuple[int, int]]):
    """The order of an epoch: drawn from seed and epoch, so that resuming needs no generator.

    Args:
        indices: samples to draw from.
        n_drawn: samples an epoch and process; None for one pass, more than one go round again.
        seed: None keeps the order of `indices`.
        epoch: with which to start.
        rank: of this process among the `world_size` that share the samples.
        world_size: number of processes; each gets equally many, some twice if need be.
    """

    def __init__(
        self,
        indices: tuple[int, ...],
        n_drawn: int | None = None,
        seed: int | None = None,
        epoch: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.indices = np.array(indices)
        self.length = -(-len(indices) // world_size) if n_drawn is None else n_drawn
        self.seed = seed
        self.epoch = epoch
        self.rank = rank
        self.world_size = world_size

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        n_total = self.length * self.world_size
        n_passes = -(-n_total // len(self.indices))
        order = np.concatenate([self._one_pass(number) for number in range(n_passes)])
        for index in order[self.rank : n_total : self.world_size]:
            yield self.epoch, int(index)

    def _one_pass(self, number: int) -> np.ndarray:
        if self.seed is None:
            return self.indices
        return np.random.default_rng([self.seed, self.epoch, number]).permutation(self.indices)


def load_batches(
    examples: BlockExamples, order: EpochOrder, batch_size: int, n_workers: int
) -> Batches[Example]:
    """Batches in that order."""
    return Batches(
        examples,
        batch_size=batch_size,
        sampler=order,
        num_workers=n_workers,
        persistent_workers=n_workers > 0,
        generator=torch.Generator(),  # else it draws from the global one, to no purpose
    )
