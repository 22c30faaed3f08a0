"""The three methods that the paper's Table 1 compares, each a block table."""

from dataclasses import dataclass

from myoseg.block_tables import NO_ENCODER_ABLATION, UNET_ABLATION
from myoseg.blocks import BlockTable
from myoseg.training.recipe import Recipe, recipe_from_record


@dataclass(frozen=True)
class Method:
    """One row of Table 1: its letters in Figure 3, its folder, and its blocks."""

    symbol: str
    folder: str
    table: BlockTable


def methods_of(proposed: BlockTable) -> tuple[Method, ...]:
    """The rows of Table 1, with `proposed` as the last; symbols are those of Figure 3."""
    return (
        Method("u", "unet", UNET_ABLATION),
        Method("pw", "proposed_without_linear", NO_ENCODER_ABLATION),
        Method("p", "proposed", proposed),
    )


def recipe_of(method: Method, recipe: Recipe) -> Recipe:
    """The recipe with the method's block table in place of its own."""
    return recipe_from_record(recipe.to_record() | {"table": method.table.to_record()})
