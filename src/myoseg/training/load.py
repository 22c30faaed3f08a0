"""A preset or a file in, the recipe of the kind that it states out."""

from collections.abc import Iterable
from pathlib import Path

from myoseg.training.cascade.recipe import CascadeRecipe, cascade_from_record
from myoseg.training.recipe import CASCADE_KIND, Recipe, read_record, recipe_from_record


def load_any_recipe(
    preset_or_path: str | Path, overrides: Iterable[str] = ()
) -> Recipe | CascadeRecipe:
    """Reads a recipe of the paper's methods, or of the default model where its `kind` says so.

    Raises:
        ConfigurationError: no such preset or file; not YAML; a setting is missing, unknown or out
            of range.
    """
    record, source = read_record(preset_or_path, overrides), str(preset_or_path)
    if record.get("kind") == CASCADE_KIND:
        return cascade_from_record(record, source)
    return recipe_from_record(record, source)
