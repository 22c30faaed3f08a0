"""A file enters; the `Frame`s it holds leave, from its header alone."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from myoseg.cases.dicom.components import component_of
from myoseg.cases.dicom.elements import item, items, number, numbers, text, whole, words
from myoseg.cases.dicom.frames import Frame, Place, Protocol, Vector
from myoseg.cases.dicom.opening import read_header
from myoseg.errors import InputError

MR_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.4.1"
LEGACY_CONVERTED_ENHANCED_MR_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.4.4"
MR_CLASSES: Final = (MR_IMAGE, ENHANCED_MR_IMAGE, LEGACY_CONVERTED_ENHANCED_MR_IMAGE)

LONGEST_EDGE_PX: Final = 4096
"""Rows or columns of the largest image that is read."""

MOST_FRAMES: Final = 20_000
"""Of one file."""

_FARTHEST_MM: Final = 1e5
_COARSEST_MM: Final = 100.0
_SKEW: Final = 1e-2

_SCANNER_NAMES: Final = (0x00180024, 0x00189005, 0x0019109C, 0x0019109E, 0x20011020)
"""Sequence name, pulse sequence name, GE's (two of them) and Philips's private ones."""

_IDENTITY_TAGS: Final = (
    0x00080020,
    0x00080050,
    0x00080090,
    0x00100010,
    0x00100020,
    0x00100030,
    0x00101000,
    0x00101001,
    0x0020000D,
    0x00200010,
)
"""Study date, accession number, referring physician; patient's name, identifier, birth date, other
identifiers and names; the study's two identifiers."""

_TOP_TAGS: Final = (
    0x00080005,
    0x00080008,
    0x00080016,
    0x00080018,
    0x0008002A,
    0x00080032,
    0x00080070,
    0x0008103E,
    0x00089208,
    0x00180020,
    0x00180021,
    0x00180022,
    0x00180024,
    0x00180050,
    0x00180080,
    0x00180081,
    0x00180082,
    0x00180088,
    0x00180091,
    0x00181030,
    0x00181060,
    0x00181090,
    0x00181314,
    0x00189005,
    0x00189008,
    0x00189011,
    0x00189017,
    *_SCANNER_NAMES,
    0x0020000D,
    0x0020000E,
    0x00200011,
    0x00200013,
    0x00200032,
    0x00200037,
    0x00200100,
    0x00280002,
    0x00280008,
    0x00280010,
    0x00280011,
    0x00280030,
    0x52009229,
    0x52009230,
)


_WANTED: Final = tuple(map(BaseTag, _TOP_TAGS))
"""As pydicom has tags, made once and not for every file."""


class FileHeaders(NamedTuple):
    """What a file holds: its study, and its MR images if it has any."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    frames: tuple[Frame, ...]


def headers_of(path: Path) -> FileHeaders:
    """What a DICOM file holds.

    Raises:
        InputError: the file is damaged, claims an absurd size, or its frames are not described.
    """
    dataset = read_header(path, _WANTED)
    sop_class = text(dataset, 0x00080016)
    study_uid, series_uid = text(dataset, 0x0020000D), text(dataset, 0x0020000E)
    if not sop_class:
        raise InputError(f"{path} does not say what kind of object it is; copy or export it again.")
    if sop_class not in MR_CLASSES:
        return FileHeaders(study_uid, series_uid, sop_class, ())
    if not (study_uid and series_uid and text(dataset, 0x00080018)):
        raise InputError(f"{path} names no study, series or instance; export it again.")
    shape = _shape(dataset, path)
    first = Frame(
        path=path,
        series_uid=series_uid,
        sop_instance_uid=text(dataset, 0x00080018),
        number=None,
        shape=shape,
        place=_place(dataset, dataset, dataset),
        protocol=_protocol(dataset),
        trigger_ms=number(dataset, 0x00181060),
        phase=whole(dataset, 0x00200100),
        inversion_ms=number(dataset, 0x00180082) or None,
        echo_ms=number(dataset, 0x00180081) or None,
        instance=whole(dataset, 0x00200013) or 0,
        taken_s=_seconds(dataset),
    )
    frames = (first,) if sop_class == MR_IMAGE else tuple(_multi_frame(dataset, first))
    return FileHeaders(study_uid, series_uid, sop_class, frames)


def _shape(dataset: Dataset, path: Path) -> tuple[int, int]:
    rows, cols = whole(dataset, 0x00280010), whole(dataset, 0x00280011)
    if rows is None or cols is None or min(rows, cols) < 1:
        raise InputError(f"{path} does not say how many rows and columns it has; export it again.")
    if max(rows, cols) > LONGEST_EDGE_PX:
        raise InputError(
            f"{path} claims {rows} x {cols} pixels; images of more than {LONGEST_EDGE_PX} rows or "
            "columns are not read."
        )
    return rows, cols


def _protocol(dataset: Dataset) -> Protocol:
    image_type = _upper(words(dataset, 0x00080008))
    description = text(dataset, 0x0008103E)
    names = [text(dataset, tag) for tag in _SCANNER_NAMES]
    scanning, variant = _enhanced_words(dataset)
    return Protocol(
        sop_class_uid=text(dataset, 0x00080016),
        manufacturer=text(dataset, 0x00080070),
        series_number=whole(dataset, 0x00200011),
        series_description=description,
        protocol_name=text(dataset, 0x00181030),
        image_type=image_type,
        scanning_sequence=(*_upper(words(dataset, 0x00180020)), *scanning),
        sequence_variant=(*_upper(words(dataset, 0x00180021)), *variant),
        sequence_name=" ".join(dict.fromkeys(name for name in names if name)),
        component=component_of(image_type, description or text(dataset, 0x00181030)),
        repetition_time_ms=number(dataset, 0x00180080),
        echo_train_length=whole(dataset, 0x00180091),
        flip_angle_deg=number(dataset, 0x00181314),
        n_phases=whole(dataset, 0x00181090),
        n_samples=whole(dataset, 0x00280002) or 1,
    )


def _enhanced_words(dataset: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classic code strings for what enhanced objects say in others."""
    echo = text(dataset, 0x00189008).upper()
    scanning = {"SPIN": ("SE",), "GRADIENT": ("GR",), "BOTH": ("SE", "GR")}.get(echo, ())
    steady = text(dataset, 0x00189017).upper()
    return scanning, ("SS",) if steady == "FREE_PRECESSION" else ()


def _multi_frame(dataset: Dataset, first: Frame) -> list[Frame]:
    """The frames of an enhanced instance, each with what is shared and what is its own."""
    own = items(dataset, 0x52009230)
    stated = whole(dataset, 0x00280008)
    if stated is None or not 0 < stated <= MOST_FRAMES or stated != len(own):
        raise InputError(
            f"{first.path} states {stated} frames and describes {len(own)} (at most {MOST_FRAMES} "
            "are read); export it again."
        )
    shared = item(dataset, 0x52009229)
    protocols: dict[Protocol, Protocol] = {}
    frames = []
    for index, groups in enumerate(own, start=1):
        frame = _frame(groups, shared, first, index)
        protocol = protocols.setdefault(frame.protocol, frame.protocol)
        frames.append(replace(frame, protocol=protocol))
    return frames


def _frame(own: Dataset, shared: Dataset, first: Frame, index: int) -> Frame:
    def group(tag: int) -> Dataset:
        return item(own, tag) if tag in own else item(shared, tag)

    content, cardiac = group(0x00209111), group(0x00189118)
    timing, modifier = group(0x00189112), group(0x00189115)
    inversions = numbers(modifier, 0x00189079)
    trigger_ms = number(cardiac, 0x00209153)
    place = _place(group(0x00209113), group(0x00209116), group(0x00289110))
    return replace(
        first,
        number=index,
        instance=index,
        place=place,
        protocol=_frame_protocol(first.protocol, group(0x00189226), timing, modifier),
        trigger_ms=first.trigger_ms if trigger_ms is None else trigger_ms,
        phase=whole(content, 0x00209128),
        inversion_ms=(inversions[0] or None) if inversions else first.inversion_ms,
        echo_ms=number(group(0x00189114), 0x00189082) or first.echo_ms,
    )


def _frame_protocol(
    protocol: Protocol, frame_type: Dataset, timing: Dataset, modifier: Dataset
) -> Protocol:
    image_type = _upper(words(frame_type, 0x00089007)) or protocol.image_type
    component = text(frame_type, 0x00089208).upper()
    inverted = text(modifier, 0x00189009).upper() == "YES"
    trains = (0x00180091, 0x00189240, 0x00189241)
    lengths = [length for tag in trains if (length := whole(timing, tag)) is not None]
    ir = ("IR",) if inverted and "IR" not in protocol.scanning_sequence else ()
    return replace(
        protocol,
        image_type=image_type,
        scanning_sequence=(*protocol.scanning_sequence, *ir),
        component=component_of((*image_type, component), protocol.description),
        repetition_time_ms=number(timing, 0x00180080) or protocol.repetition_time_ms,
        flip_angle_deg=number(timing, 0x00181314) or protocol.flip_angle_deg,
        echo_train_length=max(lengths, default=protocol.echo_train_length),
    )


def _place(position: Dataset, orientation: Dataset, measures: Dataset) -> Place | None:
    """Where an image lies; None unless the header says so soundly."""
    at, axes = numbers(position, 0x00200032), numbers(orientation, 0x00200037)
    spacing = numbers(measures, 0x00280030)
    if len(at) != 3 or len(axes) != 6 or len(spacing) != 2:
        return None
    if max(map(abs, at)) > _FARTHEST_MM or not all(0 < mm <= _COARSEST_MM for mm in spacing):
        return None
    along_row, along_col = _unit(axes[:3]), _unit(axes[3:])
    if along_row is None or along_col is None:
        return None
    if abs(sum(a * b for a, b in zip(along_row, along_col, strict=True))) > _SKEW:
        return None
    thickness = number(measures, 0x00180050)
    return Place(
        position_mm=(at[0], at[1], at[2]),
        along_row=along_row,
        along_col=along_col,
        spacing_mm=(spacing[0], spacing[1]),
        thickness_mm=thickness if thickness and 0 < thickness <= _COARSEST_MM else None,
    )


def _unit(vector: tuple[float, ...]) -> Vector | None:
    length = math.hypot(*vector)
    if abs(length - 1) > _SKEW:
        return None
    x, y, z = (value / length for value in vector)
    return x, y, z


def _seconds(dataset: Dataset) -> float:
    """Of the day; 0 where the time is not told."""
    time = text(dataset, 0x00080032) or text(dataset, 0x0008002A)[8:]
    try:
        return int(time[:2]) * 3600 + int(time[2:4]) * 60 + float(time[4:13].split("+")[0] or 0)
    except ValueError:
        return 0.0


def _upper(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value.upper() for value in values if value)


def identity_of(path: Path) -> tuple[str, ...]:
    """Texts by which a file's patient could be known, for keeping them out of names.

    Raises:
        InputError: the file is damaged.
    """
    dataset = read_header(path, map(BaseTag, _IDENTITY_TAGS))
    return tuple(word for tag in _IDENTITY_TAGS for word in words(dataset, tag) if word)
