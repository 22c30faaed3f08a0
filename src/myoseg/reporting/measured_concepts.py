"""What is measured, in codes: names of measures enter, findings, concepts and units leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydicom.sr.coding import Code

from myoseg.anatomy import REGIONS
from myoseg.cases.dicom.codes import PRIVATE_SCHEME, property_codes
from myoseg.cases.dicom.measure_codes import (
    GRAM,
    MASS,
    MILLILITRE,
    MILLIMETRE,
    OBSTRUCTION,
    PERCENT,
    PRIVATE_SCHEME_NAME,
    RATIO,
    SALVAGE,
    SHARE_OF_SEGMENT,
    SHARE_OF_WALL,
    THICKNESS,
    TRANSMURAL_MAX,
    TRANSMURAL_MEAN,
    VOLUME,
)

Concepts = Mapping[str, tuple[Code, Code]]
"""Field of a record of measures to concept and unit."""


@dataclass(frozen=True)
class Finding:
    """Something measured as a whole.

    Attributes:
        name: for readers.
        region: of `anatomy.REGIONS`; None where there is none.
        finding: what it is.
        concepts: fields of `quantification.burden.Burden`.
    """

    name: str
    region: str | None
    finding: Code
    concepts: Concepts


def _of_region(name: str, region: str, concepts: Concepts) -> Finding:
    return Finding(name, region, property_codes(REGIONS[region]).type, concepts)


def _amounts(prefix: str) -> dict[str, tuple[Code, Code]]:
    return {f"{prefix}_volume_ml": (VOLUME, MILLILITRE), f"{prefix}_mass_g": (MASS, GRAM)}


def _extent(prefix: str) -> dict[str, tuple[Code, Code]]:
    return _amounts(prefix) | {f"{prefix}_percent_of_myocardium": (SHARE_OF_WALL, PERCENT)}


FINDINGS: Final = (
    _of_region("LV blood pool", "lv_blood_pool", {"lv_blood_pool_volume_ml": (VOLUME, MILLILITRE)}),
    _of_region("RV blood pool", "rv_blood_pool", {"rv_blood_pool_volume_ml": (VOLUME, MILLILITRE)}),
    _of_region(
        "LV myocardium",
        "myocardium",
        {"myocardium_volume_ml": (VOLUME, MILLILITRE), "lv_mass_g": (MASS, GRAM)},
    ),
    _of_region("Normal myocardium", "normal_myocardium", _amounts("normal_myocardium")),
    _of_region("Edema", "edema", _extent("edema")),
    _of_region("Scar", "scar", _extent("scar")),
    _of_region(
        "Edema and scar",
        "edema+scar",
        _extent("edema_and_scar") | {"salvage_index": (SALVAGE, RATIO)},
    ),
    Finding(OBSTRUCTION.meaning, None, OBSTRUCTION, _extent("microvascular_obstruction")),
)
"""Of a whole case, in the order of the report."""

IN_SEGMENTS: Final = (
    _of_region(
        "myocardium",
        "myocardium",
        {"myocardium_mass_g": (MASS, GRAM), "wall_thickness_mm": (THICKNESS, MILLIMETRE)},
    ),
    _of_region(
        "scar",
        "scar",
        {
            "scar_mass_g": (MASS, GRAM),
            "scar_percent": (SHARE_OF_SEGMENT, PERCENT),
            "scar_transmurality_mean_percent": (TRANSMURAL_MEAN, PERCENT),
            "scar_transmurality_max_percent": (TRANSMURAL_MAX, PERCENT),
        },
    ),
    _of_region("edema", "edema", {"edema_percent": (SHARE_OF_SEGMENT, PERCENT)}),
)
"""Of each segment of the American Heart Association (`quantification.segments`)."""

CODING_SCHEME_NAMES: Final = MappingProxyType({PRIVATE_SCHEME: PRIVATE_SCHEME_NAME})
