"""The paper's Figure 1 in the testing mode: a case goes in, its segmentation comes out."""

import logging

import numpy as np
from jaxtyping import Bool, Float32

from myoseg.blocks import Block, BlockTable
from myoseg.cases.case import Case, LabelMap, Segmentation
from myoseg.cases.legend import titles_of
from myoseg.errors import InputError
from myoseg.prediction.decoder import decode_labels
from myoseg.prediction.ensemble import cut
from myoseg.prediction.model import Model
from myoseg.prediction.postprocessing import postprocess
from myoseg.prediction.probabilities import BlockProbabilities
from myoseg.prediction.quality import assess

log = logging.getLogger(__name__)


def segment(case: Case, model: Model) -> Segmentation:
    """Segments a case slice by slice, as far as its sequences allow, on its own grid.

    Blocks of which a sequence is missing are left out; what they would have told apart stays one
    group in the result's `LabelMap`, or is not assessed.

    Raises:
        InputError: the case has the sequences of no block.
    """
    table = model.table.restricted_to(case.sequences)
    if not table.blocks:
        wanted = sorted(
            {" + ".join(b.inputs) for b in model.table.blocks if not b.guides}
            | {str(s) for b in model.table.blocks for s in b.substitutes}
        )
        raise InputError(
            f"{case.name} has {' + '.join(case.sequences) or 'no sequence'}, but the model's "
            f"blocks need {', or '.join(wanted)}; add a sequence or use another model."
        )
    found = model.block_probabilities(case, table)
    labels = labels_of(found, table)
    if labels.not_assessed:
        log.warning("%s: not assessed: %s", case.name, titles_of(labels.not_assessed))
    quality = assess(labels, case.geometry, found)
    if quality.flags:
        log.warning("%s: look at this case: %s", case.name, quality.warning)
    return Segmentation(case.name, labels, case.geometry, found.mean, quality)


def labels_of(found: BlockProbabilities, table: BlockTable) -> LabelMap:
    """The tissues that a case's blocks show together: cut, cleaned up and decoded."""
    masks = np.stack([_masks_of(b, found) for b in table.blocks], axis=1)
    codes = np.stack([decode_labels(of_slice, table.decoder) for of_slice in masks])
    return LabelMap(codes, table.decoder.groups)


def _masks_of(block: Block, found: BlockProbabilities) -> Bool[np.ndarray, "slice row col"]:
    """What was found of the block, cleaned up; what was drawn by hand stays as it is."""
    probability = found.mean[block.name]
    return cut(probability) if block.name in found.given else clean_masks(probability, block)


def clean_masks(
    probability: Float32[np.ndarray, "slice row col"], block: Block
) -> Bool[np.ndarray, "slice row col"]:
    """One block's masks: its average cut at 0.5, then post-processed."""
    return np.stack([postprocess(mask, block) for mask in cut(probability)])
