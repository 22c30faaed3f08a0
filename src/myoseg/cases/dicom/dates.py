"""Dates of a header in, dates that do not say when out."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from myoseg.cases.dicom.pseudonyms import Identity

DUMMY_DATES: Final[Mapping[str, str]] = MappingProxyType(
    {"DA": "19000101", "TM": "000000", "DT": "19000101000000"}
)
"""By VR."""

_N_DATE_DIGITS: Final = 8


def shifted_date(text: str, identity: Identity) -> str:
    """A date, or a date with a time, moved by the patient's number of days, its time as it was.

    Anything else than a whole date becomes the dummy of 1900.
    """
    day, rest = text[:_N_DATE_DIGITS], text[_N_DATE_DIGITS:]
    try:
        moved = identity.key.shifted(date.fromisoformat(day), identity.pseudonym)
    except (ValueError, OverflowError):
        return DUMMY_DATES["DA"] if not rest else DUMMY_DATES["DT"]
    is_time = rest.replace(".", "", 1).isdigit()
    return f"{moved:%Y%m%d}{rest if is_time else ''}"
