"""A preset or a file in, the recipe of the kind that it states out."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from myoseg.block_tables import CASCADE_KIND
from myoseg.training.recipe import Recipe, read_record, recipe_from_record

if TYPE_CHECKING:
    from myoseg.training.cascade.recipe import CascadeRecipe


def load_any_recipe(
    preset_or_path: str | Path, overrides: Iterable[str] = ()
) -> "Recipe | CascadeRecipe":
    """Reads a recipe of the paper's methods, or of the default model where its `kind` says so.

    Raises:
        ConfigurationError: no such preset or file; not YAML; a setting is missing, unknown or out
            of range.
    """
    record, source = read_record(preset_or_path, overrides), str(preset_or_path)
    if record.get("kind") == CASCADE_KIND:
        from myoseg.training.cascade.recipe import cascade_from_record

        return cascade_from_record(record, source)
    return recipe_from_record(record, source)
