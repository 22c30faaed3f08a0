"""Jobs enter a process of their own; what became of each leaves, even if the process dies."""

import errno
import logging
import multiprocessing
import os
import shutil
import signal
import threading
import time
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from myoseg.errors import ModelError, MyosegError, OutputError
from myoseg.serving.node.processing import Processor, ProcessorSource, told_of

log = logging.getLogger(__name__)

_LOADING_S: Final = 600.0
_GLANCE_S: Final = 0.2
_MAY_PASS: Final = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "ENOMEM", "EMFILE", "ENFILE")
    if hasattr(errno, name)
)
"""What keeps results from being written and is no fault of the study: no room, no handles."""


_HARDLY_ANY_BYTES: Final = 16 * 2**20


class Ending(Enum):
    """What became of a job.

    DONE: its results are there. FAILED: there will never be any. PUT_OFF: they could not be made
    or written now, for no fault of the study. LOST: the process died or hung, or what it needs
    could not be read. STOPPED: the node was told to stop.
    """

    DONE = "done"
    FAILED = "failed"
    PUT_OFF = "put off"
    LOST = "lost"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Outcome:
    """What became of a job, and why, in words that name no one."""

    ending: Ending
    reason: str = ""


class Worker:
    """A process that makes results; where it died, the next job starts another."""

    def __init__(self, source: ProcessorSource, longest_s: float, stop: threading.Event) -> None:
        """Starts nothing yet.

        Args:
            source: of what makes results; it must pickle.
            longest_s: that a job may take.
            stop: ends a job under way when it is set.
        """
        self._source, self._longest_s, self._stop = source, longest_s, stop
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        """Starts the process and waits until it has loaded what it needs.

        Raises:
            ModelError: it could not.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        level = logging.getLogger("myoseg").getEffectiveLevel()
        self._process = context.Process(
            target=_work, args=(theirs, self._source, level), daemon=True, name="myoseg-node-worker"
        )
        self._process.start()
        theirs.close()
        outcome = self._answer(_LOADING_S)
        if outcome.ending is not Ending.DONE:
            self.end()
            raise ModelError(f"the model cannot be used: {outcome.reason or outcome.ending.value}")

    def run(self, images: Path, out: Path) -> Outcome:
        """Has results made from images, into a folder that is made."""
        try:
            if self._process is None or not self._process.is_alive():
                self.end()
                self.start()
        except (ModelError, OSError) as error:
            ending = Ending.STOPPED if self._stop.is_set() else Ending.PUT_OFF
            return Outcome(ending, getattr(error, "strerror", None) or str(error))
        assert self._pipe is not None
        try:
            self._pipe.send((images, out))
        except OSError:
            return Outcome(Ending.LOST, "the process that segments it died")
        outcome = self._answer(self._longest_s)
        if outcome.ending in (Ending.LOST, Ending.STOPPED):
            self.end()
        return outcome

    def end(self) -> None:
        """Ends the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _answer(self, longest_s: float) -> Outcome:
        assert self._pipe is not None
        assert self._process is not None
        until = time.monotonic() + longest_s
        while not wait([self._pipe, self._process.sentinel], _GLANCE_S):
            if self._stop.is_set():
                return Outcome(Ending.STOPPED)
            if time.monotonic() > until:
                return Outcome(Ending.LOST, f"segmenting it took more than {longest_s:g} s")
        try:
            answer = self._pipe.recv()
        except Exception:
            # Nothing whole came, or nothing that can be read.
            return Outcome(Ending.LOST, "the process that segments it died")
        assert isinstance(answer, Outcome)
        return answer


def _work(pipe: Connection, source: ProcessorSource, level: int) -> None:
    """What the process does."""
    # To stop is for the parent, which ends this process when it must.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    # What is said of single studies may quote their headers.
    logging.getLogger("myoseg").setLevel(max(level, logging.CRITICAL))
    try:
        processor = source.load()
    except MyosegError as error:
        pipe.send(Outcome(Ending.FAILED, str(error)))
        return
    pipe.send(Outcome(Ending.DONE))
    while True:
        images, out = pipe.recv()
        pipe.send(_outcome(processor, images, out))


def _outcome(processor: Processor, images: Path, out: Path) -> Outcome:
    try:
        out.mkdir(parents=True)
        processor(images, out)
    except (OutputError, OSError) as error:
        return _kept_from_writing(error, images)
    except MemoryError:
        return Outcome(Ending.LOST, "memory ran out")
    except Exception as error:
        return Outcome(Ending.FAILED, told_of(error, images))
    return Outcome(Ending.DONE)


def _kept_from_writing(error: Exception, images: Path) -> Outcome:
    """What becomes of a job that could not read or write; only what may pass is put off.

    Some libraries raise an OSError without its number; then the disk itself is asked.
    """
    cause = error if isinstance(error, OSError) else error.__cause__
    if not isinstance(cause, OSError):
        return Outcome(Ending.PUT_OFF, "the results cannot be written now")
    why = cause.strerror or type(cause).__name__
    if cause.errno in _MAY_PASS or (cause.errno is None and _is_full(images)):
        return Outcome(Ending.PUT_OFF, f"the results cannot be written now ({why})")
    return Outcome(Ending.LOST, f"images or results cannot be read or written ({why})")


def _is_full(folder: Path) -> bool:
    """Whether results would hardly fit on this folder's disk."""
    return shutil.disk_usage(folder).free < _HARDLY_ANY_BYTES


def _end_with_parent() -> None:
    """Ends this process once its parent is gone, which would else wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
