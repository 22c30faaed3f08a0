"""The paper's Figure 1 in the testing mode: a case goes in, its segmentation comes out."""

import logging

import numpy as np
from jaxtyping import Bool

from myoseg.blocks import Block
from myoseg.cases.case import Case, LabelMap, Segmentation
from myoseg.errors import InputError
from myoseg.prediction.decoder import decode_labels
from myoseg.prediction.ensemble import average, cut
from myoseg.prediction.model import Model
from myoseg.prediction.postprocessing import postprocess
from myoseg.slices.encoder import encode_images
from myoseg.slices.extract import CentreWindow, extract_slices
from myoseg.slices.samples import PlainSamples

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
        wanted = sorted({" + ".join(block.inputs) for block in model.table.blocks})
        raise InputError(
            f"{case.name} has {' + '.join(case.sequences) or 'no sequence'}, but the model's "
            f"blocks need {', or '.join(wanted)}; add a sequence or use another model."
        )
    samples = PlainSamples(extract_slices(case, model.preprocessing.size_px), model.preprocessing)
    block_masks = np.stack([segment_block(block, samples, model) for block in table.blocks], axis=1)
    window = CentreWindow.of(case.geometry.shape[1:], model.preprocessing.size_px)
    codes = [window.paste(decode_labels(masks, table.decoder)) for masks in block_masks]
    labels = LabelMap(np.stack(codes), table.decoder.groups)
    if labels.not_assessed:
        log.warning("%s: not assessed: %s", case.name, ", ".join(labels.not_assessed))
    return Segmentation(case.name, labels, case.geometry)


def segment_block(
    block: Block, samples: PlainSamples, model: Model
) -> Bool[np.ndarray, "slice row col"]:
    """One block's masks: linear encoder, networks, average, cut at 0.5, post-processing."""
    images = np.stack([encode_images(sample, block) for sample in samples])
    probabilities = average(np.stack(model.predict(block, images)))
    return np.stack([postprocess(mask, block) for mask in cut(probabilities)])
