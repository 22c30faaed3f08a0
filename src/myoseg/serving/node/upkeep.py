"""What the last node left enters; a queue that can go on leaves. Studies are tried again or go."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from myoseg.errors import ConfigurationError
from myoseg.serving.node.durable import remove
from myoseg.serving.node.record import Record, Row, image_name
from myoseg.serving.node.study import Patience, State

STOPPED: Final = "the node was stopped while images came in"
ENDED_EACH_TIME: Final = "the node ended each time that the study was segmented"

_MOST_FORGOTTEN: Final = 1000


class Upkeep:
    """What is done to the queue as a whole."""

    def __init__(self, record: Record, patience: Patience) -> None:
        self._record, self._patience = record, patience

    def recover(self) -> None:
        """Takes up what the last node left, however it ended; call it once, before all else.

        What was being processed is ready again, what was being received waits for its sender, and
        files that no record speaks of are removed.

        Raises:
            sqlite3.Error: it cannot be recorded.
        """
        record = self._record
        with record.transaction() as now:
            record.follow_clock(now, 0.0)
            record.execute(
                "UPDATE studies SET gap = ?, gap_at = ? WHERE unreleased AND state = ?",
                *(STOPPED, now, State.RECEIVING),
            )
            record.execute("UPDATE studies SET unreleased = 0 WHERE unreleased")
            for study in record.rows("SELECT * FROM studies WHERE state = ?", State.PROCESSING):
                self._interrupted(study, now)
        self._sweep()

    def _interrupted(self, study: Row, now: float) -> None:
        number, n_times = study["number"], study["interruptions"] + 1
        self._record.set(number, interruptions=n_times, attempts=max(0, study["attempts"] - 1))
        if n_times >= self._patience.most_interruptions:
            self._record.move(number, State.FAILED, now, ENDED_EACH_TIME)
        else:
            self._record.move(number, State.READY, now)

    def _sweep(self) -> None:
        """Removes files that no record speaks of."""
        folder = self._record.folder
        remove(folder.incoming.iterdir())
        remove(folder.work.iterdir())
        kept = {
            folder.images_of(row["study"]) / image_name(row["content"])
            for row in self._record.rows("SELECT study, content FROM instances")
        }
        remove([path for path in folder.images.glob("*/*") if path not in kept])
        remove(path for path in folder.images.iterdir() if not any(path.iterdir()))
        results = set(self._results())
        remove(path for path in folder.results.iterdir() if path not in results)

    def _results(self) -> Iterator[Path]:
        query = (
            "SELECT number, version FROM studies WHERE state IN (?, ?, ?) "
            "AND EXISTS (SELECT 1 FROM instances WHERE study = number)"
        )
        for study in self._record.rows(query, State.RESULTS, State.RETURNED, State.FAILED):
            yield self._record.folder.results_of(study["number"], study["version"])

    def retry(self, numbers: Collection[int] | None = None) -> tuple[int, ...]:
        """Takes up studies that failed or were returned; results that are made are sent again.

        Args:
            numbers: of the studies; None for all that failed.

        Returns:
            The numbers of those that are taken up.

        Raises:
            ConfigurationError: there is no such study, it is under way, or its images are removed.
        """
        record = self._record
        with record.transaction() as now:
            if numbers is None:
                studies = record.rows("SELECT * FROM studies WHERE state = ?", State.FAILED)
            else:
                studies = [self._to_retry(number) for number in numbers]
            for study in studies:
                self._retry(study, now)
        return tuple(study["number"] for study in studies)

    def _to_retry(self, number: int) -> Row:
        study = self._record.study(number)
        if study is None:
            raise ConfigurationError(
                f"there is no study {number}; `myoseg node status` lists them by number."
            )
        if study["state"] not in (State.FAILED, State.RETURNED):
            raise ConfigurationError(
                f"study {number} is under way ({study['state']}); wait until it is done."
            )
        if not self._record.n_images(number):
            raise ConfigurationError(
                f"the images of study {number} are removed already; send the study again."
            )
        return study

    def _retry(self, study: Row, now: float) -> None:
        record, number, version = self._record, study["number"], study["version"]
        is_made = record.folder.results_of(number, version).is_dir()
        record.execute("DELETE FROM deliveries WHERE study = ? AND version = ?", number, version)
        record.execute("DELETE FROM tries WHERE study = ?", number)
        record.set(number, attempts=0, interruptions=0, sendings=0, due_at=0)
        record.set(number, gap="", gap_at=0, unreleased=0)
        record.move(number, State.RESULTS if is_made else State.READY, now)

    def forget_images(self, before: float) -> tuple[int, ...]:
        """Removes images and results of studies that were returned before a time.

        Returns:
            The studies' numbers.

        Raises:
            sqlite3.Error: it cannot be recorded; nothing is removed.
        """
        record = self._record
        # Else an image that comes meanwhile would be removed with those that it lies beside.
        with record.alone():
            studies = self._forget_rows(before)
            for study in studies:
                number = study["number"]
                remove((record.folder.images_of(number),))
                remove((record.folder.results_of(number, study["version"]),))
        return tuple(study["number"] for study in studies)

    def _forget_rows(self, before: float) -> list[Row]:
        record = self._record
        with record.transaction():
            studies = record.rows(
                "SELECT number, version FROM studies WHERE state = ? AND changed_at < ? "
                "AND EXISTS (SELECT 1 FROM instances WHERE study = number)",
                *(State.RETURNED, before),
            )
            for study in studies:
                record.execute("DELETE FROM instances WHERE study = ?", study["number"])
        return studies

    def forget_studies(self, before: float) -> tuple[int, ...]:
        """Removes all that is known of studies that were returned before a time.

        Only of those whose images are removed already (`forget_images`), and to which no connection
        sends. Sent again later, such a study is a new one.

        Returns:
            The studies' numbers, of a thousand at most; call it again for further ones.

        Raises:
            sqlite3.Error: it cannot be recorded; nothing is removed.
        """
        record = self._record
        with record.alone():
            if not self._forgettable(before):
                return ()
            with record.transaction():
                numbers = self._forgettable(before)
                for number in numbers:
                    for table in ("tries", "deliveries", "history"):
                        record.execute(f"DELETE FROM {table} WHERE study = ?", number)  # noqa: S608
                    record.execute("DELETE FROM studies WHERE number = ?", number)
            for number in numbers:
                remove((record.folder.images_of(number),))
                remove(record.folder.all_results_of(number))
        return numbers

    def _forgettable(self, before: float) -> tuple[int, ...]:
        found = self._record.rows(
            "SELECT number FROM studies WHERE state = ? AND changed_at < ? AND instance_at < ? "
            "AND NOT unreleased AND NOT EXISTS (SELECT 1 FROM instances WHERE study = number) "
            "ORDER BY number LIMIT ?",
            *(State.RETURNED, before, before, _MOST_FORGOTTEN),
        )
        return tuple(row["number"] for row in found)
