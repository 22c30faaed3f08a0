"""Ctrl-C and SIGTERM as a request that training heeds between two batches."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import ClassVar

from myoseg.errors import MyosegError


class TrainingInterruptedError(MyosegError):
    """Training was stopped on request before its end; it can be resumed."""

    exit_code: ClassVar[int] = 130


class StopRequest:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.came = False


@contextmanager
def stopping_on_signals() -> Iterator[StopRequest]:
    """Turns the first SIGINT or SIGTERM into a request; a second one acts as it did before.

    Outside the main thread, where Python delivers no signals, nothing is changed.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    former = {
        number: signal.getsignal(number) or signal.SIG_DFL
        for number in (signal.SIGINT, signal.SIGTERM)
    }

    def note(number: int, frame: FrameType | None) -> None:
        request.came = True
        signal.signal(number, former[signal.Signals(number)])

    for number in former:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_kept_from_children() -> Iterator[None]:
    """Processes that are started within never see Ctrl-C; here it is heard afterwards.

    On Windows nothing is changed: there is no mask of signals that they could inherit.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # when it starts, it lets all signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
