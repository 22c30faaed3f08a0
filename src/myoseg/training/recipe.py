"""One validated configuration file in, everything that training must know out."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, field_validator

from myoseg.block_tables import CASCADE_KIND, TABLES
from myoseg.blocks import Architecture, BlockTable
from myoseg.errors import ConfigurationError
from myoseg.training.refusal import suggestion, validated
from myoseg.training.settings import (
    AugmentationSettings,
    NetworkSettings,
    NetworksSettings,
    PreprocessingSettings,
    Section,
    SplitSettings,
)
from myoseg.training.yaml_text import parse_yaml


class Recipe(Section):
    """All that decides a training run, apart from the cases and the machine.

    `table` is the name of a block table or a table written out; `precision: auto` is mixed
    with bfloat16 where the processor or GPU multiplies it, else with float16 on a GPU and float32
    on a CPU.
    """

    name: str = Field(min_length=1)
    table: str | dict[str, Any]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    precision: Literal["auto", "float32", "bfloat16", "float16"]
    preprocessing: PreprocessingSettings
    augmentation: AugmentationSettings
    split: SplitSettings
    networks: NetworksSettings

    @field_validator("table")
    @classmethod
    def _table_is_readable(cls, table: str | dict[str, Any]) -> str | dict[str, Any]:
        if isinstance(table, str) and table not in TABLES:
            hint = suggestion(table, TABLES)
            raise ValueError(f"there is no block table {table!r}; {hint}use {', '.join(TABLES)}")
        if isinstance(table, dict):
            read = BlockTable.from_record(table)
            others = [block.name for block in read.blocks if not block.is_of_the_paper]
            if others:
                raise ValueError(
                    f"{', '.join(others)}: substitutes, optional and guides belong to a recipe of "
                    f"kind {CASCADE_KIND}"
                )
        return table

    @cached_property
    def blocks(self) -> BlockTable:
        """The block table that `table` names or writes out."""
        if isinstance(self.table, str):
            return TABLES[self.table]
        return BlockTable.from_record(self.table)

    def settings_of(self, architecture: Architecture) -> NetworkSettings:
        """How this architecture is built and trained."""
        settings: NetworkSettings = getattr(self.networks, architecture.value)
        return settings

    def options_of(self, architecture: Architecture) -> dict[str, Any]:
        """What `build_segmenter` takes for this architecture, as JSON values."""
        record: dict[str, Any] = self.to_record()["networks"][architecture.value]["options"]
        return record

    def to_record(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return self.model_dump(mode="json")


def load_recipe(preset_or_path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Reads a preset or a YAML file, then sets what `overrides` say.

    Args:
        preset_or_path: a name of `preset_names`, or the path of a recipe file. A recipe file may
            name a preset or another file under `extends` and state only what differs.
        overrides: settings as "networks.unet.epochs=3"; the value is read as YAML.

    Raises:
        ConfigurationError: no such preset or file; not YAML; a setting is missing, unknown or out
            of range.
    """
    record = read_record(preset_or_path, overrides)
    if record.get("kind") == CASCADE_KIND:
        raise ConfigurationError(
            f"{preset_or_path} is the recipe of the default model, which is not one of the paper's "
            "methods; train it with `myoseg train`, or give another preset."
        )
    return recipe_from_record(record, source=str(preset_or_path))


def read_record(preset_or_path: str | Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """What a preset or a YAML file says, with `overrides`, not yet validated.

    Raises:
        ConfigurationError: no such preset or file; not YAML; an override cannot be read.
    """
    record = _read(preset_or_path, seen=())
    for override in overrides:
        record = _with_override(record, override)
    return record


def recipe_from_record(record: Mapping[str, Any], source: str = "recipe") -> Recipe:
    """The recipe that `Recipe.to_record` described.

    Raises:
        ConfigurationError: a setting is missing, unknown or out of range.
    """
    return validated(Recipe, record, source)


def recipe_to_yaml(recipe: Recipe) -> str:
    """The recipe as a file that `load_recipe` reads."""
    return yaml.safe_dump(recipe.to_record(), sort_keys=False, allow_unicode=True)


def preset_names() -> tuple[str, ...]:
    """The presets that come with the program."""
    folder = resources.files("myoseg.training") / "presets"
    files = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml")))


def _read(preset_or_path: str | Path, seen: tuple[str, ...]) -> dict[str, Any]:
    """The record of a preset or file, with what it extends filled in."""
    text, source, folder = _text_of(preset_or_path)
    if source in seen:
        raise ConfigurationError(
            f"recipe {source} extends itself: {' -> '.join((*seen, source))}; remove one `extends`."
        )
    record = parse_yaml(text, source)
    base = record.pop("extends", None)
    if base is None:
        return record
    if not isinstance(base, str):
        raise ConfigurationError(f"{source}: extends is {base!r}; name one preset or one file.")
    extended = base if base in preset_names() else folder / base
    return _merged(_read(extended, (*seen, source)), record)


def _text_of(preset_or_path: str | Path) -> tuple[str, str, Path]:
    """Text, source and folder of a preset or of a file."""
    path = Path(preset_or_path)
    presets = preset_names()
    if isinstance(preset_or_path, str) and preset_or_path in presets:
        entry = resources.files("myoseg.training") / "presets" / f"{preset_or_path}.yaml"
        return entry.read_text(encoding="utf-8"), preset_or_path, Path()
    try:
        return path.read_text(encoding="utf-8"), str(path), path.parent
    except (OSError, UnicodeDecodeError) as error:
        hint = suggestion(str(preset_or_path), presets)
        raise ConfigurationError(
            f"{preset_or_path} is neither a preset nor a recipe file that can be read; {hint}use "
            f"one of {', '.join(presets)}, or the path of a YAML file."
        ) from error


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` over it, section by section; a block table is replaced as a whole."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict) and key != "table"
        merged[key] = _merged(base[key], value) if both else value
    return merged


def _with_override(record: Mapping[str, Any], override: str) -> dict[str, Any]:
    path, equals, text = override.partition("=")
    if not equals or not all(path.split(".")):
        raise ConfigurationError(
            f"setting {override!r} cannot be read; write it as networks.unet.epochs=3."
        )
    change: Any = parse_yaml(f"value: {text}", source=f"setting {path}")["value"]
    for key in reversed(path.strip().split(".")):
        change = {key: change}
    return _merged(record, change)
