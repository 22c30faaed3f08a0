from myoseg.block_tables import NO_ENCODER_ABLATION, PAPER, PHYSIOLOGICAL, UNET_ABLATION
from myoseg.reproduction.methods import methods_of, recipe_of
from myoseg.training.recipe import load_recipe


def test_the_rows_of_table_1_are_these():
    """U-Net; the method without the linear encoder; the method (section 4.1, Figure 3)."""
    methods = methods_of(PAPER)
    assert [method.symbol for method in methods] == ["u", "pw", "p"]
    assert [method.table for method in methods] == [UNET_ABLATION, NO_ENCODER_ABLATION, PAPER]
    assert len({method.folder for method in methods}) == 3


def test_a_methods_recipe_differs_by_its_blocks_alone():
    recipe = load_recipe("physiological")
    for method in methods_of(PHYSIOLOGICAL):
        own = recipe_of(method, recipe)
        assert own.blocks == method.table
        assert own.to_record() | {"table": None} == recipe.to_record() | {"table": None}
