"""Figure 1 with networks that answer the truth: what goes in as labels comes out as labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from myoseg.anatomy import Sequence, Tissue
from myoseg.block_tables import TABLES
from myoseg.blocks import BlockTable
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.prediction.decoder import decode_labels
from myoseg.prediction.ensemble import average, cut
from myoseg.prediction.postprocessing import postprocess
from myoseg.slices.augmentation import Augmentation
from myoseg.slices.encoder import encode_mask
from myoseg.slices.extract import CentreWindow, LabelledSlice, extract_slices
from myoseg.slices.normalisation import Preprocessing
from myoseg.slices.samples import AugmentedSamples

tables = st.sampled_from(list(TABLES.values()))
sizes = st.integers(4, 12)


def a_case(codes: np.ndarray) -> Case:
    images = {name: np.zeros(codes.shape, dtype=np.float32) for name in Sequence}
    return Case("a", images, Geometry(codes.shape, np.eye(4)), LabelMap(codes))


def a_heart(size_px: int) -> np.ndarray:
    """Both pools, a wall with an edema and a scar in it; nothing else."""
    row, col = (np.indices((size_px, size_px)) - (size_px - 1) / 2) / size_px
    radius, angle = np.hypot(row, col), np.arctan2(row, col)
    codes = np.zeros((size_px, size_px), dtype=np.int16)
    codes[(np.hypot(row, col + 0.3) < 0.15) & (radius > 0.2)] = Tissue.RV_BLOOD_POOL
    codes[radius < 0.2] = Tissue.NORMAL_MYOCARDIUM
    codes[(radius < 0.2) & (np.abs(angle) < 1)] = Tissue.EDEMA
    codes[(radius < 0.2) & (np.abs(angle) < 0.5)] = Tissue.SCAR
    codes[radius < 0.12] = Tissue.LV_BLOOD_POOL
    return codes


def decoded(sample: LabelledSlice, table: BlockTable) -> np.ndarray:
    """Perfect votes, then the ensemble and the decoder, without post-processing."""
    masks = [
        cut(average(np.stack([encode_mask(sample, block)[0].astype(np.float32)] * 3)))
        for block in table.blocks
    ]
    return decode_labels(np.stack(masks), table.decoder)


@given(st.data(), sizes, sizes, sizes, tables)
def test_any_labels_come_back_inside_the_window(data, rows, cols, size_px, table):
    codes = data.draw(
        arrays(np.int16, (2, rows, cols), elements=st.sampled_from([0, *map(int, Tissue)]))
    )
    window = CentreWindow.of((rows, cols), size_px)

    slices = extract_slices(a_case(codes), size_px)
    restored = np.stack([window.paste(decoded(sample, table)) for sample in slices])

    inside = window.paste(np.ones((size_px, size_px), dtype=bool))
    np.testing.assert_array_equal(restored, np.where(inside, codes, 0))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_post_processing_leaves_a_heart_without_islands_and_holes_as_it_is(table):
    (sample,) = extract_slices(a_case(a_heart(64)[np.newaxis]), 64)

    masks = [postprocess(encode_mask(sample, block)[0], block) for block in table.blocks]

    assert set(np.unique(sample.labels)) == {0, *map(int, Tissue)}
    np.testing.assert_array_equal(decode_labels(np.stack(masks), table.decoder), sample.labels)


@given(st.integers(0, 2**32 - 1), st.integers(0, 7), tables)
@settings(max_examples=20)
def test_every_augmented_sample_can_be_encoded_and_decoded(seed, index, table):
    slices = extract_slices(a_case(a_heart(64)[np.newaxis]), 64)
    samples = AugmentedSamples(slices, Augmentation(n_warps=4), Preprocessing(64), seed)

    np.testing.assert_array_equal(decoded(samples[index], table), samples[index].labels)


@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
@settings(max_examples=20)
def test_a_warped_heart_keeps_its_size(seed, index):
    """A field of at most 5 pixels between points 36 apart neither loses nor doubles a heart."""
    slices = extract_slices(a_case(a_heart(256)[np.newaxis]), 256)
    sample = AugmentedSamples(slices, Augmentation(n_warps=4), Preprocessing(), seed)[index]

    ratio = np.count_nonzero(sample.labels) / np.count_nonzero(slices[0].labels)
    assert 0.5 < ratio < 2
