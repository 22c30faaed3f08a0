"""Many cases through one model in several processes, each of which loads it once.

The results are those of one process: each case is done as a whole by one of them. A case whose
process dies, as it does where memory runs out, is done again, alone; if that kills a process too,
it is reported as failed and the others go on.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Final

from myoseg.cases.layouts import CaseFiles
from myoseg.cohort import CaseOutcome, PredictOptions, predict_case
from myoseg.errors import ConfigurationError
from myoseg.prediction.model import Model, ModelSource
from myoseg.processor import threads_each

log = logging.getLogger(__name__)

WAITING_PER_PROCESS: Final = 2
"""Cases that are handed out ahead, so that no process waits for its next."""

MOST_PROCESSES: Final = 61
"""As many as Windows lets a pool have."""

LOST: Final = "the process that segmented it died twice, as it does where memory runs out"


def predict_in_processes(
    files: Iterable[CaseFiles],
    source: ModelSource,
    out: Path,
    options: PredictOptions,
    n_processes: int,
) -> Iterator[CaseOutcome]:
    """As `cohort.predict_cohort`, in the order in which cases are done.

    Args:
        files: the cases.
        source: of the model; where it names no number of threads, the processes share all cores.
        out: the folder.
        options: what is asked for.
        n_processes: at once, 1 or more.

    Raises:
        ConfigurationError: fewer than one process.
        OutputError: `out` cannot be written to.
        ModelError: the model cannot be loaded.
    """
    if n_processes < 1:
        raise ConfigurationError(f"{n_processes} processes cannot work; give 1 or more.")
    pending, suspects = deque(files), deque[CaseFiles]()
    n_processes = min(n_processes, MOST_PROCESSES, max(1, len(pending)))
    if source.n_threads is None:
        source = replace(source, n_threads=threads_each(n_processes))
    while pending or suspects:
        alone = bool(suspects)
        queue = deque([suspects.popleft()]) if alone else pending
        lost: list[CaseFiles] = []
        yield from _until_one_dies(queue, lost, source, out, options, 1 if alone else n_processes)
        if alone and lost:
            log.error("%s: %s", lost[0].name, LOST)
            yield CaseOutcome(lost[0].name, LOST)
        elif lost:
            log.warning("a process died; %d cases are done again, one by one", len(lost))
            suspects.extend(lost)


def _until_one_dies(
    queue: deque[CaseFiles],
    lost: list[CaseFiles],
    source: ModelSource,
    out: Path,
    options: PredictOptions,
    n_processes: int,
) -> Iterator[CaseOutcome]:
    """Empties the queue; if a process dies, the cases that were under way go to `lost`."""
    level = logging.getLogger("myoseg").getEffectiveLevel()
    pool = ProcessPoolExecutor(
        n_processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_Worker.start,
        initargs=(source, out, options, level),
    )
    running: dict[Future[CaseOutcome], CaseFiles] = {}
    try:
        while queue or running:
            while queue and len(running) < WAITING_PER_PROCESS * n_processes:
                running[pool.submit(_Worker.predict, queue[0])] = queue[0]
                queue.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                # It stays under way until its result is here: a broken pool has none.
                outcome = future.result()
                del running[future]
                yield outcome
    except BrokenProcessPool:
        lost.extend(running.values())
    except KeyboardInterrupt:
        log.warning("stopping; the cases under way end first")
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _Worker:
    """What a process keeps from one case to the next."""

    model: Model
    out: Path
    options: PredictOptions
    fault: Exception | None = None

    @classmethod
    def start(cls, source: ModelSource, out: Path, options: PredictOptions, level: int) -> None:
        # Ctrl-C is for the parent, which lets the cases under way end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
        logging.getLogger("myoseg").setLevel(level)
        try:
            cls.model, cls.out, cls.options = source.load(), out, options
        except Exception as error:
            # Raised here, it would break the pool and its words would be lost.
            cls.fault = error

    @classmethod
    def predict(cls, files: CaseFiles) -> CaseOutcome:
        if cls.fault is not None:
            raise cls.fault
        return predict_case(files, cls.model, cls.out, cls.options)


def _end_with_parent() -> None:
    """Ends this process once its parent is gone, which would else wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
