"""How tissues appear in figures: colours, names and short names, and the order of drawing."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from myoseg.anatomy import Sequence, Tissue, Tissues, representative
from myoseg.cases.legend import COLOURS as COLOURS
from myoseg.cases.legend import colour_of as colour_of
from myoseg.cases.legend import title_of as title_of

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


def in_drawing_order(groups: Iterable[Tissues]) -> list[Tissues]:
    """The groups as they are drawn, the mildest tissue of each deciding (`DRAWN`)."""
    return sorted(groups, key=lambda group: DRAWN.index(representative(group)))
