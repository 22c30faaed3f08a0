"""Names and colours of tissues, wherever results are shown or stored."""

from types import MappingProxyType
from typing import Final

from myoseg.anatomy import PAINT_ORDER, REGIONS, Tissue, Tissues, representative

COLOURS: Final = MappingProxyType(
    {
        Tissue.LV_BLOOD_POOL: "#e03131",
        Tissue.RV_BLOOD_POOL: "#2f4bff",
        Tissue.NORMAL_MYOCARDIUM: "#8ce99a",
        Tissue.EDEMA: "#ffc20a",
        Tissue.SCAR: "#ff4fd8",
    }
)
"""Colour of each tissue, as #rrggbb.

The field's hues (blood pools red and blue, myocardium green, edema amber, scar magenta) in shades
that stay apart for readers with protanopia, deuteranopia or tritanopia.
"""


def colour_of(group: Tissues) -> str:
    """The colour of a group that was not told apart: that of its mildest tissue."""
    return COLOURS[representative(group)]


def rgb_of(group: Tissues) -> tuple[int, int, int]:
    """The same colour as red, green and blue from 0 to 255.

    >>> rgb_of(frozenset({Tissue.SCAR}))
    (255, 79, 216)
    """
    colour = colour_of(group)
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def title_of(group: Tissues) -> str:
    """The group in words: the region of that extent, or its tissues one by one.

    >>> title_of(frozenset({Tissue.LV_BLOOD_POOL}))
    'LV blood pool'
    >>> title_of(frozenset({Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA}))
    'normal myocardium + edema'
    """
    regions = [name for name, region in REGIONS.items() if region == group]
    names = regions or [t.name.lower() for t in sorted(group, key=PAINT_ORDER.index)]
    words = " + ".join(name.replace("+", " + ").replace("_", " ") for name in names)
    return words.replace("lv ", "LV ").replace("rv ", "RV ")
