import numpy as np
import pytest
import torch

from myoseg.anatomy import Sequence
from myoseg.block_tables import CASCADE
from myoseg.errors import ConfigurationError
from myoseg.networks.stage import Stage
from myoseg.networks.stage_network import build_stage, stage_loss

ANATOMY = Stage("anatomy", CASCADE.blocks[:3], 32, 0.4, (4, 8))
PATHOLOGY = Stage("pathology", CASCADE.blocks[3:], 32, 0.6, (4, 8))


def test_the_input_has_a_channel_for_each_sequence_and_each_guide():
    assert ANATOMY.sequences == (Sequence.BSSFP, Sequence.LGE, Sequence.T2)
    assert ANATOMY.n_inputs == 3
    assert PATHOLOGY.sequences == (Sequence.LGE, Sequence.T2)
    assert PATHOLOGY.guides == ("lv_blood_pool", "rv_blood_pool", "lv_epicardium")
    assert PATHOLOGY.n_inputs == 5


@pytest.mark.parametrize(
    ("there", "read"),
    [
        (("bssfp", "lge", "t2"), ("bssfp",)),
        (("lge", "t2"), ("lge",)),
        (("t2",), ("t2",)),
        ((), ()),
    ],
)
def test_anatomy_is_read_from_bssfp_or_from_what_stands_in_for_it(there, read):
    assert ANATOMY.reads([Sequence(name) for name in there]) == tuple(map(Sequence, read))


def test_disease_is_read_from_what_there_is_of_lge_and_t2():
    assert PATHOLOGY.reads([Sequence.BSSFP]) == ()
    assert PATHOLOGY.reads([Sequence.T2, Sequence.BSSFP]) == (Sequence.T2,)
    assert PATHOLOGY.reads(list(Sequence)) == (Sequence.LGE, Sequence.T2)


def test_a_stage_is_read_back_from_its_record():
    for stage in (ANATOMY, PATHOLOGY):
        assert Stage.from_record(stage.to_record(), CASCADE) == stage


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size_px": 33}, "multiple of 2"),
        ({"heart_share": 1.0}, "heart_share is 1.0"),
        ({"blocks": ["atrium"]}, "cannot be read"),
        ({"colour": "red"}, "cannot be read"),
    ],
)
def test_a_stage_that_cannot_be_is_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        Stage.from_record(ANATOMY.to_record() | change, CASCADE)


def test_the_network_has_an_output_for_each_block():
    images = torch.zeros(2, 3, 32, 32)
    assert build_stage(ANATOMY)(images).shape == (2, 3, 32, 32)


def logits_of(masks, certainty=20.0):
    return torch.from_numpy(np.where(masks, certainty, -certainty).astype(np.float32))


def test_the_loss_of_perfect_masks_is_zero_and_of_wrong_ones_large():
    masks = np.zeros((2, 2, 8, 8), bool)
    masks[:, :, 2:5, 2:5] = True
    wanted, all_known = torch.from_numpy(masks), torch.ones(2, 2)
    assert float(stage_loss(logits_of(masks), wanted, all_known)) == pytest.approx(0, abs=1e-3)
    assert float(stage_loss(logits_of(~masks), wanted, all_known)) > 5


def test_blocks_that_labels_do_not_decide_have_no_part_in_the_loss():
    masks = np.zeros((2, 2, 8, 8), bool)
    masks[:, :, 2:5, 2:5] = True
    wrong = masks.copy()
    wrong[:, 1] = ~wrong[:, 1]
    first_known = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    loss = stage_loss(logits_of(wrong), torch.from_numpy(masks), first_known)
    assert float(loss) == pytest.approx(0, abs=1e-3)


def test_nothing_known_and_nothing_there_give_finite_losses():
    empty = torch.zeros(1, 2, 8, 8, dtype=torch.bool)
    logits = torch.zeros(1, 2, 8, 8, requires_grad=True)
    for known in (torch.zeros(1, 2), torch.ones(1, 2)):
        loss = stage_loss(logits, empty, known)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(logits.grad).all()
