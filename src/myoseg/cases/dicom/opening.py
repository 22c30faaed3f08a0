"""A path enters; a DICOM dataset leaves, whose size was bounded before it was held in memory."""

import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Final

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from myoseg.errors import InputError

LARGEST_FILE_BYTES: Final = 1 << 31
"""Of a file whose pixels are read."""

LARGEST_INFLATED_BYTES: Final = 1 << 29
"""What a deflated file may grow to."""

LARGEST_INFLATED_HEADER_BYTES: Final = 1 << 24
"""What stands before the pixels of a deflated file; no more is inflated where they are not read."""

_PREAMBLE_BYTES: Final = 132
_GROUP_LENGTH_BYTES: Final = 12
_TRANSFER_SYNTAX: Final = 0x00020010
_PIXELS: Final = (0x7FE00010, 0x7FE00009, 0x7FE00008)
_CHUNK_BYTES: Final = 1 << 16
_START_BYTES: Final = 4096


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do, with a preamble or at once with group 8.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as stream:
        start = stream.read(_PREAMBLE_BYTES)
    if start[-4:] == b"DICM" and len(start) == _PREAMBLE_BYTES:
        return True
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return start[:2] == b"\x08\0" and start[2:4] < b"\x61\0" and (explicit or start[6:8] == b"\0\0")


def read_header(path: Path, tags: Iterable[BaseTag]) -> Dataset:
    """The elements of these tags, as far as they stand before the pixels.

    Raises:
        InputError: the file is damaged, cannot be opened, or grows beyond reason when inflated.
    """
    return _read(path, tags=[*tags], has_pixels=False)


def read_before_pixels(path: Path) -> Dataset:
    """All that stands before the pixels.

    Raises:
        InputError: as `read_header`.
    """
    return _read(path, tags=None, has_pixels=False)


def read_whole(path: Path) -> Dataset:
    """All of a file, pixels included, not decoded.

    Raises:
        InputError: as `read_header`, or the file is too large.
    """
    try:
        n_bytes = path.stat().st_size
    except OSError as error:
        raise damaged(path, error) from error
    if n_bytes > LARGEST_FILE_BYTES:
        raise InputError(
            f"{path} has {n_bytes >> 20} MiB; DICOM files of more than {LARGEST_FILE_BYTES >> 20} "
            "MiB are not read."
        )
    return _read(path, tags=None, has_pixels=True)


def damaged(path: Path, error: object) -> InputError:
    """What is said of a file that cannot be read."""
    return InputError(f"{path} is no readable DICOM file ({error}); copy or export it again.")


def _read(path: Path, tags: list[BaseTag | int] | None, *, has_pixels: bool) -> Dataset:
    try:
        if _may_be_deflated(path):
            meta = read_file_meta_info(path)
            if _is_deflated(meta):
                return _inflated(path, meta, tags, has_pixels=has_pixels)
        return pydicom.dcmread(
            path, stop_before_pixels=not has_pixels, force=True, specific_tags=tags
        )
    except InputError:
        raise
    except Exception as error:
        # pydicom raises nearly anything on damaged files, RecursionError and MemoryError included.
        raise damaged(path, _in_a_line(error)) from error


def _may_be_deflated(path: Path) -> bool:
    """Whether the start of a file says so, or its first group is longer than that start."""
    with path.open("rb") as stream:
        start = stream.read(_START_BYTES)
    at = _PREAMBLE_BYTES if start[_PREAMBLE_BYTES - 4 : _PREAMBLE_BYTES] == b"DICM" else 0
    while start[at : at + 2] == b"\x02\0" and at < len(start):
        is_long = start[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"UT", b"SQ")
        field = start[at + 8 : at + 12] if is_long else start[at + 6 : at + 8]
        at += (12 if is_long else 8) + int.from_bytes(field, "little")
    return at >= len(start) or DeflatedExplicitVRLittleEndian.encode() in start[:at]


def _is_deflated(meta: Dataset) -> bool:
    stated = meta.get(_TRANSFER_SYNTAX)
    return stated is not None and str(stated.value) == str(DeflatedExplicitVRLittleEndian)


def _inflated(
    path: Path, meta: Dataset, tags: list[BaseTag | int] | None, *, has_pixels: bool
) -> Dataset:
    """The dataset of a deflated file, which pydicom would inflate without bound."""
    start = _PREAMBLE_BYTES + _GROUP_LENGTH_BYTES + int(meta[0x00020000].value)
    most = LARGEST_INFLATED_BYTES if has_pixels else LARGEST_INFLATED_HEADER_BYTES
    content, is_whole = _content(path, start, most)
    reached: list[BaseTag] = []

    def stops(tag: BaseTag, vr: str | None, length: int) -> bool:
        reached.extend([tag] if tag in _PIXELS else [])
        return bool(reached) and not has_pixels

    # A bomb is not parsed where its pixels are wanted; what is before them may be all that is.
    if not is_whole and has_pixels:
        raise _bomb(path, most)
    dataset = read_dataset(BytesIO(content), False, True, stop_when=stops, specific_tags=tags)
    if not (is_whole or reached):
        raise _bomb(path, most)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _content(path: Path, start: int, most: int) -> tuple[bytes, bool]:
    """What a file inflates to, up to about so many bytes, and whether that is all."""
    chunks: list[bytes] = []
    n_bytes = 0
    for chunk in _chunks(path, start):
        n_bytes += len(chunk)
        if n_bytes > most:
            return b"".join(chunks), False
        chunks.append(chunk)
    return b"".join(chunks), True


def _bomb(path: Path, most: int) -> InputError:
    return InputError(
        f"{path} grows beyond {most >> 20} MiB when inflated; no image of a heart does, so it is "
        "not read."
    )


def _chunks(path: Path, start: int) -> Iterable[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    with path.open("rb") as stream:
        stream.seek(start)
        data = stream.read(_CHUNK_BYTES)
        while data and not inflater.eof:
            yield inflater.decompress(data, _CHUNK_BYTES)
            data = inflater.unconsumed_tail or stream.read(_CHUNK_BYTES)
    yield inflater.flush(_CHUNK_BYTES)


def _in_a_line(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words[:200] or type(error).__name__
