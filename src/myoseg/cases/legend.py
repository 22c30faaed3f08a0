"""Names and colours of tissues, wherever results are shown or stored."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from myoseg.anatomy import PAINT_ORDER, REGIONS, Tissue, Tissues, representative
from myoseg.block_tables import TABLES

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
    return in_words("+".join(names))


def in_words(name: str) -> str:
    """The name of a region, a tissue or several, as a reader writes it.

    >>> in_words("rv_blood_pool+edema")
    'RV blood pool + edema'
    """
    words = name.replace("+", " + ").replace("_", " ")
    return words.replace("lv ", "LV ").replace("rv ", "RV ")


def titles_of(regions: Iterable[str]) -> str:
    """Regions of `anatomy.REGIONS` in words, for a sentence.

    >>> titles_of(["rv_blood_pool", "edema+scar"])
    'RV blood pool, edema + scar'
    """
    return ", ".join(title_of(REGIONS[name]) for name in regions)


def title_of_block(name: str) -> str:
    """What a block looks for, in words; a block of no table that comes with the package by name.

    >>> title_of_block("lvmems"), title_of_block("lv_epicardium"), title_of_block("my_block")
    ('edema + scar', 'epicardium', 'my block')
    """
    found = (block for table in TABLES.values() for block in table.blocks if block.name == name)
    block = next(found, None)
    return in_words(name) if block is None else title_of(block.target)
