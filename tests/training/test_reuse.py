import json
import shutil
from dataclasses import replace

import pytest

from myoseg.blocks import Architecture, Block
from myoseg.errors import OutputError
from myoseg.files import sha256_of
from myoseg.networks.checkpoint import load_network, read_card, update_card
from myoseg.prediction.model import load_model
from myoseg.training.fit import train
from myoseg.training.plan import plan_training
from myoseg.training.reuse import take_over, trained_alike
from myoseg.training.run_folder import members_of

MEMBER = "disc/unet"


@pytest.fixture
def cases(disc_case):
    return [disc_case(number) for number in range(5)]


@pytest.fixture
def recipe(tiny_recipe):
    return tiny_recipe("networks.unet.epochs=1")


@pytest.fixture
def first(cases, recipe, tmp_path):
    """A run that another can take its network from."""
    return train(cases, recipe, tmp_path / "first", device="cpu", progress=False)


@pytest.fixture
def source(cases, first):
    """Where `trained_alike` finds the network of a recipe, if anywhere."""

    def find(recipe, fold=None, cases=cases, runs=(first,)):
        plan = plan_training(cases, recipe, fold)
        (member,) = members_of(plan)
        return trained_alike(member, recipe, runs, plan.data_fingerprint, fold)

    return find


def test_the_same_training_is_found_and_its_copy_is_the_same(cases, recipe, first, tmp_path):
    second = train(cases, recipe, tmp_path / "second", device="cpu", progress=False, reuse=[first])
    assert sha256_of(second / MEMBER / "weights.safetensors") == sha256_of(
        first / MEMBER / "weights.safetensors"
    )
    assert (second / MEMBER / "metrics.csv").read_bytes() == (
        first / MEMBER / "metrics.csv"
    ).read_bytes()
    assert load_model(second, "cpu").table == recipe.blocks
    assert not list(second.rglob(".*"))


def test_names_and_other_networks_settings_do_not_matter(source, tiny_recipe, first):
    changes = ("name=other", "networks.mask_rcnn.epochs=7")
    assert source(tiny_recipe("networks.unet.epochs=1", *changes)) == first / MEMBER


def test_who_votes_beside_it_does_not_matter(source, tiny_recipe, first):
    table = "{name: t, blocks: [{name: disc, inputs: [bssfp], target: [lv_blood_pool], %s}]}"
    table %= "keep_largest: true, fill_holes: false, networks: [unet]"
    assert source(tiny_recipe("networks.unet.epochs=1", f"table={table}")) == first / MEMBER


@pytest.mark.parametrize(
    "change",
    [
        "seed=1",
        "networks.unet.epochs=2",
        "networks.unet.options.channels=[8, 8]",
        "augmentation.n_warps=3",
        "preprocessing.clip=true",
        "split.validation_share=0.3",
        "table={name: t, blocks: [{name: disc, inputs: [bssfp], target: [scar]}]}",
        "table={name: t, blocks: [{name: other, inputs: [bssfp], target: [lv_blood_pool]}]}",
    ],
)
def test_whatever_decides_the_weights_must_be_the_same(source, tiny_recipe, change):
    assert source(tiny_recipe("networks.unet.epochs=1", change)) is None


def test_other_data_or_another_fold_is_another_training(source, recipe, cases, first):
    assert source(recipe, cases=cases[1:]) is None
    assert source(recipe, fold=0) is None
    assert source(recipe, runs=()) is None
    assert source(recipe, runs=(first.with_name("nowhere"), first)) == first / MEMBER


def test_an_unfinished_network_is_not_taken(source, recipe, first):
    folder = first / MEMBER
    update_card(folder, replace(read_card(folder), finished=False))
    assert source(recipe) is None
    (folder / "network.json").write_text("{")
    assert source(recipe) is None


def test_the_card_of_a_copy_names_the_block_that_it_serves(first, tmp_path):
    block = read_card(first / MEMBER).block
    votes = Block(block.name, block.inputs, block.target, tuple(Architecture))
    folder = tmp_path / "second" / MEMBER
    (folder / "half").mkdir(parents=True)
    take_over(first / MEMBER, folder, votes)
    _, card = load_network(folder)
    assert card.block == votes
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in (first / MEMBER).iterdir()
    }
    assert read_card(first / MEMBER).block == block


def test_a_copy_that_cannot_be_written_leaves_nothing(first, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    folder = tmp_path / "second" / MEMBER
    with pytest.raises(OutputError, match=r"cannot write .*unet: No space left.*free some space"):
        take_over(first / MEMBER, folder, read_card(first / MEMBER).block)
    assert list(folder.parent.iterdir()) == []


def test_a_run_whose_description_is_damaged_is_not_taken_from(source, recipe, first):
    (first / "model.json").write_text("{")
    assert source(recipe) is None
    (first / "model.json").unlink()
    assert source(recipe) is None


def test_the_source_stays_as_it_is(cases, recipe, first, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*") if path.is_file()}
    train(cases, recipe, tmp_path / "second", device="cpu", progress=False, reuse=[first])
    after = {path: path.stat().st_mtime_ns for path in first.rglob("*") if path.is_file()}
    assert after == before
    assert json.loads((first / "model.json").read_text())["finished"]
