import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from myoseg.training.examples import BlockExamples, EpochOrder, load_batches
from myoseg.training.plan import plan_training


@given(n=st.integers(1, 50), seed=st.integers(0, 99), epoch=st.integers(0, 9))
def test_one_pass_holds_every_sample_once_in_an_order_of_its_own(n, seed, epoch):
    order = EpochOrder(tuple(range(n)), seed=seed, epoch=epoch)
    assert sorted(index for _, index in order) == list(range(n))
    assert {number for number, _ in order} == {epoch}
    assert list(order) == list(order)


def test_another_epoch_is_another_order():
    order = EpochOrder(tuple(range(50)), seed=1)
    first = [index for _, index in order]
    order.set_epoch(1)
    assert [index for _, index in order] != first


@given(n=st.integers(1, 20), drawn=st.integers(1, 60))
def test_more_than_a_pass_goes_round_again(n, drawn):
    places = [index for _, index in EpochOrder(tuple(range(n)), drawn, seed=0)]
    assert len(places) == drawn
    counts = [places.count(index) for index in range(n)]
    assert max(counts) - min(counts) <= 1


@given(n=st.integers(1, 40), world_size=st.integers(1, 5))
def test_processes_share_an_epoch_evenly(n, world_size):
    parts = [
        [index for _, index in EpochOrder(tuple(range(n)), None, 3, 0, rank, world_size)]
        for rank in range(world_size)
    ]
    assert {len(part) for part in parts} == {-(-n // world_size)}
    assert {index for part in parts for index in part} == set(range(n))


@pytest.fixture
def data(disc_case, tiny_recipe):
    cases = [disc_case(0), disc_case(1), disc_case(2, empty=True)]
    return plan_training(cases, tiny_recipe("augmentation.redraw=true")).blocks[0]


def test_redrawn_examples_change_with_the_epoch_and_others_do_not(data):
    redrawn = BlockExamples(data.block, data.training, redraws=True)
    fixed = BlockExamples(data.block, data.training)
    assert not torch.equal(redrawn[0, 0][0], redrawn[1, 0][0])
    assert torch.equal(redrawn[0, 0][0], fixed[0, 0][0])
    assert torch.equal(fixed[0, 0][0], fixed[1, 0][0])


def test_examples_do_not_depend_on_the_number_of_workers(data):
    examples = BlockExamples(data.block, data.training, redraws=True)
    order = EpochOrder(data.training_indices, seed=5, epoch=2)
    alone, together = (list(load_batches(examples, order, 8, workers)) for workers in (0, 1))
    assert len(alone) == len(together) == 2
    for (images, masks), (other_images, other_masks) in zip(alone, together, strict=True):
        assert images.shape == (8, 1, 64, 64)
        assert masks.dtype == torch.bool
        assert torch.equal(images, other_images)
        assert torch.equal(masks, other_masks)
