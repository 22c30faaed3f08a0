"""One validated file in, everything that training the default model must know out."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from myoseg.block_tables import CASCADE
from myoseg.blocks import BlockTable
from myoseg.errors import ConfigurationError
from myoseg.networks.stage import Stage
from myoseg.training.cascade.settings import SimulationSettings, StageSettings
from myoseg.training.recipe import CASCADE_KIND, read_record
from myoseg.training.refusal import refusal
from myoseg.training.settings import Section


class CascadeRecipe(Section):
    """All that decides how a cascade's networks are trained, apart from the machine."""

    name: str = Field(min_length=1)
    kind: Literal["cascade"]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    simulation: SimulationSettings
    stages: dict[str, StageSettings]

    @model_validator(mode="after")
    def _stages_are_possible(self) -> "CascadeRecipe":
        try:
            if not self.built_stages:
                raise ValueError("stages must name at least one stage")
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def table(self) -> BlockTable:
        """The blocks of the cascade."""
        return CASCADE

    @cached_property
    def built_stages(self) -> tuple[Stage, ...]:
        """The stages in their order."""
        fields = ("blocks", "size_px", "heart_share", "channels", "normalisation")
        return tuple(
            Stage.from_record(
                {"name": name, **{field: getattr(settings, field) for field in fields}},
                self.table,
            )
            for name, settings in self.stages.items()
        )

    def to_record(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return self.model_dump(mode="json")


def load_cascade_recipe(
    preset_or_path: str | Path = "default", overrides: Iterable[str] = ()
) -> CascadeRecipe:
    """Reads a preset or a YAML file, then sets what `overrides` say; see `recipe.load_recipe`.

    Raises:
        ConfigurationError: no such preset or file; not YAML; a setting is missing, unknown or out
            of range.
    """
    return cascade_from_record(read_record(preset_or_path, overrides), str(preset_or_path))


def cascade_from_record(record: Mapping[str, Any], source: str = "recipe") -> CascadeRecipe:
    """The recipe that `CascadeRecipe.to_record` described.

    Raises:
        ConfigurationError: a setting is missing, unknown or out of range.
    """
    try:
        return CascadeRecipe.model_validate(record)
    except ValidationError as error:
        raise ConfigurationError(refusal(error, CascadeRecipe, source)) from error


def cascade_to_yaml(recipe: CascadeRecipe) -> str:
    """The recipe as a file that `load_cascade_recipe` reads."""
    return yaml.safe_dump(recipe.to_record(), sort_keys=False, allow_unicode=True)


__all__ = [
    "CASCADE_KIND",
    "CascadeRecipe",
    "cascade_from_record",
    "cascade_to_yaml",
    "load_cascade_recipe",
]
