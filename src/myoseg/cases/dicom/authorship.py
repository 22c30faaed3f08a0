"""Who made a result: the program, its version and how; fixed names and identifiers for DICOM."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final, Literal
from uuid import UUID, uuid5

PROGRAM: Final = "myoseg"
RESEARCH_ONLY: Final = "Research use only"

_NAMESPACE: Final = UUID("5b1c0a1e-7d0e-4f0c-9a53-6d1f3c1c2b77")

_LONGEST_NAME: Final = 64

Origin = Literal["AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"]


@dataclass(frozen=True)
class Authorship:
    """How a segmentation came about.

    Attributes:
        origin: by a model alone, by a model in contours that were drawn, or by hand.
        method: in words, such as the model's name; "" where it is not known.
        version: of this program.
    """

    origin: Origin = "AUTOMATIC"
    method: str = ""
    version: str = field(default_factory=lambda: version(PROGRAM))

    @property
    def name(self) -> str:
        """Program and method, as long as DICOM lets a name of an algorithm be."""
        return f"{PROGRAM} {self.method}".strip()[:_LONGEST_NAME]


def derived_uid(*parts: str | bytes) -> str:
    """A DICOM UID of what it is made of: the same parts give the same UID, on any machine.

    >>> derived_uid("a", "b") == derived_uid("a", "b") != derived_uid("ab")
    True
    """
    return f"2.25.{uuid5(_NAMESPACE, '/'.join(_as_text(parts))).int}"


def _as_text(parts: Iterable[str | bytes]) -> list[str]:
    return [part if isinstance(part, str) else part.hex() for part in parts]


DEVICE_UID: Final = derived_uid(PROGRAM)
"""Of this program as the device that observed what a structured report says."""
