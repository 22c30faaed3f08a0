"""Colours and names of tissues in figures.

The colours keep the field's hues (blood pools red and blue, myocardium green, edema amber, scar
magenta) in shades that stay apart for readers with protanopia, deuteranopia or tritanopia.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from myoseg.anatomy import PAINT_ORDER, REGIONS, Sequence, Tissue, Tissues, representative

COLOURS: Final = MappingProxyType(
    {
        Tissue.LV_BLOOD_POOL: "#e03131",
        Tissue.RV_BLOOD_POOL: "#2f4bff",
        Tissue.NORMAL_MYOCARDIUM: "#8ce99a",
        Tissue.EDEMA: "#ffc20a",
        Tissue.SCAR: "#ff4fd8",
    }
)
"""Colour of each tissue, as #rrggbb."""

DRAWN: Final = (
    Tissue.NORMAL_MYOCARDIUM,
    Tissue.RV_BLOOD_POOL,
    Tissue.LV_BLOOD_POOL,
    Tissue.EDEMA,
    Tissue.SCAR,
)
"""In which order outlines are drawn: a shared border takes the later one's colour."""

ABBREVIATIONS: Final = MappingProxyType(
    {
        "lv_blood_pool": "LV BP",
        "rv_blood_pool": "RV BP",
        "normal_myocardium": "LV NM",
        "edema": "LV ME",
        "scar": "LV MS",
        "edema+scar": "LV ME+MS",
        "myocardium": "LV myocardium",
        "epicardium": "LV epicardium",
    }
)
"""The paper's short names of the regions of `anatomy.REGIONS`."""

SEQUENCE_TITLES: Final = MappingProxyType(
    {Sequence.BSSFP: "bSSFP", Sequence.LGE: "LGE", Sequence.T2: "T2"}
)


def colour_of(group: Tissues) -> str:
    """The colour of a group that was not told apart: that of its mildest tissue."""
    return COLOURS[representative(group)]


def in_drawing_order(groups: Iterable[Tissues]) -> list[Tissues]:
    """The groups as they are drawn, the mildest tissue of each deciding (`DRAWN`)."""
    return sorted(groups, key=lambda group: DRAWN.index(representative(group)))


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
