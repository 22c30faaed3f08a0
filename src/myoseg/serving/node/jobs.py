"""Ready studies enter, one at a time; results leave, or what kept them from being made."""

from uuid import uuid4

from myoseg.serving.node.durable import move_folder, remove
from myoseg.serving.node.record import Record, Row
from myoseg.serving.node.study import Job, Patience, State


class Jobs:
    """Studies while they are segmented. Of images that changed meanwhile, no result is kept."""

    def __init__(self, record: Record, patience: Patience) -> None:
        self._record, self._patience = record, patience

    def claim(self) -> Job | None:
        """The next study to be segmented, which counts as being processed from now on.

        Raises:
            sqlite3.Error: it cannot be recorded; nothing has changed. So with all calls here.
        """
        record = self._record
        query = "SELECT * FROM studies WHERE state = ? AND due_at <= ? ORDER BY number LIMIT 1"
        with record.transaction() as now:
            study = record.row(query, State.READY, now)
            if study is None:
                return None
            number, version = study["number"], study["version"]
            record.set(number, attempts=study["attempts"] + 1)
            record.move(number, State.PROCESSING, now)
        work = record.folder.work / f"{number:06d}-{version}-{uuid4().hex[:8]}"
        return Job(number, version, record.folder.images_of(number), work)

    def processed(self, job: Job) -> None:
        """Keeps the results in the job's folder; they outlive any crash on return.

        Raises:
            OSError: they cannot be kept now; the job is still being processed. Call it again.
        """
        kept = self._record.folder.results_of(job.number, job.version)
        if job.work.is_dir():
            move_folder(job.work, kept, self._record.step)
        with self._record.transaction() as now:
            is_current = self._current(job) is not None
            if is_current:
                self._record.move(job.number, State.RESULTS, now)
        if not is_current:
            remove((kept,))

    def failed(self, job: Job, reason: str) -> None:
        """Ends a job that no further attempt would help."""
        with self._record.transaction() as now:
            if self._current(job) is not None:
                self._record.move(job.number, State.FAILED, now, reason)
        remove((job.work,))

    def lost(self, job: Job, reason: str) -> None:
        """Makes a job ready again whose process died or hung, or ends it after the last attempt."""
        with self._record.transaction() as now:
            study = self._current(job)
            if study is not None and study["attempts"] >= self._patience.most_attempts:
                told = f"{reason}; tried {study['attempts']} times"
                self._record.move(job.number, State.FAILED, now, told)
            elif study is not None:
                self._record.move(job.number, State.READY, now, reason)
        remove((job.work,))

    def hand_back(self, job: Job, reason: str = "", wait_s: float = 0.0) -> None:
        """Makes a job ready again, for no fault of its own, and not before some seconds."""
        with self._record.transaction() as now:
            study = self._current(job)
            if study is not None:
                attempts = study["attempts"] - 1
                self._record.set(job.number, attempts=attempts, due_at=now + wait_s)
                self._record.move(job.number, State.READY, now, reason)
        remove((job.work,))

    def _current(self, job: Job) -> Row | None:
        """The job's study, unless new images came or another has taken it up."""
        return self._record.row(
            "SELECT * FROM studies WHERE number = ? AND version = ? AND state = ?",
            *(job.number, job.version, State.PROCESSING),
        )
