"""Chosen frames enter; their intensities leave, as the scanner's rescaling states them."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float32
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import UID, RLELossless

from myoseg.cases.dicom.decoding import Stored, decode, decode_apart, in_a_line, undecodable
from myoseg.cases.dicom.elements import item, items, number, text, whole
from myoseg.cases.dicom.frames import Frame
from myoseg.cases.dicom.headers import MOST_FRAMES
from myoseg.cases.dicom.opening import read_whole
from myoseg.errors import InputError

Image = Float32[np.ndarray, "row col"]


class Scale(NamedTuple):
    """From stored values to intensities.

    Stored values are counted from `turned_from` downward where the lowest is meant to be white.
    """

    slope: float
    intercept: float
    turned_from: float | None


_GREY: Final = ("MONOCHROME1", "MONOCHROME2")
_PIXEL_TAGS: Final = (0x7FE00010, 0x7FE00008, 0x7FE00009)
_JPEG_FRAME_MARKERS: Final = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})


def read_frames(frames: Sequence[Frame]) -> list[Image]:
    """The images of frames, of which each file is read once.

    Values are rescaled by slope and intercept, and turned round where the lowest is meant to be
    shown white (MONOCHROME1).

    Raises:
        InputError: a file is damaged or cut short, has changed since its header was read, is in
            colours, or is compressed in a way that is not known; the file is named.
    """
    stored: dict[int, Stored] = {}
    scales: dict[int, Scale] = {}
    by_path: dict[Path, list[int]] = {}
    for index, frame in enumerate(frames):
        by_path.setdefault(frame.path, []).append(index)
    for path, indices in by_path.items():
        dataset = read_whole(path)
        for index in indices:
            _require_sound(dataset, frames[index])
            scales[index] = _scale(dataset, frames[index])
            if not _needs_decoder(dataset):
                stored[index] = _native(dataset, frames[index])
    apart = [index for index in range(len(frames)) if index not in stored]
    if apart:
        places = [(frames[index].path, (frames[index].number or 1) - 1) for index in apart]
        stored |= dict(zip(apart, decode_apart(places), strict=True))
    return [_image(stored[k], frame, scales[k]) for k, frame in enumerate(frames)]


def _needs_decoder(dataset: Dataset) -> bool:
    """Whether pixels are compressed by a codec; run lengths are undone by pydicom itself."""
    syntax = UID(text(dataset.file_meta, 0x00020010))
    return syntax.is_compressed and not syntax.is_deflated and syntax != RLELossless


def _native(dataset: Dataset, frame: Frame) -> Stored:
    try:
        return decode(dataset, (frame.number or 1) - 1)
    except Exception as error:
        # pydicom raises nearly anything on damaged pixels.
        raise undecodable(frame.path, in_a_line(error)) from error


def _image(stored: Stored, frame: Frame, scale: Scale) -> Image:
    if stored.shape != frame.shape:
        raise undecodable(frame.path, f"they are {stored.shape}, not {frame.shape}")
    values = stored.astype(np.float64)
    if scale.turned_from is not None:
        values = scale.turned_from - values
    with np.errstate(over="ignore"):
        return np.asarray(values * scale.slope + scale.intercept, dtype=np.float32)


def _require_sound(dataset: Dataset, frame: Frame) -> None:
    """Refuses what would not be read rightly, before anything is decoded."""
    shape = (whole(dataset, 0x00280010), whole(dataset, 0x00280011))
    if text(dataset, 0x00080018) != frame.sop_instance_uid or shape != frame.shape:
        raise InputError(f"{frame.path} has changed since the folder was scanned; start again.")
    grey = text(dataset, 0x00280004).upper()
    if grey not in _GREY or (whole(dataset, 0x00280002) or 1) != 1:
        raise InputError(f"{frame.path} is no grey image ({grey or 'not told'}); leave it out.")
    if not any(tag in dataset for tag in _PIXEL_TAGS):
        raise InputError(f"{frame.path} has no pixels; copy or export it again.")
    n_frames = whole(dataset, 0x00280008) or 1
    if not 0 < n_frames <= MOST_FRAMES or (frame.number or 1) > n_frames:
        raise undecodable(frame.path, f"it states {n_frames} frames")
    if whole(dataset, 0x00280100) not in (8, 16, 32, 64):
        raise undecodable(frame.path, "its pixels are of an unknown size")
    _require_known_size(dataset, frame, n_frames)


def _require_known_size(dataset: Dataset, frame: Frame, n_frames: int) -> None:
    """Refuses a compressed image that says of itself another size than the header does."""
    meta = getattr(dataset, "file_meta", None)
    syntax = UID(text(meta, 0x00020010)) if meta is not None else UID("")
    if not syntax:
        raise undecodable(frame.path, "its transfer syntax is not told")
    if syntax.is_private or not syntax.is_transfer_syntax:
        raise undecodable(frame.path, "its transfer syntax is not known")
    if not syntax.is_compressed or syntax.is_deflated:
        return
    try:
        code = get_frame(
            dataset[0x7FE00010].value, (frame.number or 1) - 1, number_of_frames=n_frames
        )
    except Exception as error:
        raise undecodable(frame.path, in_a_line(error)) from error
    size = coded_size(code)
    if size is not None and size != frame.shape:
        raise undecodable(frame.path, f"they are {size[0]} x {size[1]} when decoded")


def coded_size(code: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 stream states; None for other streams."""
    if code[:4] == b"\xff\x4f\xff\x51" and len(code) >= 24:
        x1, y1, x0, y0 = struct.unpack(">4I", code[8:24])
        return y1 - y0, x1 - x0
    if code[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(code):
        if code[at] != 0xFF:
            return None
        if code[at + 1] in _JPEG_FRAME_MARKERS:
            rows, cols = struct.unpack(">2H", code[at + 5 : at + 9])
            return rows, cols
        at += 2 + struct.unpack(">H", code[at + 2 : at + 4])[0]
    return None


def _rescaling(dataset: Dataset, frame: Frame) -> tuple[float, float]:
    """Slope and intercept, of the frame if it has its own."""
    if items(dataset, 0x00283000):
        raise InputError(
            f"{frame.path} maps its values by a table (Modality LUT), which is not read; export it "
            "with slope and intercept."
        )
    found = dataset
    if frame.number is not None:
        own = items(dataset, 0x52009230)
        group = item(own[frame.number - 1], 0x00289145) if frame.number <= len(own) else Dataset()
        found = group or item(item(dataset, 0x52009229), 0x00289145) or dataset
    slope, intercept = number(found, 0x00281053), number(found, 0x00281052)
    if slope == 0:
        raise undecodable(frame.path, "its rescale slope is 0")
    return 1.0 if slope is None else slope, intercept or 0.0


def _scale(dataset: Dataset, frame: Frame) -> Scale:
    slope, intercept = _rescaling(dataset, frame)
    if text(dataset, 0x00280004).upper() != "MONOCHROME1":
        return Scale(slope, intercept, None)
    n_bits = whole(dataset, 0x00280101) or whole(dataset, 0x00280100) or 16
    signed = whole(dataset, 0x00280103) == 1
    return Scale(slope, intercept, -1.0 if signed else 2.0 ** min(n_bits, 32) - 1)
