"""Options that are names: a name as it was given in, one of those known out."""

from typing import TypeVar

from myoseg.errors import ConfigurationError

Name = TypeVar("Name", bound=str)


def choose(given: str, known: tuple[Name, ...], setting: str) -> Name:
    """The known name that was given.

    >>> choose("dice", ("dice", "focal"), "unet: loss")
    'dice'

    Args:
        given: what a configuration says.
        known: the names that exist.
        setting: what is named, for the message.

    Raises:
        ConfigurationError: the name is not among those known.
    """
    for name in known:
        if given == name:
            return name
    raise ConfigurationError(f"{setting} {given!r} is unknown; use {' or '.join(known)}.")
