"""A status of DICOM's network services enters; what it says in words leaves."""

from typing import Final

SUCCESS: Final = 0x0000
DUPLICATE: Final = 0x0111
PENDING: Final = (0xFF00, 0xFF01)
CANCELLED: Final = 0xFE00
SOME_FAILED: Final = 0xB000

_WORDS: Final = {
    0x0105: "no such attribute",
    0x0106: "invalid attribute value",
    0x0110: "processing failure",
    DUPLICATE: "the archive has it already",
    0x0112: "no such instance",
    0x0117: "invalid instance",
    0x0118: "no such kind of object",
    0x0122: "the archive does not take this kind of object",
    0x0124: "not authorised",
    0x0210: "duplicate invocation",
    0x0211: "the operation is not known",
    0x0213: "out of resources",
    0xA801: "the archive does not know the destination",
    0xA900: "the content does not fit its kind of object",
    0xB000: "taken, with changes",
    0xB006: "taken, with elements left out",
    0xB007: "taken, though it does not fit its kind of object",
    CANCELLED: "cancelled",
}
_RANGES: Final = (
    (0xA700, 0xA7FF, "out of resources"),
    (0xA900, 0xA9FF, "the content does not fit its kind of object"),
    (0xC000, 0xCFFF, "it cannot be understood or processed"),
    (0x0100, 0x02FF, "failed"),
    (0xA000, 0xAFFF, "failed"),
    (0xB000, 0xBFFF, "done, with a warning"),
)
"""After PS3.4, annexes B and C, and PS3.7, annex C."""


def words_of(status: int) -> str:
    """What a status says.

    >>> words_of(0xA702), words_of(0x0122)
    ('out of resources (A702)', 'the archive does not take this kind of object (0122)')
    """
    said = _WORDS.get(status)
    if said is None:
        in_range = (words for first, last, words in _RANGES if first <= status <= last)
        said = next(in_range, "unknown status")
    return f"{said} ({status:04X})"


def is_taken(status: int) -> bool:
    """Whether an archive holds an object after it answered with this: success, warning, known."""
    return status in (SUCCESS, DUPLICATE, 0x0001, 0x0107, 0x0116) or 0xB000 <= status <= 0xBFFF


def may_pass(status: int) -> bool:
    """Whether the same again, later, may succeed: resources that ran out."""
    return status == 0x0213 or 0xA700 <= status <= 0xA7FF
