"""Images enter; studies leave that are complete, or lack something and say so."""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Final

from myoseg.serving.node.durable import move_file, remove
from myoseg.serving.node.record import Record, Row, image_name, key_of
from myoseg.serving.node.study import GB, WAITING, Limits, Patience, State

log = logging.getLogger(__name__)

BROKE_OFF: Final = "the sender's connection broke before all images were there"
SEND_AGAIN: Final = "send the study again, or `myoseg node retry` it as it is"


class QueueFull(Exception):  # noqa: N818 -- an answer to a sender, and no fault
    """An image cannot be taken now; the message says why and names no one."""


class Inbox:
    """Studies while their images come in."""

    def __init__(self, record: Record, patience: Patience, limits: Limits) -> None:
        self._record, self._patience, self._limits = record, patience, limits

    def add_image(self, study_uid: str, instance_uid: str, path: Path, content: str) -> int:
        """Takes an image into its study; on return it outlives any crash.

        The same image again changes nothing, but takes up a study that failed. An image that is
        new to a study which was processed already, or has other content than before, makes a new
        version of the study.

        Args:
            study_uid: of the study.
            instance_uid: of the image.
            path: the file, on the disk of the record and written to it; it is moved or removed.
            content: SHA-256 of the file.

        Returns:
            The study's number.

        Raises:
            QueueFull: a limit is reached.
            OSError: the file cannot be moved.
            sqlite3.Error: the record cannot be written. In all cases nothing has changed.
        """
        # Else another thread could put a file where this one is about to remove it.
        with self._record.alone():
            return self._add(study_uid, instance_uid, path, content)

    def _add(self, study_uid: str, instance_uid: str, path: Path, content: str) -> int:
        record, forgotten = self._record, [path]
        placed: list[Path] = []
        try:
            with record.transaction() as now:
                study = self._study(key_of(study_uid), now)
                number = int(study["number"])
                record.set(number, instance_at=now, unreleased=1)
                known = self._known(number, instance_uid)
                is_new = known is None or known["content"] != content
                if is_new:
                    folder = record.folder.images_of(number)
                    placed.append(folder / image_name(content))
                    self._place(number, instance_uid, path, content)
                    if known is not None:
                        forgotten.append(folder / image_name(known["content"]))
                    if self._has_begun(study):
                        forgotten.append(self._results_of(study))
                self._reopen(study, now, is_new=is_new)
        except Exception:
            remove(placed)
            raise
        remove(forgotten)
        return number

    def number_of(self, study_uid: str) -> int | None:
        """The number of a study; None where nothing of it was taken yet.

        Raises:
            sqlite3.Error: the record cannot be read.
        """
        found = self._record.row("SELECT number FROM studies WHERE key = ?", key_of(study_uid))
        return None if found is None else int(found["number"])

    def _study(self, key: str, now: float) -> Row:
        found = self._record.row("SELECT * FROM studies WHERE key = ?", key)
        if found is not None:
            return found
        self._require_few_waiting()
        self._record.execute(
            "INSERT INTO studies (key, state, received_at, instance_at, changed_at) "
            "VALUES (?, ?, ?, ?, ?)",
            *(key, State.RECEIVING, now, now, now),
        )
        made = self._record.row("SELECT * FROM studies WHERE key = ?", key)
        assert made is not None
        self._record.note(made["number"], now)
        return made

    def _require_few_waiting(self) -> None:
        query = "SELECT count(*) AS n FROM studies WHERE state IN (?, ?, ?, ?)"
        counted = self._record.row(query, *WAITING)
        if counted is not None and counted["n"] >= self._limits.n_waiting:
            raise QueueFull(f"{self._limits.n_waiting} studies are waiting already")

    def _known(self, number: int, instance_uid: str) -> Row | None:
        query = "SELECT * FROM instances WHERE study = ? AND key = ?"
        return self._record.row(query, number, key_of(instance_uid))

    def _place(self, number: int, instance_uid: str, path: Path, content: str) -> None:
        """Moves the file to its study's folder and notes it."""
        record, n_bytes = self._record, path.stat().st_size
        self._require_room(number, n_bytes)
        target = record.folder.images_of(number) / image_name(content)
        move_file(path, target, record.step)
        record.execute(
            "INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?)",
            *(number, key_of(instance_uid), content, n_bytes),
        )

    def _require_room(self, number: int, n_bytes: int) -> None:
        held = self._record.row("SELECT total(n_bytes) AS n FROM instances WHERE study = ?", number)
        assert held is not None
        if held["n"] + n_bytes > self._limits.study_bytes:
            limit_gb = self._limits.study_bytes / GB
            raise QueueFull(f"a study of more than {limit_gb:g} GB")

    def _has_begun(self, study: Row) -> bool:
        """Whether the images as they were have been processed, or are."""
        is_made = self._results_of(study).exists()
        return bool(study["attempts"]) or study["state"] == State.RETURNED or is_made

    def _results_of(self, study: Row) -> Path:
        return self._record.folder.results_of(study["number"], study["version"])

    def _reopen(self, study: Row, now: float, *, is_new: bool) -> None:
        """Has a study received again that has a new image, or that failed and is sent again.

        Results that were made of the same images are sent again, and not made again.
        """
        number, state, record = study["number"], study["state"], self._record
        if state == State.RECEIVING or not (is_new or state == State.FAILED):
            return
        if is_new and self._has_begun(study):
            record.set(number, version=study["version"] + 1)
            log.info("study %d: new images came; this is version %d", number, study["version"] + 1)
        record.set(number, attempts=0, interruptions=0, sendings=0, due_at=0)
        record.execute("DELETE FROM tries WHERE study = ?", number)
        if state != State.READY:
            record.set(number, gap="", gap_at=0)
        is_made = not is_new and self._results_of(study).is_dir()
        record.move(number, State.RESULTS if is_made else State.RECEIVING, now)

    def release(
        self,
        numbers: Collection[int],
        since: float,
        *,
        gap: str = "",
        still_open: Collection[int] = (),
    ) -> None:
        """Notes that a sender has ended its connection.

        Args:
            numbers: of the studies to which it sent.
            since: when the connection began; what was lacking before has been sent again.
            gap: what is lacking now: it broke off, or was refused an image; "" where nothing is.
            still_open: studies to which another connection sends.

        Raises:
            sqlite3.Error: it cannot be recorded; the studies wait as if the sender had broken off.
        """
        record = self._record
        with record.transaction() as now:
            for number in numbers:
                study = record.study(number)
                if study is None:
                    continue
                record.set(number, unreleased=int(number in still_open))
                if gap:
                    record.set(number, gap=gap, gap_at=now)
                elif study["gap_at"] <= since:
                    record.set(number, gap="", gap_at=0)

    def settle(self, busy: Collection[int] = ()) -> tuple[int, ...]:
        """Moves studies to which nothing more comes to ready or, where images lack, to failed.

        Args:
            busy: studies to which a connection sends now.

        Returns:
            The numbers of those that are ready.

        Raises:
            sqlite3.Error: it cannot be recorded; nothing has changed.
        """
        record, ready = self._record, []
        with record.transaction() as now:
            record.follow_clock(now, self._patience.longest_wait_s)
            for study in record.rows("SELECT * FROM studies WHERE state = ?", State.RECEIVING):
                number, is_whole = study["number"], not study["gap"] and not study["unreleased"]
                if number in busy or self._may_come(study, now, is_whole=is_whole):
                    continue
                if is_whole:
                    record.move(number, State.READY, now)
                    ready.append(number)
                else:
                    reason = f"{study['gap'] or BROKE_OFF}; {SEND_AGAIN}"
                    record.set(number, unreleased=0)
                    record.move(number, State.FAILED, now, reason)
        return tuple(ready)

    def _may_come(self, study: Row, now: float, *, is_whole: bool) -> bool:
        last: float = max(study["instance_at"], study["gap_at"], self._record.opened_at)
        return now - last < (self._patience.settle_s if is_whole else self._patience.broken_s)
