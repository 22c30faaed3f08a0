"""The sequences that are read, the tissues that are found, and the regions that are measured."""

from enum import IntEnum, StrEnum
from typing import Final, TypeAlias


class Sequence(StrEnum):
    """A cardiac MR sequence."""

    BSSFP = "bssfp"
    LGE = "lge"
    T2 = "t2"


class Tissue(IntEnum):
    """A tissue of the heart; its value is the MyoPS 2020 label code (paper, section 3.1)."""

    NORMAL_MYOCARDIUM = 200
    LV_BLOOD_POOL = 500
    RV_BLOOD_POOL = 600
    EDEMA = 1220
    SCAR = 2221


Tissues: TypeAlias = frozenset[Tissue]

BACKGROUND: Final = 0

MYOCARDIUM: Final[Tissues] = frozenset({Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA, Tissue.SCAR})
"""All of the left ventricle's wall, diseased or not."""

PAINT_ORDER: Final = (
    Tissue.RV_BLOOD_POOL,
    Tissue.LV_BLOOD_POOL,
    Tissue.NORMAL_MYOCARDIUM,
    Tissue.EDEMA,
    Tissue.SCAR,
)
"""Where two tissues claim a pixel, the later one is painted over the earlier."""

EACH_TISSUE: Final[tuple[Tissues, ...]] = tuple(frozenset({tissue}) for tissue in Tissue)
"""The groups of a labelling that tells every tissue from every other."""

REGIONS: Final[dict[str, Tissues]] = {
    "lv_blood_pool": frozenset({Tissue.LV_BLOOD_POOL}),
    "rv_blood_pool": frozenset({Tissue.RV_BLOOD_POOL}),
    "normal_myocardium": frozenset({Tissue.NORMAL_MYOCARDIUM}),
    "edema": frozenset({Tissue.EDEMA}),
    "scar": frozenset({Tissue.SCAR}),
    "edema+scar": frozenset({Tissue.EDEMA, Tissue.SCAR}),
    "myocardium": MYOCARDIUM,
    "epicardium": MYOCARDIUM | {Tissue.LV_BLOOD_POOL},
}
"""The regions that are measured and compared, as unions of tissues."""

CONSECUTIVE_CODES: Final[dict[Tissue, int]] = {
    Tissue.LV_BLOOD_POOL: 1,
    Tissue.RV_BLOOD_POOL: 2,
    Tissue.NORMAL_MYOCARDIUM: 3,
    Tissue.EDEMA: 4,
    Tissue.SCAR: 5,
}
"""Label codes without gaps, in the order of the paper's abstract, for programs that want those."""


def representative(group: Tissues) -> Tissue:
    """The tissue whose code stands for a group that cannot be told apart: the mildest of it.

    >>> representative(MYOCARDIUM)
    <Tissue.NORMAL_MYOCARDIUM: 200>
    """
    return min(group, key=PAINT_ORDER.index)
