"""Errors that a user can act on; anything else that is raised is a defect of the program."""

from typing import ClassVar


class MyosegError(Exception):
    """A job cannot be done; the message says what is wrong, where, and the remedy.

    Attributes:
        exit_code: of the command that ends by it.
    """

    exit_code: ClassVar[int] = 1


class InputError(MyosegError):
    """A file or array that was given cannot be used as it is."""


class GeometryError(InputError):
    """Two volumes that must share a grid do not."""


class ConfigurationError(MyosegError):
    """A configuration names an unknown setting or a value out of range."""


class ModelError(MyosegError):
    """A trained model is missing, incomplete, altered or of another version."""


class OutputError(MyosegError):
    """A result cannot be written."""


class TransferError(MyosegError):
    """A peer on the network cannot be reached, or does not do what was asked.

    Attributes:
        is_transient: whether the same again, a little later, may succeed.
    """

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient
