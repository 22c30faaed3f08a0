"""What a block and a table of blocks are: the paper's linear encoder and decoder (2.3, 2.6).

A block names the sequences it reads, the tissues whose union it targets, the networks that vote
on it and the clean-up of its mask. Stacked, the targets form a 0/1 block-by-tissue matrix. The
encoder is that matrix; the decoder, equation 1, is its inverse. The tables themselves are in
`block_tables`; nothing in the program knows a block by its name.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue, Tissues
from myoseg.errors import ConfigurationError


class Architecture(StrEnum):
    """A network of the paper's section 2.4."""

    UNET = "unet"
    MASK_RCNN = "mask_rcnn"
    UNET_PLUS_PLUS = "unet_plus_plus"


@dataclass(frozen=True)
class Block:
    """One binary segmentation problem: inputs, target, voters and clean-up.

    Attributes:
        name: of the block, and of its folder.
        inputs: the sequences that it reads.
        target: the tissues whose union it finds.
        networks: that vote on it.
        keep_largest: whether only the largest component of a slice stays.
        fill_holes: whether holes in a slice are filled.
        substitutes: sequences of which the first that is there is read where `inputs` are not.
        optional: sequences that are read besides where they are there.
        guides: earlier blocks of the table whose probabilities are read besides.
    """

    name: str
    inputs: tuple[Sequence, ...]
    target: Tissues
    networks: tuple[Architecture, ...] = (Architecture.UNET,)
    keep_largest: bool = False
    fill_holes: bool = True
    substitutes: tuple[Sequence, ...] = ()
    optional: tuple[Sequence, ...] = ()
    guides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a block that cannot be trained, or that no folder can be named after.

        Raises:
            ConfigurationError: the name is more than letters, digits, `_`, `+` and `-`; there is no
                input, target or network, or one is named twice; a switch is not a bool.
        """
        if not re.fullmatch(r"[\w+-]+", self.name, flags=re.ASCII):
            raise ConfigurationError(
                f"block name {self.name!r} cannot name a folder; use letters, digits, _, + and -."
            )
        for field in ("inputs", "target", "networks"):
            members = getattr(self, field)
            if not members or len(set(members)) < len(members):
                raise ConfigurationError(
                    f"block {self.name}: {field} must name at least one, and none twice."
                )
        for switch in ("keep_largest", "fill_holes"):
            if not isinstance(getattr(self, switch), bool):
                raise ConfigurationError(f"block {self.name}: {switch} must be true or false.")
        read = (*self.inputs, *self.substitutes, *self.optional)
        if len(set(read)) < len(read) or len(set(self.guides)) < len(self.guides):
            raise ConfigurationError(
                f"block {self.name}: inputs, substitutes, optional and guides must name nothing "
                "twice."
            )

    @property
    def is_of_the_paper(self) -> bool:
        """Whether it reads its inputs and nothing else, as the blocks of section 2.3 do."""
        return not (self.substitutes or self.optional or self.guides)

    def reads(self, sequences: Collection[Sequence]) -> tuple[Sequence, ...]:
        """Which of `sequences` the block reads; none where they do not suffice.

        >>> Block("ring", (Sequence.BSSFP,), MYOCARDIUM, substitutes=(Sequence.LGE,)).reads(
        ...     [Sequence.LGE, Sequence.T2]
        ... )
        (<Sequence.LGE: 'lge'>,)
        """
        if set(self.inputs) <= set(sequences):
            return (*self.inputs, *(s for s in self.optional if s in sequences))
        return tuple(s for s in self.substitutes if s in sequences)[:1]

    def to_record(self) -> dict[str, Any]:
        """The block as JSON values, tissues by name."""
        return {
            "name": self.name,
            "inputs": [str(sequence) for sequence in self.inputs],
            "target": [tissue.name.lower() for tissue in sorted(self.target)],
            "networks": [str(network) for network in self.networks],
            "keep_largest": self.keep_largest,
            "fill_holes": self.fill_holes,
        } | {
            field: [str(name) for name in getattr(self, field)]
            for field in ("substitutes", "optional", "guides")
            if getattr(self, field)
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Block":
        """The inverse of `to_record`.

        Raises:
            ConfigurationError: a field is missing, unknown or names no sequence, tissue or network.
        """
        try:
            return cls(
                **record
                | {
                    "inputs": tuple(Sequence(name) for name in record["inputs"]),
                    "target": frozenset(Tissue[name.upper()] for name in record["target"]),
                    "networks": tuple(
                        Architecture(name) for name in record.get("networks", [Architecture.UNET])
                    ),
                    "substitutes": tuple(Sequence(n) for n in record.get("substitutes", ())),
                    "optional": tuple(Sequence(n) for n in record.get("optional", ())),
                    "guides": tuple(record.get("guides", ())),
                }
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(
                f"block {record!r} cannot be read: {error}. A block has name, inputs "
                f"({', '.join(Sequence)}), target ({', '.join(t.name.lower() for t in Tissue)}), "
                f"networks ({', '.join(Architecture)}), keep_largest and fill_holes."
            ) from error


@dataclass(frozen=True, eq=False)
class LinearDecoder:
    """Equation 1: each group's mask as a difference of block masks, cut at 0.5.

    `groups` are the smallest unions of tissues that the blocks can tell apart: single tissues where
    every block is there, larger unions where a sequence is missing. Row g of `weights` gives group
    g from the blocks; where row g of `confinement` is not zero, the result is multiplied by the
    mask of the myocardium that this row gives.
    """

    groups: tuple[Tissues, ...]
    weights: Float[np.ndarray, "group block"]
    confinement: Float[np.ndarray, "group block"]


@dataclass(frozen=True)
class BlockTable:
    """The blocks of a method, and the tissues confined to the myocardium when decoded."""

    name: str
    blocks: tuple[Block, ...]
    confined: Tissues = frozenset()

    def __post_init__(self) -> None:
        """Refuses blocks that cannot be told apart.

        Raises:
            ConfigurationError: two blocks have one name, or a guide is no earlier block.
        """
        names = [block.name.lower() for block in self.blocks]
        if len(set(names)) < len(names):
            raise ConfigurationError(
                f"block table {self.name!r} names two blocks alike; rename one of "
                f"{', '.join(names)}."
            )
        for place, block in enumerate(self.blocks):
            unknown = set(block.guides) - {earlier.name for earlier in self.blocks[:place]}
            if unknown:
                raise ConfigurationError(
                    f"block table {self.name!r}: block {block.name} is guided by "
                    f"{', '.join(sorted(unknown))}, which is no earlier block of it."
                )

    def restricted_to(self, sequences: Collection[Sequence]) -> "BlockTable":
        """The table without the blocks that cannot be read from `sequences`."""
        readable: list[Block] = []
        for block in self.blocks:
            if block.reads(sequences) and set(block.guides) <= {b.name for b in readable}:
                readable.append(block)
        return replace(self, blocks=tuple(readable))

    def targeting(self, groups: Collection[Tissues]) -> "BlockTable":
        """The table without the blocks whose target is no union of the labelled `groups`."""
        kept = tuple(b for b in self.blocks if is_union(b.target, groups))
        return replace(self, blocks=kept)

    @cached_property
    def matrix(self) -> Float[np.ndarray, "block tissue"]:
        """The 0/1 matrix of the linear encoder, tissues in the order of `Tissue`."""
        rows = [indicator(block.target) for block in self.blocks]
        return np.array(rows, dtype=float).reshape(len(rows), len(Tissue))

    @cached_property
    def decoder(self) -> LinearDecoder:
        """The inverse of the matrix, as far as the blocks determine it.

        A union of tissues can be decoded where its indicator lies in the matrix's row space.

        Raises:
            ConfigurationError: the unions that can be decoded overlap, so that no label map
                follows from the blocks.
        """
        decodable: dict[Tissues, Float[np.ndarray, "block"]] = {}
        for size in range(1, len(Tissue) + 1):
            for members in combinations(Tissue, size):
                group = frozenset(members)
                holds_smaller = any(found <= group for found in decodable)
                weights = None if holds_smaller else self._weights_of(group)
                if weights is not None:
                    decodable[group] = weights
        if sum(len(group) for group in decodable) > len(frozenset().union(*decodable)):
            raise ConfigurationError(
                f"block table {self.name!r} cannot be decoded: its targets overlap without "
                "determining their common part. Add a block that targets it."
            )
        myocardium = self._weights_of(MYOCARDIUM)
        free = np.zeros(len(self.blocks))
        confinement = [
            myocardium if group <= self.confined and myocardium is not None else free
            for group in decodable
        ]
        shape = (len(decodable), len(self.blocks))
        return LinearDecoder(
            groups=tuple(decodable),
            weights=np.array(list(decodable.values())).reshape(shape),
            confinement=np.array(confinement).reshape(shape),
        )

    def _weights_of(self, group: Tissues) -> Float[np.ndarray, "block"] | None:
        """Coefficients that give the group's indicator from the block targets, if there are any."""
        if not self.blocks:
            return None
        wanted = indicator(group)
        weights, *_ = np.linalg.lstsq(self.matrix.T, wanted, rcond=None)
        if not np.allclose(self.matrix.T @ weights, wanted, atol=1e-9):
            return None
        return np.asarray(np.round(weights, 9) + 0.0)

    def to_record(self) -> dict[str, Any]:
        """The table as JSON values."""
        return {
            "name": self.name,
            "blocks": [block.to_record() for block in self.blocks],
            "confined": [tissue.name.lower() for tissue in sorted(self.confined)],
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "BlockTable":
        """The inverse of `to_record`.

        Raises:
            ConfigurationError: a field is missing or unreadable.
        """
        try:
            return cls(
                name=record["name"],
                blocks=tuple(Block.from_record(block) for block in record["blocks"]),
                confined=frozenset(Tissue[name.upper()] for name in record.get("confined", ())),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"block table cannot be read: {error!r}; it has name, blocks and confined."
            ) from error


def indicator(group: Tissues) -> Float[np.ndarray, "tissue"]:
    """1 where the tissue belongs to the group, in the order of `Tissue`.

    >>> indicator(MYOCARDIUM)
    array([1., 0., 0., 1., 1.])
    """
    return np.array([float(tissue in group) for tissue in Tissue])


def is_union(region: Tissues, groups: Collection[Tissues]) -> bool:
    """Whether `region` is a union of some of the disjoint `groups`, so that it can be measured.

    >>> is_union(MYOCARDIUM, [frozenset({Tissue.SCAR}), MYOCARDIUM - {Tissue.SCAR}])
    True
    >>> is_union(frozenset({Tissue.EDEMA}), [MYOCARDIUM])
    False
    """
    inside = [group for group in groups if group <= region]
    return frozenset().union(*inside) == region
