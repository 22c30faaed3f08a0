"""Single values of a DICOM header, read forgivingly: a wrong type or a damaged value is None.

Values are decoded here and not by pydicom, which takes most of a scan's time and raises on what
scanners and archives write against the standard.
"""

import math
import struct
from typing import Any, Final

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

_BINARY: Final = {
    "US": "H",
    "SS": "h",
    "UL": "I",
    "SL": "i",
    "FL": "f",
    "FD": "d",
    "UV": "Q",
    "SV": "q",
}
_LONGEST_VALUE_BYTES: Final = 4096
_LONGEST_TEXT: Final = 128


def words(dataset: Dataset, tag: int) -> tuple[str, ...]:
    """A text's values, stripped; empty if there is none."""
    raw = _element(dataset, tag)
    if raw is None or raw.value is None:
        return ()
    if not isinstance(raw, RawDataElement):
        return tuple(str(value).strip() for value in _several(raw.value))
    if not isinstance(raw.value, bytes) or len(raw.value) > _LONGEST_VALUE_BYTES:
        return ()
    binary = _BINARY.get(_vr(raw, tag))
    if binary is not None:
        return tuple(str(number) for number in _unpacked(raw, binary))
    return tuple([part.strip(" \0\t\r\n") for part in _decoded(raw.value).split("\\")])


def text(dataset: Dataset, tag: int) -> str:
    """A text with its values joined by backslashes, without characters that do not print."""
    joined = "\\".join(words(dataset, tag))[:_LONGEST_TEXT]
    if joined.isprintable():
        return joined
    return "".join(letter for letter in joined if letter.isprintable())


def numbers(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """The finite numbers of a value, however they are stored; empty if one of them is none."""
    found = []
    for word in words(dataset, tag):
        try:
            value = float(word)
        except ValueError:
            return ()
        if not math.isfinite(value):
            return ()
        found.append(value)
    return tuple(found)


def number(dataset: Dataset, tag: int) -> float | None:
    """The first number of a value."""
    found = numbers(dataset, tag)
    return found[0] if found else None


def whole(dataset: Dataset, tag: int) -> int | None:
    """The first number of a value, if it is whole."""
    value = number(dataset, tag)
    return int(value) if value is not None and value.is_integer() else None


def items(dataset: Dataset, tag: int) -> list[Dataset]:
    """The items of a sequence; none where it is damaged or no sequence."""
    try:
        value = dataset[tag].value if tag in dataset else None
    except Exception:
        # pydicom raises nearly anything on damaged sequences.
        return []
    return list(value) if isinstance(value, Items) else []


def item(dataset: Dataset, tag: int) -> Dataset:
    """The first item of a sequence, empty if there is none."""
    found = items(dataset, tag)
    return found[0] if found else Dataset()


def _element(dataset: Dataset, tag: int) -> Any:
    """The element as it is stored, or None where it is missing or beyond reading."""
    try:
        return dataset.get_item(tag)
    except Exception:
        # As above: pydicom decodes an element whose value was cut off.
        return None


def _vr(raw: Any, tag: int) -> str:
    if raw.VR is not None:
        return str(raw.VR)
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _unpacked(raw: Any, code: str) -> tuple[int | float, ...]:
    size = struct.calcsize(code)
    count = len(raw.value) // size
    order = "<" if raw.is_little_endian else ">"
    return struct.unpack(f"{order}{count}{code}", raw.value[: count * size])


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _several(value: Any) -> tuple[Any, ...]:
    several = hasattr(value, "__iter__") and not isinstance(value, str | bytes)
    return tuple(value) if several else (value,)
