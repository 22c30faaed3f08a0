"""A slice and a block in, the block's input channels and target mask out (paper, section 2.3)."""

import numpy as np
from jaxtyping import Bool, Float32

from myoseg.blocks import Block, is_union
from myoseg.errors import InputError
from myoseg.slices.extract import LabelledSlice


def encode_images(sample: LabelledSlice, block: Block) -> Float32[np.ndarray, "input row col"]:
    """The block's sequences, one channel each, in the block's order.

    Raises:
        InputError: the slice lacks a sequence that the block reads.
    """
    missing = [str(s) for s in block.inputs if s not in sample.sequences]
    if missing:
        raise InputError(
            f"case {sample.origin.case} has no {', '.join(missing)}, which block {block.name} "
            "reads; give that sequence or leave the block out "
            "(BlockTable.restricted_to)."
        )
    return sample.images[[sample.sequences.index(sequence) for sequence in block.inputs]]


def encode_mask(sample: LabelledSlice, block: Block) -> Bool[np.ndarray, "1 row col"]:
    """Pixels of the block's target: the union of its tissues.

    Raises:
        InputError: the slice has no labels, or labels that do not tell the target from the rest.
    """
    if sample.labels is None or not is_union(block.target, sample.groups):
        target = " + ".join(tissue.name.lower() for tissue in sorted(block.target))
        raise InputError(
            f"case {sample.origin.case} has no labels of {target}, the target of block "
            f"{block.name}; leave the block out (BlockTable.targeting) or use other labels."
        )
    return np.isin(sample.labels, [int(tissue) for tissue in block.target])[np.newaxis]
