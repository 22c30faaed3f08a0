"""What is proposed to, and accepted from, archives: kinds of object and their encodings."""

from collections.abc import Iterable
from typing import Final

from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom import build_context
from pynetdicom.presentation import PresentationContext

from myoseg.serving.pacs.outgoing import CLASSES, Outgoing

UNCOMPRESSED: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
COMPRESSED: Final = (
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLosslessSV1,
    JPEGLossless,
    RLELossless,
    JPEGExtended12Bit,
    JPEGBaseline8Bit,
)
"""What the reader decodes, and archives keep; deflated files are not among them."""

MOST_CONTEXTS: Final = 128


def for_sending(files: Iterable[Outgoing]) -> list[PresentationContext]:
    """One for each kind of object and encoding; uncompressed ones may be turned into one another.

    pynetdicom turns explicit and implicit little endian into one another where a peer takes the
    other one; what is compressed goes as it is or not at all.
    """
    pairs = dict.fromkeys((file.class_uid, _encodings(file)) for file in files)
    return [build_context(class_uid, [*encodings]) for class_uid, encodings in pairs]


def _encodings(file: Outgoing) -> tuple[str, ...]:
    if file.transfer_syntax_uid in UNCOMPRESSED:
        return tuple(map(str, UNCOMPRESSED))
    return (file.transfer_syntax_uid,)


def for_getting(class_uids: Iterable[str], *, n_taken: int) -> list[PresentationContext]:
    """For a C-GET: a kind of object in any encoding that can be read, each apart.

    Each apart, so that an archive sends what it has as it has it; the first kinds come first where
    there is no room for all, beside `n_taken` others.
    """
    found = []
    for class_uid in dict.fromkeys(class_uids):
        found.append(build_context(class_uid, [*map(str, UNCOMPRESSED)]))
        found += [build_context(class_uid, [str(each)]) for each in COMPRESSED]
    return found[: MOST_CONTEXTS - n_taken]


def for_receiving(class_uids: Iterable[str]) -> list[PresentationContext]:
    """For an archive that connects to us: the same kinds, in the encodings that it prefers."""
    encodings = [*map(str, (*UNCOMPRESSED, ExplicitVRBigEndian, *COMPRESSED))]
    return [build_context(class_uid, encodings) for class_uid in dict.fromkeys(class_uids)]


def known_classes(found: Iterable[str]) -> list[str]:
    """The kinds that an archive says it holds, before those that are asked for where it does not.

    >>> known_classes(["1.2.3", "", "1.2.3"])[:2]
    ['1.2.3', '1.2.840.10008.5.1.4.1.1.4']
    """
    return list(dict.fromkeys([*(uid for uid in found if uid), *CLASSES]))
