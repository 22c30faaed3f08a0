"""A folder, an address and a model enter; a node that receives, segments and returns runs.

Several things go on at once, each in a thread: receiving, looking after what was received,
segmenting (in a process of its own), returning, to each destination by itself, and forgetting. They
share nothing but the queue.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import ModelError
from myoseg.serving.node.database import faults_told
from myoseg.serving.node.processing import ProcessorSource
from myoseg.serving.node.queue import Queue
from myoseg.serving.node.receiver import Listening, Receiver
from myoseg.serving.node.state_folder import StateFolder, only_node
from myoseg.serving.node.study import Delivery, Job, Limits, Patience
from myoseg.serving.node.worker import Ending, Outcome, Worker

log = logging.getLogger(__name__)

Send: TypeAlias = Callable[[str, Sequence[Path]], str]
"""Sends files to a destination; gives why that failed, in words that name no one, or "" if not."""

FORGET_EVERY_S: Final = 10.0
"""Between looks for studies that were returned long ago."""

_GLANCE_S: Final = 0.25
_AFTER_TROUBLE_S: Final = 2.0
_PUT_OFF_S: Final = 30.0
_DAY_S: Final = 86400.0


@dataclass(frozen=True)
class NodeOptions:
    """What a node is asked to do.

    Attributes:
        destinations: where results go; each gets them.
        listening: where it listens and to whom.
        patience: how long and how often it tries.
        limits: what it takes.
        keep_days: that images and results stay after they were returned.
        record_days: that it stays known what became of a study after it was returned.
        longest_job_s: that segmenting a study may take.
        stopping_s: that open connections get to end when it is stopped.
    """

    destinations: tuple[str, ...]
    listening: Listening = field(default_factory=Listening)
    patience: Patience = field(default_factory=Patience)
    limits: Limits = field(default_factory=Limits)
    keep_days: float = 1.0
    record_days: float = 90.0
    longest_job_s: float = 900.0
    stopping_s: float = 30.0


def run_node(
    folder: Path,
    options: NodeOptions,
    source: ProcessorSource,
    send: Send,
    stop: threading.Event,
    started: Callable[[int], None] | None = None,
) -> None:
    """Runs until it is told to stop; what is under way then is taken up by the next run.

    Args:
        folder: of the node's own.
        options: what it does.
        source: of what makes results.
        send: what sends them.
        stop: ends it when it is set.
        started: called with the port once studies can be sent.

    Raises:
        ConfigurationError: the folder is another's or in use, its database is locked, damaged or
            cannot be used, or the address cannot be used.
        ModelError: the model cannot be used.
        OutputError: the folder cannot be made.
    """
    state = StateFolder(folder)
    state.make()
    with only_node(state), libraries_silent():
        queue = Queue(state, options.destinations, patience=options.patience, limits=options.limits)
        try:
            _Node(queue, options, source, send, stop).run(started)
        finally:
            queue.close()


class _Node:
    def __init__(
        self,
        queue: Queue,
        options: NodeOptions,
        source: ProcessorSource,
        send: Send,
        stop: threading.Event,
    ) -> None:
        self._queue, self._options, self._send, self._stop = queue, options, send, stop
        self._worker = Worker(source, options.longest_job_s, stop)
        self._receiver = Receiver(
            queue.inbox, queue.folder.incoming, options.listening, options.limits
        )

    def run(self, started: Callable[[int], None] | None) -> None:
        with faults_told(self._queue.folder.database):
            self._queue.upkeep.recover()
        if not self._has_worker():
            return
        returning = (partial(self._return, each) for each in self._options.destinations)
        work = (self._look_after, self._forget, self._segment, *returning)
        threads = [threading.Thread(target=self._repeat, args=(each,)) for each in work]
        try:
            port = self._receiver.start()
            for thread in threads:
                thread.start()
            if started is not None:
                started(port)
            # In short waits, since some systems let no signal through a long one.
            while not self._stop.wait(_GLANCE_S):
                pass
        finally:
            self._stop.set()
            self._receiver.stop(self._options.stopping_s)
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            self._worker.end()

    def _has_worker(self) -> bool:
        """Starts the process that segments; not if the node is told to stop meanwhile.

        Raises:
            ModelError: the model cannot be used.
        """
        try:
            self._worker.start()
        except ModelError:
            if not self._stop.is_set():
                raise
            return False
        return True

    def _repeat(self, step: Callable[[], float]) -> None:
        """Does a step again and again, after as many seconds as it says."""
        while not self._stop.is_set():
            try:
                wait_s = step()
            except (OSError, sqlite3.Error) as error:
                log.error("the disk is in trouble (%s); trying again", _told(error))
                wait_s = _AFTER_TROUBLE_S
            except Exception as error:
                log.error("failed unexpectedly (%s); trying again", type(error).__name__)
                log.debug("traceback", exc_info=error)
                wait_s = _AFTER_TROUBLE_S
            self._stop.wait(wait_s)

    def _look_after(self) -> float:
        self._receiver.look_after()
        for number in self._queue.inbox.settle(self._receiver.busy()):
            log.info("study %d: complete", number)
        return _GLANCE_S

    def _forget(self) -> float:
        now, upkeep = time.time(), self._queue.upkeep
        for number in upkeep.forget_images(now - self._options.keep_days * _DAY_S):
            log.info("study %d: its images are removed", number)
        for number in upkeep.forget_studies(now - self._options.record_days * _DAY_S):
            log.info("study %d: it is not known any more", number)
        return FORGET_EVERY_S

    def _segment(self) -> float:
        job = self._queue.jobs.claim()
        if job is None:
            return _GLANCE_S
        outcome = self._worker.run(job.images, job.work)
        self._insist(lambda: self._note(job, outcome))
        return 0.0

    def _note(self, job: Job, outcome: Outcome) -> None:
        jobs = self._queue.jobs
        log.info("study %d: %s%s", job.number, outcome.ending.value, _because(outcome.reason))
        match outcome.ending:
            case Ending.DONE:
                jobs.processed(job)
            case Ending.FAILED:
                jobs.failed(job, outcome.reason)
            case Ending.LOST:
                jobs.lost(job, outcome.reason)
            case Ending.PUT_OFF:
                jobs.hand_back(job, outcome.reason, _PUT_OFF_S)
            case Ending.STOPPED:
                jobs.hand_back(job)

    def _insist(self, note: Callable[[], None]) -> None:
        """Has an outcome recorded, however long the disk is full; a stop leaves it to the next."""
        while True:
            try:
                note()
            except (OSError, sqlite3.Error) as error:
                log.error("the disk is in trouble (%s); trying again", _told(error))
                if self._stop.wait(_AFTER_TROUBLE_S):
                    return
            else:
                return

    def _return(self, destination: str) -> float:
        outbox = self._queue.outbox
        delivery = outbox.next_delivery(destination)
        if delivery is None:
            return _GLANCE_S
        fault = self._fault(delivery)
        if fault:
            log.warning("study %d: not returned: %s", delivery.number, fault)
            self._insist(lambda: outbox.not_delivered(delivery, fault))
        else:
            log.info("study %d: returned", delivery.number)
            self._insist(lambda: outbox.delivered(delivery))
        return 0.0

    def _fault(self, delivery: Delivery) -> str:
        """Sends; gives why that failed, whatever kept it from it, so that it counts as a try."""
        try:
            return self._send(delivery.destination, delivery.files)
        except Exception as error:
            log.debug("traceback", exc_info=error)
            return f"sending failed unexpectedly ({type(error).__name__})"


def _told(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
