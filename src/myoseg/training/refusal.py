"""Why a configuration was refused: each setting by its path, its value and what is allowed."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from myoseg.errors import ConfigurationError

_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "over",
    "maximum": "at most",
    "exclusiveMaximum": "under",
    "multipleOf": "a multiple of",
    "minLength": "length at least",
    "minItems": "items at least",
    "maxItems": "items at most",
}


Checked = TypeVar("Checked", bound=BaseModel)


def validated(model: type[Checked], record: Mapping[str, Any], source: str) -> Checked:
    """The record as a recipe of that type.

    Raises:
        ConfigurationError: a setting is missing, unknown or out of range; each is named.
    """
    try:
        return model.model_validate(record)
    except ValidationError as error:
        raise ConfigurationError(refusal(error, model, source)) from error


def refusal(error: ValidationError, model: type[BaseModel], source: str) -> str:
    """One message that names every setting at fault, its value and what it may be."""
    lines = [_line(details, model) for details in error.errors()]
    return "\n  ".join([f"{source} cannot be used:", *dict.fromkeys(lines)])


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint at the nearest known word, or nothing.

    >>> suggestion("epoch", ["epochs", "seed"])
    'did you mean epochs? '
    """
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def _line(details: ErrorDetails, model: type[BaseModel]) -> str:
    path = ".".join(str(part) for part in details["loc"])
    schema = model.model_json_schema()
    if details["type"] == "extra_forbidden":
        *section, name = details["loc"]
        known = _schema_at(schema, section).get("properties", {})
        place = ".".join(str(part) for part in section) or "a recipe"
        hint = suggestion(str(name), known)
        return f"{path} is not a setting; {hint}{place} has {', '.join(known)}"
    allowed = _allowed(_schema_at(schema, details["loc"]))
    if details["type"] == "missing":
        return f"{path} is missing{f'; it must be {allowed}' if allowed else ''}"
    if details["type"] == "value_error":
        return f"{path}: {details['ctx']['error']}"
    wanted = allowed or details["msg"]
    return f"{path} is {details['input']!r}; it must be {wanted}"


def _schema_at(schema: Mapping[str, Any], path: Iterable[int | str]) -> Mapping[str, Any]:
    """The part of a JSON schema that describes the setting at `path`; empty if there is none."""
    part = schema
    for key in path:
        part = _resolved(part, schema)
        if isinstance(key, int):
            prefix = part.get("prefixItems", [])
            part = prefix[key] if key < len(prefix) else part.get("items", {})
        else:
            part = part.get("properties", {}).get(key, {})
    return _resolved(part, schema)


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(part.get("$ref", "")).rpartition("/")[2]
    resolved: Mapping[str, Any] = schema["$defs"][name] if name else part
    return resolved


def _allowed(part: Mapping[str, Any]) -> str:
    """A schema in words: "a number over 0 and at most 1"."""
    if "anyOf" in part:
        return " or ".join(_allowed(choice) for choice in part["anyOf"])
    if "enum" in part:
        return f"one of {', '.join(map(str, part['enum']))}"
    bounds = [f"{words} {part[key]}" for key, words in _BOUNDS.items() if key in part]
    kinds = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "a text",
        "array": "a list",
        "object": "a section",
        "null": "null",
    }
    kind = kinds.get(str(part.get("type", "")), str(part.get("const", "")))
    return " ".join([kind, " and ".join(bounds)]).strip()
