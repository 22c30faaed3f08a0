import pytest

from myoseg.errors import ConfigurationError
from myoseg.training.cascade.recipe import (
    CascadeRecipe,
    cascade_to_yaml,
    load_cascade_recipe,
)
from myoseg.training.load import load_any_recipe
from myoseg.training.recipe import Recipe, load_recipe


def test_the_default_preset_has_an_anatomy_and_a_pathology_stage():
    stages = load_cascade_recipe().built_stages
    assert [stage.name for stage in stages] == ["anatomy", "pathology"]
    assert [block.name for stage in stages for block in stage.blocks] == [
        "lv_blood_pool",
        "rv_blood_pool",
        "lv_epicardium",
        "lvmems",
        "lvms",
    ]


def test_a_recipe_is_read_back_from_its_file(tmp_path):
    recipe = load_cascade_recipe("default", ["seed=7"])
    (tmp_path / "mine.yaml").write_text(cascade_to_yaml(recipe))
    assert load_cascade_recipe(tmp_path / "mine.yaml") == recipe


def test_the_kind_decides_how_a_recipe_is_read():
    assert isinstance(load_any_recipe("default"), CascadeRecipe)
    assert isinstance(load_any_recipe("paper"), Recipe)


def test_the_default_recipe_is_none_of_the_papers_methods():
    with pytest.raises(ConfigurationError, match="not one of the paper's methods"):
        load_recipe("default")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stages.anatomy.size_px=90", "must be a multiple of 16"),
        ("stages.anatomy.slices.levels=[1, 0]", "levels must ascend"),
        ("stages.anatomy.blocks=[atrium]", "cannot be read"),
        ("stages.pathology.sequence_shares={mri: 1}", "names mri"),
        ("stages.pathology.sequence_shares={lge: 0, t2: 0}", "some sequence a share above 0"),
        ("simulation.contrast.random_share=2", "random_share is 2"),
        ("simulation.colour=1", "simulation.colour is not a setting"),
        ("stages.anatomy.schedule.learning_rate=0", "learning_rate is 0"),
        ("stages.anatomy.blocks=[lv_blood_pool]", "anatomy looks for the heart and must answer"),
        (
            "stages.anatomy.blocks=[lv_blood_pool, lv_epicardium]",
            "guided by rv_blood_pool, which no stage before it answers",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named(change, message):
    with pytest.raises(ConfigurationError, match=message):
        load_cascade_recipe("default", [change])


def test_the_rate_rises_then_falls_along_half_a_cosine():
    schedule = (
        load_cascade_recipe(
            "default",
            ["stages.anatomy.schedule.n_steps=1000", "stages.anatomy.schedule.n_warm_up=100"],
        )
        .stages["anatomy"]
        .schedule
    )
    assert schedule.rate_at(0) == pytest.approx(0.01, rel=1e-3)
    assert schedule.rate_at(500) == pytest.approx(0.5, abs=1e-9)
    assert schedule.rate_at(1000) == pytest.approx(0, abs=1e-12)
