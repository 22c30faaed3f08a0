"""A node's folder enters; the rows of its database leave, and change in whole transactions."""

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from myoseg.serving.node.database import open_database, refused, transaction
from myoseg.serving.node.durable import Step, no_step
from myoseg.serving.node.state_folder import StateFolder
from myoseg.serving.node.study import QueuedStudy, State

Row = sqlite3.Row


class Record:
    """The database of a node's studies. Threads may share it."""

    def __init__(
        self, folder: StateFolder, clock: Callable[[], float] = time.time, step: Step = no_step
    ) -> None:
        """Opens the database of a folder.

        Args:
            folder: made already.
            clock: seconds since 1970.
            step: called between any two things that last; for tests.

        Raises:
            ConfigurationError: the database is damaged or not a node's.
        """
        self.folder, self.step, self._clock = folder, step, clock
        self._lock = threading.RLock()
        self._connection = open_database(folder.database)
        self.opened_at = clock()

    def close(self) -> None:
        """Lets go of the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within it no other thread changes the rows, nor the files that they speak of."""
        with self._lock:
            yield

    @contextmanager
    def transaction(self) -> Iterator[float]:
        """Yields the time; what is changed within it is on the disk as a whole or not at all.

        Raises:
            sqlite3.Error: it could not be written; nothing was.
        """
        with self._lock, transaction(self._connection, self.step):
            yield self._clock()

    def rows(self, query: str, *values: object) -> list[Row]:
        """What a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> Row | None:
        """The first row that a query finds."""
        return next(iter(self.rows(query, *values)), None)

    def study(self, number: int) -> Row | None:
        """The row of a study."""
        return self.row("SELECT * FROM studies WHERE number = ?", number)

    def n_images(self, number: int) -> int:
        """How many images of a study are kept."""
        row = self.row("SELECT count(*) AS n FROM instances WHERE study = ?", number)
        return 0 if row is None else int(row["n"])

    def execute(self, statement: str, *values: object) -> None:
        """Changes something, within a transaction."""
        self._connection.execute(statement, values)

    def set(self, number: int, **values: object) -> None:
        """Changes columns of a study, within a transaction."""
        columns = ", ".join(f"{name} = ?" for name in values)
        self.execute(
            f"UPDATE studies SET {columns} WHERE number = ?",  # noqa: S608 -- our own names
            *values.values(),
            number,
        )

    def move(self, number: int, state: State, now: float, reason: str = "") -> None:
        """Brings a study into a state, within a transaction, and notes it in the history."""
        self.set(number, state=state, changed_at=now, reason=reason)
        self.note(number, now)

    def note(self, number: int, now: float) -> None:
        """Writes the state of a study into the history, within a transaction."""
        self.execute(
            "INSERT INTO history SELECT number, version, state, ?, reason FROM studies "
            "WHERE number = ?",
            now,
            number,
        )

    def follow_clock(self, now: float, longest_wait_s: float) -> None:
        """Lets nothing wait for a time that a clock showed before it was set back.

        Within a transaction; what is to wait from now on waits no more than so many seconds.
        """
        self.opened_at = min(self.opened_at, now)
        self.execute(
            "UPDATE studies SET instance_at = min(instance_at, ?1), gap_at = min(gap_at, ?1), "
            "changed_at = min(changed_at, ?1), due_at = min(due_at, ?2) "
            "WHERE max(instance_at, gap_at, changed_at) > ?1 OR due_at > ?2",
            *(now, now + longest_wait_s),
        )
        self.execute(
            "UPDATE tries SET due_at = ?1 WHERE due_at > ?1",
            now + longest_wait_s,
        )

    def studies(self) -> tuple[QueuedStudy, ...]:
        """All studies, by number.

        Raises:
            ConfigurationError: the database is damaged.
        """
        query = (
            "SELECT *, (SELECT count(*) FROM instances WHERE study = number) AS n_images "
            "FROM studies ORDER BY number"
        )
        return tuple(self._queued(row) for row in self.rows(query))

    def _queued(self, row: Row) -> QueuedStudy:
        values: dict[str, Any] = {field.name: row[field.name] for field in fields(QueuedStudy)}
        try:
            return QueuedStudy(**(values | {"state": State(row["state"])}))
        except ValueError:
            raise refused(
                self.folder.database, f"is damaged (study {row['number']} is in no known state)"
            ) from None


def key_of(uid: str) -> str:
    """What stands for an identifier in the record, which must not tell it."""
    return hashlib.sha256(uid.encode()).hexdigest()


def image_name(content: str) -> str:
    """The name of an image's file, by the SHA-256 of its content."""
    return f"{content[:40]}.dcm"
