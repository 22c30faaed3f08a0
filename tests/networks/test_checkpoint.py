import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.block_tables import PHYSIOLOGICAL
from myoseg.blocks import Architecture
from myoseg.errors import ModelError
from myoseg.files import sha256_of
from myoseg.networks.build import build_segmenter
from myoseg.networks.checkpoint import (
    CARD,
    WEIGHTS,
    NetworkCard,
    load_network,
    read_card,
    save_network,
    update_card,
)
from myoseg.slices.normalisation import Preprocessing


def make_card(**changes):
    card = NetworkCard(
        block=PHYSIOLOGICAL.blocks[0],
        architecture=Architecture.UNET,
        n_inputs=1,
        options={"channels": [2, 4], "normalisation": "batch", "loss": "dice"},
        preprocessing=Preprocessing(size_px=64),
        recipe={"name": "tiny"},
        versions={"python": "3"},
        data_fingerprint="0" * 64,
        best_epoch=3,
        validation_dice=0.5,
    )
    return replace(card, **changes)


@pytest.fixture
def network():
    return build_segmenter(Architecture.UNET, 1, channels=(2, 4), normalisation="batch")


@pytest.fixture
def folder(network, tmp_path):
    save_network(tmp_path / "unet", network, make_card())
    return tmp_path / "unet"


def test_a_network_predicts_the_same_after_its_files(network, folder):
    loaded, card = load_network(folder)
    images = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert not loaded.training
    assert torch.equal(network.eval()(images), loaded(images))
    assert card.weights_sha256 == sha256_of(folder / WEIGHTS)
    assert card.block == PHYSIOLOGICAL.blocks[0]
    assert card.preprocessing == Preprocessing(size_px=64)


def test_a_folder_holds_two_files_and_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == [CARD, WEIGHTS]
    assert json.loads((folder / CARD).read_text())["block"]["name"] == "lv_blood_pool"


def test_saving_again_gives_the_same_bytes_whatever_the_layout_in_memory(network, folder, tmp_path):
    other = network.to(memory_format=torch.channels_last)
    save_network(tmp_path / "again", other, make_card())
    for name in (CARD, WEIGHTS):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


@settings(max_examples=30)
@given(
    epoch=st.integers(1, 10_000),
    dice=st.floats(0, 1),
    collapsed=st.booleans(),
    block=st.sampled_from(PHYSIOLOGICAL.blocks),
)
def test_a_card_survives_its_record(epoch, dice, collapsed, block):
    card = make_card(best_epoch=epoch, validation_dice=dice, collapsed=collapsed, block=block)
    record = json.loads(json.dumps(card.to_record()))
    assert NetworkCard.from_record(record).to_record() == card.to_record()


def test_a_card_can_be_replaced_alone(folder):
    update_card(folder, replace(read_card(folder), finished=True))
    _, card = load_network(folder)
    assert card.finished


def test_an_empty_folder_holds_no_network(tmp_path):
    with pytest.raises(ModelError, match=r"holds no network.*network\.json"):
        load_network(tmp_path)


def test_missing_weights_are_named(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors is missing"):
        load_network(folder)


def test_altered_weights_are_noticed(folder):
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(ModelError, match="altered, damaged or of another training"):
        load_network(folder)


def test_weights_of_another_network_are_noticed(folder):
    options = {"channels": [4, 8], "normalisation": "none", "loss": "dice"}
    update_card(folder, replace(read_card(folder), options=options))
    with pytest.raises(ModelError, match="does not fit the network"):
        load_network(folder)


def test_a_hash_of_a_file_that_is_no_safetensors_does_not_help(folder):
    (folder / WEIGHTS).write_bytes(b"garbage")
    update_card(folder, replace(read_card(folder), weights_sha256=sha256_of(folder / WEIGHTS)))
    with pytest.raises(ModelError, match="does not fit"):
        load_network(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, r"format 2, but .* reads format 1"),
        ({"format": None}, "format None"),
        ({"architecture": "vnet"}, "cannot be read"),
        ({"block": {}}, "cannot be read"),
        ({"preprocessing": {"size": 1}}, "cannot be read"),
        ({"surprise": 1}, "cannot be read"),
    ],
)
def test_a_card_that_is_wrong_is_refused(folder, change, message):
    record = json.loads((folder / CARD).read_text()) | change
    (folder / CARD).write_text(json.dumps(record))
    with pytest.raises(ModelError, match=message):
        load_network(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7"])
def test_a_card_that_is_no_record_is_refused(folder, text):
    (folder / CARD).write_text(text)
    with pytest.raises(ModelError, match=r"network\.json"):
        load_network(folder)
