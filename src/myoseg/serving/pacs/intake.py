"""Instances as they arrive from an archive enter; files of those that were asked for leave."""

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.tag import Tag

from myoseg.cases.dicom.elements import text
from myoseg.cases.dicom.opening import read_header
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import InputError, MyosegError, TransferError
from myoseg.files import written_whole

SUFFIX: Final = ".dcm"
_NAME_LETTERS: Final = 32
_INSTANCE_UID: Final = Tag(0x00080018)
_STUDY_UID: Final = Tag(0x0020000D)


@dataclass(frozen=True)
class Limits:
    """How much may come.

    Attributes:
        n_instances: of a study.
        instance_bytes: of one instance.
        total_bytes: of all that are fetched.

    """

    n_instances: int = 20_000
    instance_bytes: int = 1 << 29
    total_bytes: int = 8 << 30


class Refusal(Exception):  # noqa: N818
    """An instance that is not taken; the message says why, without naming it."""


class Intake:
    """A folder that takes the instances of one study that are wanted, each once.

    Files are named by a digest of the instance's identifier, so that nothing that an archive sends
    becomes a name. Several threads may give at once.
    """

    def __init__(
        self,
        folder: Path,
        study_uid: str,
        limits: Limits,
        on_file: Callable[[int], None] = lambda n_bytes: None,
    ) -> None:
        self.limits = limits
        self.fault: MyosegError | None = None
        self.n_bytes = 0
        self._folder, self._study_uid, self._on_file = folder, study_uid, on_file
        self._wanted: set[str] = set()
        self._kept: set[str] = set()
        self._refused: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def n_kept(self) -> int:
        """How many instances were taken."""
        return len(self._kept)

    @property
    def refused(self) -> tuple[str, ...]:
        """Why instances were not taken, once for each."""
        return tuple(self._refused.values())

    def want(self, instance_uids: Iterable[str]) -> list[str]:
        """Asks for instances; gives those that neither came nor were refused nor are there."""
        asked = list(dict.fromkeys(instance_uids))
        self._wanted.update(asked)
        return [uid for uid in asked if not (uid in self._kept or uid in self._refused)]

    def is_there(self, instance_uid: str) -> bool:
        """Whether the folder holds the instance from an earlier time."""
        path = self._path(instance_uid)
        try:
            return path.is_file() and self._identifiers(path) == (instance_uid, self._study_uid)
        except InputError:
            return False

    def keep(self, instance_uid: str, content: bytes) -> None:
        """Writes an instance, in the format of DICOM files.

        Raises:
            Refusal: it was not asked for, is of another study, too large, or no DICOM.
            TransferError: more came than is allowed; also `fault`, as the next.
            OutputError: it cannot be written.
        """
        with self._lock:
            if self.fault is not None:
                raise self.fault
            try:
                self._keep(instance_uid, content)
            except Refusal as refusal:
                if instance_uid in self._wanted:
                    self._refused[instance_uid] = str(refusal)
                raise
            except MyosegError as error:
                self.fault = error
                raise

    def refuse(self, instance_uid: str, why: str) -> None:
        """Takes note that an instance cannot be had."""
        with self._lock:
            self._refused[instance_uid] = why

    def _keep(self, instance_uid: str, content: bytes) -> None:
        if instance_uid not in self._wanted:
            raise Refusal("it was not asked for")
        if instance_uid in self._kept:
            return
        if len(content) > self.limits.instance_bytes:
            raise Refusal(f"it has more than {self.limits.instance_bytes >> 20} MiB")
        if self.n_bytes + len(content) > self.limits.total_bytes:
            raise TransferError(
                f"the study has more than {self.limits.total_bytes >> 20} MiB; fetch single "
                "series, or allow more with --max-mib."
            )
        with written_whole(self._path(instance_uid)) as aside:
            aside.write_bytes(content)
            self._check(aside, instance_uid)
        self._kept.add(instance_uid)
        self.n_bytes += len(content)
        self._on_file(len(content))

    def _check(self, path: Path, instance_uid: str) -> None:
        try:
            found = self._identifiers(path)
        except InputError:
            # Its reason quotes the file, which may hold a name.
            raise Refusal("it is no readable DICOM") from None
        if found[0] != instance_uid:
            raise Refusal("it is another instance than its envelope says")
        if found[1] != self._study_uid:
            raise Refusal("it is of another study than the one asked for")

    def _identifiers(self, path: Path) -> tuple[str, str]:
        with libraries_silent():
            header = read_header(path, [_INSTANCE_UID, _STUDY_UID])
        return text(header, _INSTANCE_UID), text(header, _STUDY_UID)

    def _path(self, instance_uid: str) -> Path:
        digest = hashlib.sha256(instance_uid.encode()).hexdigest()
        return self._folder / f"{digest[:_NAME_LETTERS]}{SUFFIX}"
