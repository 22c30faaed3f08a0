"""YAML text in, a mapping out; what YAML lets pass silently is refused."""

import re
from typing import Any

import yaml

from myoseg.errors import ConfigurationError


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses duplicate keys and reads 1e-5 as a number, as YAML 1.2 does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = {str(key) for key in keys if keys.count(key) > 1}
        if repeated:
            raise yaml.constructor.ConstructorError(
                problem=f"{', '.join(sorted(repeated))} is set twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)$"),
    list("-+.0123456789"),
)


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """The mapping that the text writes down.

    Args:
        text: YAML.
        source: where it comes from, for the message.

    Raises:
        ConfigurationError: not YAML, not a mapping, or a key is set twice.
    """
    try:
        record = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(
            f"{source} is not valid YAML: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(record, dict) or not all(isinstance(key, str) for key in record):
        raise ConfigurationError(
            f"{source} holds no settings; write one `name: value` a line, as the presets do."
        )
    return record
