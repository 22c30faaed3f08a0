"""A folder enters; the queue of a node's studies leaves, which outlives any crash.

A study goes from receiving to ready, processing, results ready and returned, or ends as failed.
Each step is one transaction. Files are on the disk before the transaction that speaks of them, and
go after the one that forgets them: a crash leaves at most files that nothing speaks of, which are
removed at the next start.
"""

import time
from collections.abc import Callable, Sequence

from myoseg.serving.node.durable import Step, no_step
from myoseg.serving.node.inbox import Inbox
from myoseg.serving.node.jobs import Jobs
from myoseg.serving.node.outbox import Outbox
from myoseg.serving.node.record import Record
from myoseg.serving.node.state_folder import StateFolder
from myoseg.serving.node.study import Limits, Patience, QueuedStudy
from myoseg.serving.node.upkeep import Upkeep


class Queue:
    """The studies of a node: `inbox`, `jobs`, `outbox` and `upkeep`. Threads may share it."""

    def __init__(
        self,
        folder: StateFolder,
        destinations: Sequence[str] = (),
        *,
        patience: Patience | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        step: Step = no_step,
    ) -> None:
        """Opens the queue of a folder, which is made where it is missing.

        Args:
            folder: where it lies.
            destinations: to each of which results go.
            patience: how long and how often it tries.
            limits: what it takes.
            clock: seconds since 1970.
            step: called between any two things that last; for tests.

        Raises:
            ConfigurationError: the folder or the database in it is not a node's, or is damaged.
            OutputError: the folder cannot be made.
        """
        folder.make()
        waits = patience or Patience()
        self._record = Record(folder, clock, step)
        self.folder = folder
        self.inbox = Inbox(self._record, waits, limits or Limits())
        self.jobs = Jobs(self._record, waits)
        self.outbox = Outbox(self._record, waits, destinations)
        self.upkeep = Upkeep(self._record, waits)

    def studies(self) -> tuple[QueuedStudy, ...]:
        """All studies, by number."""
        return self._record.studies()

    def close(self) -> None:
        """Lets go of the database."""
        self._record.close()
