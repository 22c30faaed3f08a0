"""One validated file in, everything that training the default model must know out."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import Field, model_validator

from myoseg.anatomy import REGIONS
from myoseg.block_tables import CASCADE
from myoseg.blocks import BlockTable
from myoseg.errors import ConfigurationError
from myoseg.networks.stage import Stage
from myoseg.training.cascade.settings import SimulationSettings, StageSettings
from myoseg.training.recipe import read_record
from myoseg.training.refusal import validated
from myoseg.training.settings import Section

EPICARDIUM: Final = REGIONS["epicardium"]


class CascadeRecipe(Section):
    """All that decides how a cascade's networks are trained, apart from the machine."""

    name: str = Field(min_length=1)
    kind: Literal["cascade"]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    simulation: SimulationSettings
    stages: dict[str, StageSettings] = Field(min_length=1)

    @model_validator(mode="after")
    def _stages_are_possible(self) -> "CascadeRecipe":
        try:
            stages = self.built_stages
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        answered: set[str] = set()
        for stage in stages:
            missing = sorted(set(stage.guides) - answered)
            if missing:
                raise ValueError(
                    f"stage {stage.name} is guided by {', '.join(missing)}, which no stage before "
                    "it answers"
                )
            if not stage.guides and EPICARDIUM not in {block.target for block in stage.blocks}:
                raise ValueError(
                    f"stage {stage.name} looks for the heart and must answer the LV epicardium"
                )
            answered |= {block.name for block in stage.blocks}
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
    return validated(CascadeRecipe, record, source)


def cascade_to_yaml(recipe: CascadeRecipe) -> str:
    """The recipe as a file that `load_cascade_recipe` reads."""
    return yaml.safe_dump(recipe.to_record(), sort_keys=False, allow_unicode=True)
