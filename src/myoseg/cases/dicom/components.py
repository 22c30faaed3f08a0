"""What of the complex image a picture shows, from its image type and its description."""

import re
from typing import Final

from myoseg.cases.dicom.frames import Component

_MAGNITUDE_WORD: Final = re.compile(r"(^|[^a-z])mag(n|nitude)?([^a-z]|$)")
_PSIR_WORD: Final = re.compile(r"psir|phase.?sens|ps[-_ ]?(ir|mde)|(^|[^a-z])ps([^a-z]|$)")
_BY_TYPE: Final[dict[str, Component]] = {
    "M": "magnitude",
    "MAGNITUDE": "magnitude",
    "P": "phase",
    "PHASE": "phase",
    "PHASE MAP": "phase",
    "VELOCITY": "phase",
    "VELOCITY MAP": "phase",
    "R": "real",
    "REAL": "real",
    "I": "imaginary",
    "IMAGINARY": "imaginary",
}


def component_of(image_type: tuple[str, ...], description: str) -> Component:
    """The component; magnitude where nothing else is said.

    The description is asked first: scanners call the magnitude that goes with a phase-sensitive
    image by the sequence's name with "MAG", and write M for both. Then come the values of the
    image type beyond the second, without what Philips adds after an underscore (M_FFE, R_IR). A
    real image of an inversion recovery is a phase-sensitive one.

    >>> component_of(("ORIGINAL", "PRIMARY", "M"), "lge_psir_sax_MAG")
    'magnitude'
    >>> component_of(("ORIGINAL", "PRIMARY", "R_IR", "R", "IR"), "LGE SA")
    'phase-sensitive'
    """
    spoken = description.lower()
    values = image_type[2:]
    found = next((_BY_TYPE[v] for value in values if (v := value.split("_")[0]) in _BY_TYPE), None)
    if _MAGNITUDE_WORD.search(spoken):
        return "magnitude"
    if any("PSIR" in value for value in values) or _PSIR_WORD.search(spoken):
        return "phase-sensitive" if found != "imaginary" else found
    if found == "real" and any("IR" in value.split("_") for value in values):
        return "phase-sensitive"
    return found or "magnitude"
