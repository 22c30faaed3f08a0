"""Codes of what is measured: concepts and UCUM units, for reports and for those who read them.

DICOM has codes for volume, mass and thickness; what is a share of the myocardium, and what is
called after a criterion of the field, has a code of this program's (`codes.PRIVATE_SCHEME`).
"""

from typing import Final

from pydicom.sr.coding import Code

from myoseg.cases.dicom.codes import PRIVATE_SCHEME

PRIVATE_SCHEME_NAME: Final = "Concepts of the program myoseg"

MILLILITRE: Final = Code("ml", "UCUM", "milliliter")
GRAM: Final = Code("g", "UCUM", "gram")
PERCENT: Final = Code("%", "UCUM", "Percent")
MILLIMETRE: Final = Code("mm", "UCUM", "millimeter")
RATIO: Final = Code("{ratio}", "UCUM", "ratio")

VOLUME: Final = Code("118565006", "SCT", "Volume")
MASS: Final = Code("118538004", "SCT", "Mass")
THICKNESS: Final = Code("59089-3", "LN", "Thickness")


def _own(value: str, meaning: str) -> Code:
    return Code(value, PRIVATE_SCHEME, meaning)


OBSTRUCTION: Final = _own("MVO", "Microvascular obstruction")
SHARE_OF_WALL: Final = _own("PERCENT_LV", "Percent of left ventricular myocardium")
SHARE_OF_SEGMENT: Final = _own("PERCENT_SEG", "Percent of the segment's myocardium")
SALVAGE: Final = _own("SALVAGE", "Myocardial salvage index")
TRANSMURAL_MEAN: Final = _own("TRANSMURAL_MEAN", "Transmurality, mean where present")
TRANSMURAL_MAX: Final = _own("TRANSMURAL_MAX", "Transmurality, maximum")

UNITS: Final = (MILLILITRE, GRAM, PERCENT, MILLIMETRE, RATIO)
MEASURES: Final = (
    *(VOLUME, MASS, THICKNESS, SHARE_OF_WALL, SHARE_OF_SEGMENT),
    *(SALVAGE, TRANSMURAL_MEAN, TRANSMURAL_MAX),
)
"""Concepts that a number is given for."""
