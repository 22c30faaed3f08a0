"""The files of one case, before they are read."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.source import DicomSource
from myoseg.cases.labels import CONSECUTIVE, MYOPS, LabelCoding

Role: TypeAlias = Literal["train", "test"]

_SUFFIX = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')


@dataclass(frozen=True, eq=False)
class CaseFiles:
    """Where a case's sequences and labels lie, and how its data set codes the labels.

    `patient` is the same for cases of one patient, which a split must not separate. `codings` are
    tried in turn: the first that knows all of the file's values is the file's. `role` is what the
    data set means the case for, where it says so. Of a case in DICOM, `dicom` is what is read, and
    `images` holds one file of each sequence.
    """

    name: str
    images: Mapping[Sequence, Path]
    labels: Path | None = None
    patient: str = ""
    layout: str = "files"
    codings: tuple[LabelCoding, ...] = (MYOPS, CONSECUTIVE)
    role: Role | None = None
    dicom: DicomSource | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "patient", self.patient or self.name)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, images in the order of `Sequence`, labels last."""
        images = tuple(self.images[sequence] for sequence in Sequence if sequence in self.images)
        return images if self.labels is None else (*images, self.labels)


def case_files(
    bssfp: Path | str | None = None,
    lge: Path | str | None = None,
    t2: Path | str | None = None,
    labels: Path | str | None = None,
    name: str | None = None,
    coding: LabelCoding | None = None,
) -> CaseFiles:
    """A case of explicit files; labels in MyoPS or consecutive codes unless `coding` is given.

    Without a `name`, the case is called by what its files' names begin with.
    """
    given = {Sequence.BSSFP: bssfp, Sequence.LGE: lge, Sequence.T2: t2}
    images = {sequence: Path(path) for sequence, path in given.items() if path is not None}
    return CaseFiles(
        name=safe_name(name or _common_name(images.values())),
        images=images,
        labels=None if labels is None else Path(labels),
        codings=(MYOPS, CONSECUTIVE) if coding is None else (coding.given(images),),
    )


def _common_name(paths: Iterable[Path]) -> str:
    """What the files' names begin with, or all of the name where there is only one file."""
    stems = [_SUFFIX.sub("", path.name) for path in paths]
    shared = os.path.commonprefix(stems)  # noqa: RUF071 -- of names, not of paths
    return shared.rstrip("_-. ") or next(iter(stems), "case")


def safe_name(name: str) -> str:
    """A case name that is a plain file name on every system.

    >>> safe_name("../a:b")
    '_a_b'
    """
    return _UNSAFE.sub("_", name).lstrip(".").rstrip(". ") or "case"
