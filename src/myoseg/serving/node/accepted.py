"""What a node takes: which kinds of object, in which encodings."""

from typing import Final

from myoseg.cases.dicom.headers import MR_CLASSES

STORED: Final = MR_CLASSES
"""SOP classes that are received: MR, Enhanced MR and Legacy Converted Enhanced MR images."""

ENCODINGS: Final = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
)
"""Transfer syntaxes, the preferred ones first: explicit and implicit VR little endian, explicit VR
big endian, deflated, RLE, JPEG (baseline, extended, lossless), JPEG-LS, JPEG 2000."""
