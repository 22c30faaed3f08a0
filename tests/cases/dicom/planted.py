"""An identity that tests plant into DICOM objects, and where it can be planted."""

import io

from pydicom.datadict import DicomDictionary

PLANTED = {
    "text": "Zyxwvut Qponmlk",
    "PN": "Zyxwvut^Qponmlk",
    "UI": "1.2.276.0.7230010.3.1.4.8323329.987654321",
    "DA": "19570413",
    "TM": "142753.193827",
    "DT": "19570413142753.193827",
    "UR": "http://hospital.example/zyxwvut",
}
"""By value representation; `text` for those that are not named."""

TEXTS = ("PN", "LO", "SH", "LT", "UT", "ST", "UC", "DA", "TM", "DT", "UI", "AE", "UR")
PLANTABLE = sorted(
    tag
    for tag, (vr, *_) in DicomDictionary.items()
    if vr in TEXTS and tag >> 16 > 0x0007 and tag >> 16 != 0xFFFE
)
"""Tags of the dictionary that hold texts, dates, times or identifiers; not those of file meta."""


def planted_value(vr):
    """What is planted into an attribute of a value representation."""
    value = PLANTED.get(vr, PLANTED["text"])
    return value[:16] if vr in ("SH", "AE") else value


def searched(value, vr):
    """The bytes by which a planted value would be known; of dates with times the date alone."""
    return value.encode()[:8] if vr in ("DA", "DT") else value.encode()


def as_bytes(made):
    """An object as a file holds it."""
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
