"""What makes results: how a process is told of it, and what may be said where it fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, runtime_checkable

import pydicom
from pydicom.multival import MultiValue

from myoseg.cases.dicom.opening import read_before_pixels
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import InputError

if TYPE_CHECKING:
    from myoseg.prediction.model import ModelSource

_FREE_TEXTS: Final = ("LO", "LT", "PN", "SH", "ST", "UC", "UI", "UT", "AE", "DA", "DT", "TM", "AS")
_SHORTEST: Final = 3

Processor: TypeAlias = Callable[[Path, Path], None]
"""Takes a folder of images and writes results in DICOM into another, which is there.

It raises `OutputError` where they cannot be written now, and another `MyosegError` where these
images will never give a result.
"""


@runtime_checkable
class ProcessorSource(Protocol):
    """What a process must be told to make a `Processor`."""

    def load(self) -> Processor:
        """Makes it, once a process.

        Raises:
            MyosegError: it cannot be made.
        """


@dataclass(frozen=True)
class SegmentingSource:
    """Of a processor that segments by a model.

    Attributes:
        model: the model.
        align: how sequences are brought onto one grid.
    """

    model: "ModelSource"
    align: str = "auto"

    def load(self) -> Processor:
        """Loads the model.

        Raises:
            ModelError: as `ModelSource.load`.
            ConfigurationError: likewise.
        """
        # Here, so that only the process that segments holds what segmenting needs.
        from myoseg.prediction.description import model_folder
        from myoseg.serving.node.segmenting import Segmenting

        name = model_folder(self.model.model).resolve().name
        return Segmenting(self.model.load(), self.align, f"model {name}")


def told_of(error: Exception, images: Path) -> str:
    """What may be said of a study's failure: the words of the error without those of its headers.

    Whatever stands in a header as free text, a name, an identifier or a date becomes three dots.
    """
    if not isinstance(error, InputError):
        return f"failed unexpectedly ({type(error).__name__})"
    words = " ".join(str(error).split()).replace(str(images), "the study")
    for text in sorted(_texts(images), key=len, reverse=True):
        words = words.replace(text, "...")
    return words


def _texts(images: Path) -> set[str]:
    found: set[str] = set()
    with libraries_silent():
        for path in images.iterdir():
            try:
                found.update(_texts_of(read_before_pixels(path)))
            except Exception:  # noqa: S112 -- what cannot be read has told nothing either
                continue
    return {text for text in found if len(text) >= _SHORTEST}


def _texts_of(header: pydicom.Dataset) -> Iterator[str]:
    for element in header.iterall():
        if element.VR in _FREE_TEXTS and element.value:
            several = element.value if isinstance(element.value, MultiValue) else [element.value]
            yield from (" ".join(str(each).split()) for each in several)
