import json
import shutil

import numpy as np
import pytest

from myoseg.errors import ConfigurationError, ModelError
from myoseg.networks.checkpoint import read_card, update_card
from myoseg.prediction import description
from myoseg.prediction.engines import openvino
from myoseg.prediction.ensemble_model import EnsembleModel
from myoseg.prediction.model import load_model
from myoseg.training.run_folder import FORMAT

BLOCKS = ["lv_blood_pool", "rv_blood_pool", "lv_epicardium", "lvmems", "lvms"]


@pytest.fixture
def run(trained_run, tmp_path):
    """A copy of the run that a test may spoil."""
    return shutil.copytree(trained_run, tmp_path / "run")


def edit(run, change):
    path = run / "model.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_a_run_is_read_with_its_blocks_and_preprocessing(trained_run):
    model = load_model(trained_run, "cpu")
    assert [block.name for block in model.table.blocks] == BLOCKS
    assert model.preprocessing.size_px == 32
    assert model.folder == trained_run


def test_each_voter_gives_a_probability_to_every_pixel(trained_run):
    model = load_model(trained_run, "cpu")
    images = np.random.default_rng(0).normal(size=(3, 1, 32, 32)).astype(np.float32)
    (probabilities,) = model.predict(model.table.blocks[0], images)
    assert probabilities.shape == (3, 32, 32)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1


def test_a_long_stack_is_predicted_as_its_slices_are(trained_run, monkeypatch):
    model = load_model(trained_run, "cpu")
    images = np.random.default_rng(0).normal(size=(5, 1, 32, 32)).astype(np.float32)
    block = model.table.blocks[0]
    (together,) = model.predict(block, images)
    monkeypatch.setattr(openvino, "SLICES_AT_ONCE", 2)
    (in_parts,) = model.predict(block, images)
    np.testing.assert_allclose(in_parts, together, atol=1e-5)


def test_some_blocks_alone_keep_the_order_of_the_table(trained_run):
    model = load_model(trained_run, "cpu").with_blocks(["lvms", "lv_blood_pool"])
    assert [block.name for block in model.table.blocks] == ["lv_blood_pool", "lvms"]


def test_an_unknown_block_is_refused_with_those_there_are(trained_run):
    with pytest.raises(ConfigurationError, match=r"no block scar; its blocks are lv_blood_pool, "):
        load_model(trained_run, "cpu").with_blocks(["scar"])


def test_the_fingerprint_is_of_the_run_and_a_model_in_memory_has_none(run, trained_run):
    model = load_model(trained_run, "cpu")
    assert model.fingerprint() == load_model(run, "cpu").fingerprint()
    edit(run, lambda record: record.update(n_cases=99))
    assert model.fingerprint() != load_model(run, "cpu").fingerprint()
    assert EnsembleModel(model.table, model.preprocessing, {}).fingerprint() is None


def test_a_folder_without_a_model_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ModelError, match=r"holds no model.*Give the run folder.*myoseg train"):
        load_model(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', "\u00e4"])
def test_a_damaged_description_is_refused_by_name(run, text):
    (run / "model.json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=r"model\.json cannot be read.*restore it from a copy"):
        load_model(run)


def test_the_format_is_that_of_training():
    assert description.FORMAT == FORMAT


def test_another_format_is_refused_with_both_numbers(run):
    edit(run, lambda record: record.update(format=2))
    with pytest.raises(ModelError, match=r"format 2, but this version of myoseg reads format 1"):
        load_model(run)


def test_an_unfinished_run_names_what_is_to_go(run):
    edit(run, lambda record: record["members"][4].update(finished=False))
    with pytest.raises(ModelError, match=r"not finished: lvms/unet to go.*--resume"):
        load_model(run)


def test_altered_weights_are_refused_by_name(run):
    weights = run / "lvms" / "unet" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"lvms.*weights\.safetensors is not the file"):
        load_model(run)


def test_missing_weights_are_refused_by_name(run):
    (run / "lvms" / "unet" / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors is missing; restore it"):
        load_model(run)


def test_a_network_of_another_run_is_refused(run):
    """Whole in itself, but not the one that the description names."""
    shutil.rmtree(run / "lvms" / "unet")
    shutil.copytree(run / "lvmems" / "unet", run / "lvms" / "unet")
    with pytest.raises(ModelError, match=r"lvms/unet is not the network that .*model\.json"):
        load_model(run)


def test_a_block_that_was_not_trained_is_no_part_of_the_model(run):
    def skip(record):
        record["members"] = [each for each in record["members"] if each["block"] != "lvms"]

    edit(run, skip)
    assert [block.name for block in load_model(run, "cpu").table.blocks] == BLOCKS[:4]


def test_cards_may_change_without_the_weights(run):
    """What is checked is the weights; a note in a card does no harm."""
    folder = run / "lvms" / "unet"
    update_card(folder, read_card(folder))
    assert load_model(run, "cpu").table.blocks
