"""What results are called in DICOM: a group of tissues enters, its codes in SNOMED CT leave.

Category and type are paired as PS3.16 pairs them (CID 7150: anatomical structures with CID 7192,
tissues with CID 7191, morphologically abnormal structures with CID 7194). The myocardium of the
left ventricle is in none of these; it is coded as in CID 12305. Concepts without a code in SNOMED
CT, DICOM or UCUM have one of this program's, under the designator `PRIVATE_SCHEME`.
"""

from dataclasses import dataclass
from typing import Final

from pydicom.sr.coding import Code

from myoseg.anatomy import CONSECUTIVE_CODES, REGIONS, Tissue, Tissues, representative

PRIVATE_SCHEME: Final = "99MYOSEG"

_ANATOMICAL: Final = Code("91723000", "SCT", "Anatomical Structure")
_TISSUE: Final = Code("85756007", "SCT", "Tissue")
_ABNORMAL: Final = Code("49755003", "SCT", "Morphologically Abnormal Structure")

LEFT_VENTRICLE: Final = Code("87878005", "SCT", "Left ventricle")
RIGHT_VENTRICLE: Final = Code("53085002", "SCT", "Right ventricle")
LV_MYOCARDIUM: Final = Code("49848007", "SCT", "Left Ventricle Myocardium")
EDEMA: Final = Code("79654002", "SCT", "Edema")
SCAR: Final = Code("12402003", "SCT", "Scar tissue")
LESION: Final = Code("52988006", "SCT", "Lesion")
NORMAL: Final = Code("17621005", "SCT", "Normal")

ARTIFICIAL_INTELLIGENCE: Final = Code("123110", "DCM", "Artificial Intelligence")

AHA_SEGMENTS: Final = (
    Code("264850008", "SCT", "left ventricle basal anterior segment"),
    Code("396482007", "SCT", "left ventricle basal anteroseptal segment"),
    Code("396646008", "SCT", "left ventricle basal inferoseptal segment"),
    Code("264846001", "SCT", "left ventricle basal inferior segment"),
    Code("396652009", "SCT", "left ventricle basal inferolateral segment"),
    Code("396654005", "SCT", "left ventricle basal anterolateral segment"),
    Code("264848000", "SCT", "left ventricle mid anterior segment"),
    Code("396647004", "SCT", "left ventricle mid anteroseptal segment"),
    Code("396649001", "SCT", "left ventricle mid inferoseptal segment"),
    Code("264847005", "SCT", "left ventricle mid inferior segment"),
    Code("396655006", "SCT", "left ventricle mid inferolateral segment"),
    Code("396656007", "SCT", "left ventricle mid anterolateral segment"),
    Code("264844003", "SCT", "left ventricle apical anterior segment"),
    Code("264845002", "SCT", "left ventricle apical septal segment"),
    Code("264849008", "SCT", "left ventricle apical inferior segment"),
    Code("264853005", "SCT", "left ventricle apical lateral segment"),
)
"""Segments 1 to 16 of the American Heart Association, after CID 3717."""


@dataclass(frozen=True)
class PropertyCodes:
    """How a segment says what it is: category, type, the type's modifier, and where it lies."""

    category: Code
    type: Code
    modifier: Code | None = None
    region: Code | None = None


PROPERTIES: Final[dict[Tissues, PropertyCodes]] = {
    frozenset({Tissue.LV_BLOOD_POOL}): PropertyCodes(_ANATOMICAL, LEFT_VENTRICLE),
    frozenset({Tissue.RV_BLOOD_POOL}): PropertyCodes(_ANATOMICAL, RIGHT_VENTRICLE),
    frozenset({Tissue.NORMAL_MYOCARDIUM}): PropertyCodes(_ANATOMICAL, LV_MYOCARDIUM, NORMAL),
    frozenset({Tissue.EDEMA}): PropertyCodes(_ABNORMAL, EDEMA, region=LV_MYOCARDIUM),
    frozenset({Tissue.SCAR}): PropertyCodes(_TISSUE, SCAR, region=LV_MYOCARDIUM),
    REGIONS["edema+scar"]: PropertyCodes(_ABNORMAL, LESION, region=LV_MYOCARDIUM),
}
"""Of the groups that have codes of their own; see `property_codes` for the others."""


def property_codes(group: Tissues) -> PropertyCodes:
    """The codes of a group of tissues.

    A group with normal and diseased myocardium that were not told apart is coded as myocardium,
    without a word on its state; its segment's label names the tissues.

    >>> property_codes(REGIONS["myocardium"]).type.meaning
    'Left Ventricle Myocardium'
    """
    return PROPERTIES.get(group, PropertyCodes(_ANATOMICAL, LV_MYOCARDIUM))


def in_segment_order(groups: tuple[Tissues, ...]) -> tuple[Tissues, ...]:
    """The groups as segments are numbered: in the order of `anatomy.CONSECUTIVE_CODES`."""
    return tuple(sorted(groups, key=lambda group: CONSECUTIVE_CODES[representative(group)]))
