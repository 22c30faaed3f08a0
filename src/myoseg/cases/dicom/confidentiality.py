"""An attribute in, what DICOM's basic confidentiality profile does with it out.

The profile is table E.1-1 of DICOM PS3.15 (2026c) as the package dicom-anonymizer carries it.
Where it leaves a choice that depends on whether an object must have the attribute (X/Z, X/D, Z/D,
X/Z/D), the attribute stays with an empty or a dummy value, which every object may have.
"""

from enum import Enum
from functools import lru_cache
from typing import Final

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.tag import BaseTag

EDITION: Final = "2026c"
_WHOLE_TAG: Final = 2


class Action(Enum):
    """What becomes of an attribute; the letters are those of PS3.15, section E.3."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    REPLACE_UID = "U"
    CLEAN_REFERENCES = "U*"


_LISTS: Final = (
    (Action.REMOVE, (table.X_TAGS,)),
    (Action.EMPTY, (table.Z_TAGS, table.X_Z_TAGS)),
    (Action.DUMMY, (table.D_TAGS, table.Z_D_TAGS, table.X_D_TAGS, table.X_Z_D_TAGS)),
    (Action.REPLACE_UID, (table.U_TAGS,)),
    (Action.CLEAN_REFERENCES, (table.X_Z_U_STAR_TAGS,)),
)


def action_on(tag: BaseTag) -> Action | None:
    """The profile's action on an attribute; None where the profile does not name it."""
    return _by_tag().get((tag.group, tag.element)) or _by_repeating_group(tag)


@lru_cache(maxsize=1)
def _by_tag() -> dict[tuple[int, int], Action]:
    return {
        (each[0], each[1]): action
        for action, lists in _LISTS
        for tags in lists
        for each in tags
        if len(each) == _WHOLE_TAG
    }


def _by_repeating_group(tag: BaseTag) -> Action | None:
    """Curves and overlays, whose group counts up: all such entries of the table are removed."""
    for group, element, group_mask, element_mask in _repeating_groups():
        if (tag.group & group_mask, tag.element & element_mask) == (group, element):
            return Action.REMOVE
    return None


@lru_cache(maxsize=1)
def _repeating_groups() -> tuple[tuple[int, int, int, int], ...]:
    """Group and element under their masks, and the masks."""
    return tuple(
        (group & group_mask, element & element_mask, group_mask, element_mask)
        for group, element, group_mask, element_mask in (
            each for each in table.X_TAGS if len(each) > _WHOLE_TAG
        )
    )
