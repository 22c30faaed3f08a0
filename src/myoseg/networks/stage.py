"""A stage of the cascade: several blocks that one U-Net answers together, and how it is fed.

This describes it; `stage_network` makes its network, which takes PyTorch to import.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from myoseg.anatomy import Sequence
from myoseg.blocks import Block, BlockTable
from myoseg.errors import ConfigurationError


@dataclass(frozen=True)
class Stage:
    """Blocks that one network answers together, one output each.

    Its input has a channel for each sequence that a block may read, in the order of `Sequence`,
    then one for each guide. A sequence that is not there is a channel of zeros.

    Attributes:
        name: of the stage and its files.
        blocks: which it answers; they are read and guided alike.
        size_px: pixels along the side of the square that the network sees.
        heart_share: the epicardium's diameter as a part of that side.
        channels: of the U-Net's levels, from full size to the coarsest.
        normalisation: between convolution and activation.

    Raises:
        ConfigurationError: the square does not fit the network, or the heart the square.
    """

    name: str
    blocks: tuple[Block, ...]
    size_px: int
    heart_share: float
    channels: tuple[int, ...]
    normalisation: str = "instance"

    def __post_init__(self) -> None:
        stride = 2 ** (len(self.channels) - 1)
        if self.size_px < 2 * stride or self.size_px % stride:
            raise ConfigurationError(
                f"stage {self.name}: size_px is {self.size_px}; with {len(self.channels)} levels "
                f"it must be a multiple of {stride}, at least {2 * stride}."
            )
        if not 0 < self.heart_share < 1:
            raise ConfigurationError(
                f"stage {self.name}: heart_share is {self.heart_share}; give a part of the side, "
                "between 0 and 1."
            )

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """The sequences that some block of the stage may read."""
        read = {s for b in self.blocks for s in (*b.inputs, *b.substitutes, *b.optional)}
        return tuple(sequence for sequence in Sequence if sequence in read)

    @property
    def guides(self) -> tuple[str, ...]:
        """Blocks of earlier stages whose probabilities are read."""
        return self.blocks[0].guides

    @property
    def n_inputs(self) -> int:
        """Channels of the network's input."""
        return len(self.sequences) + len(self.guides)

    def reads(self, sequences: Collection[Sequence]) -> tuple[Sequence, ...]:
        """Which of a case's sequences enter the network, for any of its blocks."""
        read = {sequence for block in self.blocks for sequence in block.reads(sequences)}
        return tuple(sequence for sequence in Sequence if sequence in read)

    def to_record(self) -> dict[str, Any]:
        """The stage as JSON values, blocks by name."""
        return {
            "name": self.name,
            "blocks": [block.name for block in self.blocks],
            "size_px": self.size_px,
            "heart_share": self.heart_share,
            "channels": list(self.channels),
            "normalisation": self.normalisation,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any], table: BlockTable) -> "Stage":
        """The inverse of `to_record`; the blocks are the table's.

        Raises:
            ConfigurationError: a field is missing or out of range, or a block is not in the table.
        """
        blocks = {block.name: block for block in table.blocks}
        try:
            return cls(
                **record
                | {
                    "blocks": tuple(blocks[name] for name in record["blocks"]),
                    "channels": tuple(record["channels"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ConfigurationError(f"stage {record!r} cannot be read: {error!r}.") from error
