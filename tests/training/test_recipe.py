from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.block_tables import PAPER, PHYSIOLOGICAL
from myoseg.blocks import Architecture
from myoseg.errors import ConfigurationError
from myoseg.slices.augmentation import Augmentation
from myoseg.slices.normalisation import Preprocessing
from myoseg.training.recipe import (
    load_recipe,
    preset_names,
    recipe_from_record,
    recipe_to_yaml,
)


def test_the_presets_are_those_that_are_documented():
    assert preset_names() == ("default", "demo", "paper", "physiological", "quick")


@pytest.mark.parametrize("name", ["demo", "paper", "physiological", "quick"])
def test_a_preset_is_valid_and_carries_its_name(name):
    assert load_recipe(name).name == name


def test_the_paper_preset_holds_the_papers_numbers():
    recipe = load_recipe("paper")
    assert recipe.blocks == PAPER
    assert recipe.preprocessing.to_preprocessing() == Preprocessing()
    assert recipe.augmentation.to_augmentation() == Augmentation()
    assert (recipe.split.by, recipe.split.validation_share) == ("sample", 0.2)
    unet, detector, nested = (recipe.settings_of(architecture) for architecture in Architecture)
    assert {settings.epochs for settings in (unet, detector, nested)} == {500}
    assert [settings.batch_size for settings in (unet, detector, nested)] == [8, 2, 8]
    assert [s.learning_rate for s in (unet, detector, nested)] == [1e-5, 1e-3, 1e-5]
    assert recipe.options_of(Architecture.UNET)["loss"] == "dice"
    assert recipe.options_of(Architecture.UNET)["channels"] == [16, 32, 64, 128]
    assert recipe.options_of(Architecture.MASK_RCNN)["backbone"] == "resnet50"
    assert recipe.options_of(Architecture.UNET_PLUS_PLUS)["encoder"] == "vgg16"


def test_the_physiological_preset_differs_in_table_split_loss_and_rate_alone():
    paper = load_recipe("paper").to_record()
    other = load_recipe("physiological").to_record()
    assert load_recipe("physiological").blocks == PHYSIOLOGICAL
    for record in (paper, other):
        del record["name"], record["table"], record["split"]["by"]
        for network in ("unet", "unet_plus_plus"):
            del record["networks"][network]["learning_rate"]
            del record["networks"][network]["options"]["loss"]
    assert paper == other


@pytest.mark.parametrize("name", ["paper", "physiological", "quick", "demo"])
def test_a_recipe_survives_its_file_and_its_record(name, tmp_path):
    recipe = load_recipe(name)
    path = tmp_path / "config.yaml"
    path.write_text(recipe_to_yaml(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe
    assert recipe_from_record(recipe.to_record()) == recipe


def test_a_file_extends_a_preset_or_another_file_and_states_what_differs(tmp_path):
    (tmp_path / "ours.yaml").write_text("extends: quick\nseed: 7\nnetworks: {unet: {epochs: 3}}\n")
    (tmp_path / "mine.yaml").write_text("extends: ours.yaml\nname: mine\n")
    recipe = load_recipe(tmp_path / "mine.yaml")
    assert (recipe.name, recipe.seed, recipe.networks.unet.epochs) == ("mine", 7, 3)
    assert recipe.networks.mask_rcnn == load_recipe("quick").networks.mask_rcnn


def test_recipes_that_extend_each_other_are_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml")
    (tmp_path / "b.yaml").write_text("extends: a.yaml")
    with pytest.raises(ConfigurationError, match=r"extends itself.*a.yaml.*b.yaml"):
        load_recipe(tmp_path / "a.yaml")


def test_an_inline_table_replaces_the_presets():
    block = "{name: scar, inputs: [lge], target: [scar], networks: [unet_plus_plus]}"
    recipe = load_recipe("quick", [f"table={{name: mine, blocks: [{block}]}}"])
    assert [b.name for b in recipe.blocks.blocks] == ["scar"]
    assert load_recipe("quick", ["table=unet"]).blocks.name == "unet"


REFUSED = {
    "networks.unet.epoch=3": r"networks\.unet\.epoch is not a setting; did you mean epochs\?",
    "network.unet.epochs=3": r"network is not a setting; did you mean networks\?",
    "networks.unet.epochs=0": r"networks\.unet\.epochs is 0; .*at least 1 and at most 100000",
    "networks.unet.epochs=2.5": r"networks\.unet\.epochs is 2\.5; it must be a whole number",
    "networks.unet.learning_rate=0": r"learning_rate is 0; it must be a number over 0 and",
    "networks.unet.learning_rate=.nan": r"learning_rate is nan; it must be a number over 0",
    "networks.unet.learning_rate=fast": r"learning_rate is 'fast'; it must be a number",
    "networks.unet.schedule=cosin": r"schedule is 'cosin'; it must be one of constant, cosine",
    "networks.unet.options.loss=dise": r"options\.loss is 'dise'; it must be one of dice, dice\+",
    "networks.unet.options.channels=[]": r"options\.channels is \[\]; .*items at least 1",
    "preprocessing.size_px=100": r"size_px is 100; .*a multiple of 32",
    "preprocessing.clip=maybe": r"preprocessing\.clip is 'maybe'; it must be true or false",
    "augmentation.scale_range=[2, 1]": r"scale_range must ascend, got \[2\.0, 1\.0\]",
    "augmentation.gain_range=[0, 1]": r"gain_range\.0 is 0; it must be a number over 0",
    "split.by=case": r"split\.by is 'case'; it must be one of patient, sample",
    "split=patient": r"split is 'patient'; it must be a section",
    "seed=-1": r"seed is -1; .*at least 0 and under 4294967296",
    "seed=true": r"seed is True; it must be a whole number",
    "table=papr": r"no block table 'papr'; did you mean paper\?",
    "table={name: x}": r"block table cannot be read.*blocks",
    "precision=half": r"precision is 'half'; it must be one of auto, float32",
    "networks.unet.epochs": r"'networks\.unet\.epochs' cannot be read; write it as",
    "=3": r"'=3' cannot be read",
    "seed=[": r"setting seed is not valid YAML",
}


@pytest.mark.parametrize("override", REFUSED)
def test_a_setting_that_is_wrong_is_named_with_what_is_allowed(override):
    with pytest.raises(ConfigurationError, match=REFUSED[override]):
        load_recipe("paper", [override])


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigurationError) as refused:
        load_recipe("paper", ["seed=-1", "split.by=case", "networks.unet.epochs=0"])
    message = str(refused.value)
    assert all(name in message for name in ("seed", "split.by", "networks.unet.epochs"))


def test_a_missing_setting_is_named_with_what_it_must_be():
    record = load_recipe("paper").to_record()
    del record["networks"]["unet"]["epochs"]
    with pytest.raises(ConfigurationError, match=r"unet\.epochs is missing; it must be a whole"):
        recipe_from_record(record)


@pytest.mark.parametrize(
    "text", ["", "- 1\n", "just words", "1: 2", "a: [", "a: 1\na: 2\n", "\x00"]
)
def test_a_file_that_holds_no_settings_is_refused_by_its_name(text, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"mine\.yaml"):
        load_recipe(path)


@given(text=st.text(max_size=60))
def test_any_text_is_a_recipe_or_a_configuration_error(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "any.yaml"
    path.write_bytes(text.encode("utf-8", "replace"))
    with pytest.raises(ConfigurationError):
        load_recipe(path)


def test_a_value_of_a_million_dollars_in_yaml_objects_is_not_built(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("seed: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(ConfigurationError, match="not valid YAML"):
        load_recipe(path)


def test_an_unknown_preset_names_the_nearest_and_all():
    with pytest.raises(
        ConfigurationError, match=r"did you mean physiological\? use one of default, demo"
    ):
        load_recipe("phisiological")
    with pytest.raises(ConfigurationError, match="neither a preset nor a recipe file"):
        load_recipe(Path("nowhere.yaml"))


def test_overrides_come_after_the_file_and_the_last_one_counts():
    recipe = load_recipe("paper", ["seed=1", "seed=2", "networks.unet.learning_rate=1e-4"])
    assert (recipe.seed, recipe.networks.unet.learning_rate) == (2, 1e-4)
