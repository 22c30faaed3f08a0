import json

import pytest

from myoseg.errors import ModelError
from myoseg.files import sha256_of, write_json
from myoseg.prediction.shipped import shipped_models
from myoseg.reporting.described_model import entry_of, read_model_card
from myoseg.reporting.model_card import card_markdown


@pytest.fixture
def edit(shipped_default):
    """Changes the description of the shipped model."""

    def change(**values):
        path = shipped_default / "model.json"
        write_json(path, json.loads(path.read_text()) | values)

    return change


def test_a_card_is_read_from_the_models_files(shipped_default, edit):
    row = {"data_set": "a", "n": 2, "region": "scar", "measure": "Dice", "value": 0.5}
    write_json(shipped_default / "evaluation.json", {"rows": [row]})
    schedule = {"n_steps": 70, "batch_size": 4}
    recipe = {"seed": 3, "stages": {"anatomy": {"schedule": schedule}}}
    edit(recipe=recipe, versions={"torch": "2"}, card={"version": "2.0", "summary": "Noise."})
    card = read_model_card(shipped_default)
    anatomy, pathology = card.stages
    assert (card.name, card.notes.version, card.seed) == ("default", "2.0", 3)
    assert (anatomy.n_steps, anatomy.batch_size, pathology.n_steps) == (70, 4, None)
    assert pathology.guides == ("lv_blood_pool", "rv_blood_pool", "lv_epicardium")
    assert anatomy.weights_sha256 == sha256_of(shipped_default / "anatomy.safetensors")
    assert [block.name for block in card.blocks][-1] == "lvms"
    assert card.evaluation[0].value == 0.5
    assert "`" + anatomy.weights_sha256 in card_markdown(card)
    entry = entry_of(shipped_default)
    assert (entry.version, entry.trained_on) == ("2.0", "Noise.")
    assert set(entry.finds) >= {"scar", "edema", "normal_myocardium"}


def test_a_model_without_notes_has_a_card_all_the_same(shipped_default, edit):
    edit(card={})
    assert read_model_card(shipped_default).notes.licence == "Apache-2.0"
    assert "trained on  not written down" in entry_of(shipped_default).to_text()


def test_faults_of_a_models_files_are_named(shipped_default, edit):
    write_json(shipped_default / "evaluation.json", {"figures": []})
    with pytest.raises(ModelError, match=r"evaluation\.json cannot be read"):
        read_model_card(shipped_default)
    (shipped_default / "evaluation.json").unlink()
    edit(card={"licence": 3})
    with pytest.raises(ModelError, match=r"model\.json cannot be read: notes\.licence"):
        read_model_card(shipped_default)
    edit(card={}, table={})
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        read_model_card(shipped_default)


def test_missing_weights_are_named(shipped_default):
    (shipped_default / "anatomy.safetensors").unlink()
    with pytest.raises(ModelError, match=r"anatomy\.safetensors is missing"):
        read_model_card(shipped_default)


def test_a_run_of_another_kind_has_no_card(tmp_path):
    write_json(tmp_path / "model.json", {"format": 1, "members": []})
    with pytest.raises(ModelError, match=r"has no model card: it is a run of"):
        read_model_card(tmp_path)


def test_the_pages_beside_the_shipped_models_are_those_of_their_cards():
    for folder in shipped_models().values():
        page = (folder / "card.md").read_text(encoding="utf-8")
        assert page == card_markdown(read_model_card(folder))
