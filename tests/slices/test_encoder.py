import numpy as np
import pytest

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Sequence, Tissue
from myoseg.block_tables import PAPER, PHYSIOLOGICAL, UNET_ABLATION
from myoseg.errors import InputError
from myoseg.slices.encoder import encode_images, encode_mask
from myoseg.slices.extract import LabelledSlice, SliceOrigin

LABELS = np.array([[0, 200, 500], [600, 1220, 2221]], dtype=np.int16)


def a_slice(sequences=tuple(Sequence), labels=LABELS, groups=EACH_TISSUE) -> LabelledSlice:
    values = {Sequence.BSSFP: 1, Sequence.LGE: 2, Sequence.T2: 3}
    images = np.stack([np.full((2, 3), values[name], dtype=np.float32) for name in sequences])
    return LabelledSlice(images, sequences, labels, groups, SliceOrigin("p07", 4))


@pytest.mark.parametrize(
    ("table", "inputs"),
    [(PAPER, [[1], [1], [1], [2], [3]]), (PHYSIOLOGICAL, [[1], [1], [1], [3], [2]]),
     (UNET_ABLATION, [[1, 2, 3]] * 5)],
)  # fmt: skip
def test_each_block_reads_the_sequences_of_its_table(table, inputs):
    encoded = [encode_images(a_slice(), block)[:, 0, 0].tolist() for block in table.blocks]

    assert encoded == inputs


def test_channels_are_in_the_blocks_order_whatever_the_slices():
    backwards = a_slice((Sequence.T2, Sequence.LGE, Sequence.BSSFP))

    assert encode_images(backwards, UNET_ABLATION.blocks[0])[:, 0, 0].tolist() == [1, 2, 3]


def test_each_block_targets_the_sum_of_its_tissues():
    masks = {block.name: encode_mask(a_slice(), block)[0].tolist() for block in PAPER.blocks}

    assert masks == {
        "lv_blood_pool": [[False, False, True], [False, False, False]],
        "rv_blood_pool": [[False, False, False], [True, False, False]],
        "lv_epicardium": [[False, True, True], [False, True, True]],
        "lvmems": [[False, False, False], [False, True, True]],
        "lvms": [[False, False, False], [False, False, True]],
    }


def test_an_empty_slice_has_empty_targets():
    empty = a_slice(labels=np.zeros((2, 3), dtype=np.int16))

    assert not any(encode_mask(empty, block).any() for block in PAPER.blocks)


def test_a_target_can_be_a_union_of_what_the_labels_tell_apart():
    groups = (frozenset({Tissue.LV_BLOOD_POOL}), MYOCARDIUM)
    labels = np.array([[0, 200, 500]], dtype=np.int16)
    sample = LabelledSlice(
        np.zeros((1, 1, 3), dtype=np.float32),
        (Sequence.BSSFP,),
        labels,
        groups,
        SliceOrigin("a", 0),
    )

    assert encode_mask(sample, PAPER.blocks[2])[0].tolist() == [[False, True, True]]


def test_a_missing_sequence_is_named_with_its_case_and_the_remedy():
    with pytest.raises(InputError, match=r"case p07 has no t2, which block lvms reads; give"):
        encode_images(a_slice((Sequence.BSSFP, Sequence.LGE)), PAPER.blocks[4])


def test_a_target_that_the_labels_do_not_tell_apart_is_refused():
    merged = a_slice(groups=(frozenset({Tissue.LV_BLOOD_POOL}), MYOCARDIUM))

    with pytest.raises(InputError, match=r"p07 has no labels of scar, the target of block lvms"):
        encode_mask(merged, PAPER.blocks[4])
    with pytest.raises(InputError, match="no labels of edema"):
        encode_mask(a_slice(labels=None, groups=()), PAPER.blocks[3])
