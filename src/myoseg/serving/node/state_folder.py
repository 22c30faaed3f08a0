"""A folder enters; the places of what a node keeps in it leave, and the lock of the one node."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from myoseg.errors import ConfigurationError, OutputError
from myoseg.serving.node.durable import FOLDER_MODE, keep_folder, make_folder

DATABASE: Final = "studies.sqlite"
_LOCK: Final = "lock"


@dataclass(frozen=True)
class StateFolder:
    """Where a node keeps what it must not forget.

    Images, results and the record of them lie in it; no name in it is a patient's or a study's.
    """

    root: Path

    @property
    def database(self) -> Path:
        """The one record of which study is where."""
        return self.root / DATABASE

    @property
    def incoming(self) -> Path:
        """Images on their way in; what is left here by a crash is nothing that was confirmed."""
        return self.root / "incoming"

    @property
    def images(self) -> Path:
        """A folder for each study."""
        return self.root / "images"

    @property
    def work(self) -> Path:
        """Results that are being made."""
        return self.root / "work"

    @property
    def results(self) -> Path:
        """A folder for each study and version of its images."""
        return self.root / "results"

    def images_of(self, number: int) -> Path:
        """The folder of a study's images."""
        return self.images / f"{number:06d}"

    def results_of(self, number: int, version: int) -> Path:
        """The folder of the results of one version of a study."""
        return self.results / f"{number:06d}-{version}"

    def all_results_of(self, number: int) -> tuple[Path, ...]:
        """The folders of the results of a study's versions that are there."""
        return tuple(self.results.glob(f"{number:06d}-*"))

    def make(self) -> None:
        """Makes what is missing, for the owner alone.

        Raises:
            ConfigurationError: the folder holds other things than a node's.
            OutputError: it cannot be made.
        """
        if self.root.is_dir() and not self.database.exists() and self._is_foreign():
            raise ConfigurationError(
                f"{self.root} holds other files than a node's; give a folder of its own, which may "
                "be missing or empty."
            )
        try:
            make_folder(self.root)
            self.root.chmod(FOLDER_MODE)
            for folder in (self.incoming, self.images, self.work, self.results):
                make_folder(folder)
            keep_folder(self.root)
        except OSError as error:
            raise OutputError(
                f"the node's folder {self.root} cannot be made ({error.strerror or error}); give "
                "one that can be written to."
            ) from error

    def require_database(self) -> None:
        """Refuses a folder in which no node has run.

        Raises:
            ConfigurationError: there is no database in it.
        """
        if not self.database.is_file():
            raise ConfigurationError(
                f"{self.root} is no node's folder: there is no {DATABASE} in it; give the --folder "
                "that `myoseg node` runs with."
            )

    def _is_foreign(self) -> bool:
        known = {self.incoming, self.images, self.work, self.results, self.root / _LOCK}
        return any(path not in known for path in self.root.iterdir())


@contextmanager
def only_node(folder: StateFolder) -> Iterator[None]:
    """Holds the folder's lock; it goes with the process, however that ends.

    Raises:
        ConfigurationError: another node runs in this folder.
    """
    with (folder.root / _LOCK).open("a+b") as stream:
        try:
            _lock(stream.fileno())
        except OSError:
            raise ConfigurationError(
                f"another node runs in {folder.root}; stop it, or give another --folder."
            ) from None
        yield


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
