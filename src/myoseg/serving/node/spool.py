"""Pieces of an image enter as they come over the network; a file of bounded size leaves."""

import errno
import hashlib
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import uuid4

from myoseg.serving.node.durable import remove
from myoseg.serving.node.study import MB, Limits

_BEGINNING_BYTES: Final = 1 << 14


class Spool(io.BytesIO):
    """Looks like memory to the network library, and writes to a file in a folder.

    What cannot be written, for lack of room or beyond a limit, is dropped and remembered, so that
    the sender can be told at the end of the image.
    """

    def __init__(self, folder: Path, limits: Limits, header: Callable[[], bytes]) -> None:
        """Writes nothing yet.

        Args:
            folder: where the file comes to lie.
            limits: of one image, and of what must stay free on the disk.
            header: gives what the file begins with, when the first piece comes.
        """
        super().__init__()
        self.path = folder / f"{uuid4().hex}.part"
        self.fault = ""
        self.n_bytes = 0
        self._limits, self._header = limits, header
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._first = b""

    def write(self, data: Any) -> int:
        """Writes a piece."""
        piece = bytes(data)
        self.n_bytes += len(piece)
        self._first += piece[: _BEGINNING_BYTES - len(self._first)]
        if self.n_bytes > self._limits.instance_bytes:
            self.fault = f"an image of more than {self._limits.instance_bytes / MB:g} MB"
        if not self.fault:
            try:
                self._keep(piece)
            except OSError as error:
                self.fault = error.strerror or type(error).__name__
        return len(piece)

    def beginning(self) -> bytes:
        """The first 16 KiB of an image as a file has them, though nothing could be written."""
        return self._header() + self._first

    def finish(self) -> str:
        """Waits until the file is on the disk.

        Returns:
            SHA-256 of its content.

        Raises:
            OSError: it cannot be written.
        """
        if self._file is None:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._shut()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Removes the file if it is still there; what comes yet is dropped."""
        self.fault = self.fault or "it was given up"
        self._shut()
        remove((self.path,))

    def _keep(self, piece: bytes) -> None:
        if self._file is None:
            if shutil.disk_usage(self.path.parent).free < self._limits.free_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._file = self.path.open("xb")
            self._keep(self._header())
        self._file.write(piece)
        self._digest.update(piece)

    def _shut(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:
                # What could not be written is not wanted any more.
                self._file = None
