"""Post-processed block masks in, one label map out (paper, section 2.6, equation 1)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int16

from myoseg.anatomy import BACKGROUND, PAINT_ORDER, Tissues, representative
from myoseg.blocks import LinearDecoder
from myoseg.prediction.ensemble import cut

BlockMasks = Bool[np.ndarray, "block row col"]
GroupMasks = Bool[np.ndarray, "group row col"]

_MOST_BLOCKS_LOOKED_UP: Final = 12
"""Beyond, there are more codes than a table is worth."""


def decode_labels(masks: BlockMasks, decoder: LinearDecoder) -> Int16[np.ndarray, "row col"]:
    """The label map of one slice: equation 1, then the paint order.

    Both depend on a pixel's blocks alone, so they are worked out for each code that these can form,
    and every pixel looks its own up.

    Raises:
        ValueError: another number of masks than the decoder has blocks.
    """
    n_blocks = len(masks)
    if n_blocks > _MOST_BLOCKS_LOOKED_UP:
        return paint(decode_masks(masks, decoder), decoder.groups)
    codes = (np.arange(2**n_blocks) >> np.arange(n_blocks)[:, np.newaxis]) & 1
    of_code = paint(decode_masks(codes[:, np.newaxis] > 0, decoder), decoder.groups)[0]
    code = np.zeros(masks.shape[1:], dtype=np.uint16)
    for k, mask in enumerate(masks):
        code |= mask.astype(np.uint16) << np.uint16(k)
    return np.asarray(of_code[code])


def decode_masks(masks: BlockMasks, decoder: LinearDecoder) -> GroupMasks:
    """Equation 1: s(weights P) * s(confinement P), the second factor where a group has one.

    The masks may overlap where blocks contradict each other: 13 of the 32 binary codes of the
    paper's five blocks claim more than one tissue.

    Raises:
        ValueError: another number of masks than the decoder has blocks.
    """
    n_blocks = decoder.weights.shape[1]
    if len(masks) != n_blocks:
        raise ValueError(f"the decoder has {n_blocks} blocks but {len(masks)} masks were given")
    stack = masks.astype(np.float32)
    claimed = cut(_combine(decoder.weights, stack))
    confined = decoder.confinement.any(axis=1)
    claimed[confined] &= cut(_combine(decoder.confinement[confined], stack))
    return claimed


def _combine(
    coefficients: Float[np.ndarray, "group block"], stack: Float32[np.ndarray, "block row col"]
) -> Float32[np.ndarray, "group row col"]:
    """Each group's linear combination of the block masks."""
    return np.tensordot(coefficients.astype(np.float32), stack, axes=1)


def paint(masks: GroupMasks, groups: Sequence[Tissues]) -> Int16[np.ndarray, "row col"]:
    """One code a pixel: where groups overlap, the later in `anatomy.PAINT_ORDER` shows.

    A group of several tissues is painted, at the place and in the code, as its mildest tissue.
    """
    labels = np.full(masks.shape[1:], BACKGROUND, dtype=np.int16)
    code_and_mask = zip(map(representative, groups), masks, strict=True)
    for code, mask in sorted(code_and_mask, key=lambda pair: PAINT_ORDER.index(pair[0])):
        labels[mask] = code
    return labels
