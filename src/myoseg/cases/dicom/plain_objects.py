"""Files in; their MR images, segmentations and reports out, uncompressed, or why there is none."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    RLELossless,
)

from myoseg.cases.dicom.decoding import Stored, decode_each_apart
from myoseg.cases.dicom.opening import is_dicom, read_whole
from myoseg.cases.dicom.pixels import coded_size
from myoseg.cases.dicom.results_without_identity import REPORTS, RESULTS
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import InputError

IMAGES: Final = frozenset(
    {MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage}
)
"""What is taken beside segmentations and structured reports (`RESULTS`).

Other reports, documents and screenshots are not: what they say cannot be checked.
"""

NO_DICOM: Final = "no DICOM file"
UNREADABLE: Final = "not readable"
NO_IMAGE: Final = (
    "no MR image, segmentation or structured report of measurements: document, screenshot, other "
    "modality or other object"
)
BURNED_IN: Final = "text is burned into the image, or it is a screenshot"
BAD_PIXELS: Final = "pixels are missing, cut short or cannot be decompressed"

LARGEST_PIXELS_BYTES: Final = 1 << 31
WORD_BITS: Final = 16
WAITING: Final = 32
"""Compressed images that are decoded together, since a process takes a while to start."""

SMALL_BYTES: Final = 1 << 22
"""Larger ones are decoded at once, so that memory stays bounded."""

_SCREENS: Final = frozenset({"SCREEN SAVE", "SCREENSAVE", "SECONDARY CAPTURE"})
_DECODED_BITS: Final = (8, 16)


def plain_objects(paths: Iterable[Path]) -> Iterator[Dataset | str]:
    """An object of each file, or the reason why there is none; those to be decoded come later.

    Pixels compressed by a codec are decoded in a process of their own (`decoding`).
    """
    waiting: list[tuple[Path, Dataset]] = []
    for path in paths:
        with libraries_silent():
            found = _object_or_reason(path)
            if not isinstance(found, str) and not _needs_codec(found):
                found = found if _made_plain(found) else BAD_PIXELS
        if isinstance(found, str) or not _needs_codec(found):
            yield found
            continue
        waiting.append((path, found))
        if len(waiting) == WAITING or _n_pixel_bytes(found) > SMALL_BYTES:
            yield from _decoded(waiting)
            waiting = []
    yield from _decoded(waiting)


def _object_or_reason(path: Path) -> Dataset | str:
    """An MR image, a segmentation or a report as it is stored; or why there is none."""
    try:
        if not is_dicom(path):
            return NO_DICOM
        found = read_whole(path)
        kind = str(found.get("SOPClassUID"))
        if kind in REPORTS:
            return NO_IMAGE if "PixelData" in found else found
        if kind not in IMAGES | RESULTS or "PixelData" not in found:
            return NO_IMAGE
        if _shows_text(found):
            return BURNED_IN
        if _needs_codec(found) and not _may_be_decoded(found):
            return BAD_PIXELS
    except Exception:
        return UNREADABLE  # pydicom raises nearly anything on damaged headers
    return found


def _shows_text(image: Dataset) -> bool:
    stated = str(image.get("BurnedInAnnotation") or "").strip().upper()
    kinds = image.get("ImageType") or ()
    several = [kinds] if isinstance(kinds, str) else kinds
    is_screen = any(str(each).strip().upper() in _SCREENS for each in several)
    return stated == "YES" or is_screen or "ConversionType" in image


def _needs_codec(image: Dataset) -> bool:
    """Whether pixels are compressed by a codec; run lengths are undone by pydicom itself."""
    if "PixelData" not in image:
        return False
    syntax = image.file_meta.TransferSyntaxUID
    return bool(syntax.is_encapsulated) and syntax != RLELossless


def _may_be_decoded(image: Dataset) -> bool:
    """Whether a compressed image is grey and as large as its header says, each frame of it."""
    n_frames = int(image.get("NumberOfFrames") or 1)
    size = int(image.Rows), int(image.Columns)
    is_grey = int(image.get("SamplesPerPixel", 1)) == 1
    is_known = int(image.BitsAllocated) in _DECODED_BITS
    if not (is_grey and is_known and 0 < _n_pixel_bytes(image) <= LARGEST_PIXELS_BYTES):
        return False
    coded = (
        coded_size(get_frame(image.PixelData, index, number_of_frames=n_frames))
        for index in range(n_frames)
    )
    return all(each is None or each == size for each in coded)


def _n_pixel_bytes(image: Dataset) -> int:
    """Of all frames, uncompressed."""
    n_values = int(image.Rows) * int(image.Columns) * int(image.get("SamplesPerPixel", 1))
    return (n_values * int(image.get("NumberOfFrames") or 1) * int(image.BitsAllocated) + 7) // 8


def _decoded(waiting: list[tuple[Path, Dataset]]) -> Iterator[Dataset | str]:
    """Compressed images with their pixels decoded."""
    if not waiting:
        return
    counts = [int(image.get("NumberOfFrames") or 1) for _, image in waiting]
    asked = [
        (path, index) for (path, _), n in zip(waiting, counts, strict=True) for index in range(n)
    ]
    answers = iter(decode_each_apart(asked))
    for (_, image), n_frames in zip(waiting, counts, strict=True):
        frames = [next(answers) for _ in range(n_frames)]
        with libraries_silent():
            try:
                is_plain = _given(image, frames) and _made_plain(image)
            except Exception:
                is_plain = False  # a damaged header holds nearly anything where a number is due
            found = image if is_plain else BAD_PIXELS
        yield found


def _given(image: Dataset, frames: list[Stored | InputError]) -> bool:
    """Sets decoded pixels, if they are what the header says; alters `image`."""
    letter = "i" if int(image.PixelRepresentation) else "u"
    kind = np.dtype(f"<{letter}{int(image.BitsAllocated) // 8}")
    shape = int(image.Rows), int(image.Columns)
    parts = []
    for each in frames:
        if (
            isinstance(each, InputError)
            or each.shape != shape
            or each.dtype.itemsize > kind.itemsize
        ):
            return False
        parts.append(each.astype(kind).tobytes())
    image.PixelData = b"".join(parts)
    image["PixelData"].VR = "OW"
    image["PixelData"].is_undefined_length = False
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return True


def _made_plain(image: Dataset) -> bool:
    """Undoes run lengths and deflation, since they may hide comments, and cuts what follows pixels.

    Alters `image`, which was read for this.
    """
    try:
        if "PixelData" not in image:
            return True
        n_bytes = _n_pixel_bytes(image)
        if not 0 < n_bytes <= LARGEST_PIXELS_BYTES:
            return False
        if image.file_meta.TransferSyntaxUID.is_encapsulated:
            image.decompress(generate_instance_uid=False)
        if image.file_meta.TransferSyntaxUID.is_deflated:
            image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if len(image.PixelData) < n_bytes:
            return False
        pixels = _within_bits_stored(image, bytes(image.PixelData[:n_bytes]))
        image.PixelData = pixels + b"\0" * (n_bytes % 2)
    except Exception:
        return False  # decoders raise nearly anything on damaged pixels
    return True


def _within_bits_stored(image: Dataset, pixels: bytes) -> bytes:
    """The pixels without what older scanners put into unused upper bits: overlays with text."""
    unused = int(image.BitsAllocated) - int(image.BitsStored)
    is_usual = int(image.BitsAllocated) == WORD_BITS and int(image.HighBit) + 1 == int(
        image.BitsStored
    )
    if not (is_usual and 0 < unused < WORD_BITS):
        return pixels
    order = "<" if image.file_meta.TransferSyntaxUID.is_little_endian else ">"
    kind = "i2" if int(image.PixelRepresentation) else "u2"
    values = np.frombuffer(pixels, dtype=order + kind)
    return ((values << unused) >> unused).astype(order + kind).tobytes()
