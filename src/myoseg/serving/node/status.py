"""A node's folder enters; what became of its studies leaves, as a table that names no one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from myoseg.serving.node.database import faults_told
from myoseg.serving.node.queue import Queue
from myoseg.serving.node.state_folder import StateFolder
from myoseg.serving.node.study import QueuedStudy

COLUMNS = (
    "study",
    "state",
    "version",
    "images",
    "received",
    "changed",
    "attempts",
    "resent",
    "why",
)


@contextmanager
def opened_queue(folder: Path) -> Iterator[Queue]:
    """The queue of a node, which may be running.

    Raises:
        ConfigurationError: no node has run in this folder, or its database is locked, damaged or
            cannot be used; also where that shows later, within the context.
    """
    state = StateFolder(folder)
    state.require_database()
    with faults_told(state.database):
        queue = Queue(state)
        try:
            yield queue
        finally:
            queue.close()


def studies_of(folder: Path) -> tuple[QueuedStudy, ...]:
    """The studies of a node, which may be running, by number.

    Raises:
        ConfigurationError: as `opened_queue`.
    """
    with opened_queue(folder) as queue:
        return queue.studies()


def status_table(studies: Sequence[QueuedStudy]) -> str:
    """A line for each study, and one that counts them by state; times are this machine's."""
    rows = [COLUMNS, *map(_row, studies)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(COLUMNS) - 1)]
    lines = ["  ".join(map(_padded, row, [*widths, 0])).rstrip() for row in rows]
    return "\n".join([*lines, _counts(studies)])


def _row(study: QueuedStudy) -> tuple[str, ...]:
    numbers = map(str, (study.version, study.n_images))
    times = map(_time, (study.received_at, study.changed_at))
    tried = map(str, (study.attempts, study.sendings))
    return (str(study.number), str(study.state), *numbers, *times, *tried, study.reason)


def _counts(studies: Sequence[QueuedStudy]) -> str:
    states = [str(study.state) for study in studies]
    told = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return f"{len(studies)} studies" + (f": {told}" if told else "")


def _padded(text: str, width: int) -> str:
    return text.ljust(width)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
