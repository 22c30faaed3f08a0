"""Studies with results enter; what is to be sent where leaves, until each has been sent."""

from collections.abc import Sequence

from myoseg.serving.node.record import Record, Row, key_of
from myoseg.serving.node.study import Delivery, Patience, State


class Outbox:
    """Studies while their results are returned."""

    def __init__(self, record: Record, patience: Patience, destinations: Sequence[str]) -> None:
        self._record, self._patience = record, patience
        self._destinations = {_key(name): name for name in destinations}

    def next_delivery(self) -> Delivery | None:
        """Results that are to be sent now; the same until it is told what became of them.

        Raises:
            sqlite3.Error: it cannot be recorded that a study has been returned.
        """
        record = self._record
        query = (
            "SELECT * FROM studies WHERE state = ? AND due_at <= ? ORDER BY due_at, number LIMIT 1"
        )
        with record.transaction() as now:
            study = record.row(query, State.RESULTS, now)
            if study is None:
                return None
            number, version = study["number"], study["version"]
            missing = self._missing(number, version)
            if not missing:
                record.move(number, State.RETURNED, now)
                return None
        files = sorted(record.folder.results_of(number, version).glob("*.dcm"))
        # In turn, so that one archive that does not answer keeps nothing from the others.
        key = missing[study["sendings"] % len(missing)]
        return Delivery(number, version, tuple(files), self._destinations[key])

    def delivered(self, delivery: Delivery) -> None:
        """Notes that a destination has the results; with the last one, the study is returned.

        Raises:
            sqlite3.Error: it cannot be recorded; the same files are sent again.
        """
        number, version = delivery.number, delivery.version
        with self._record.transaction() as now:
            if self._current(delivery) is None:
                return
            self._record.execute(
                "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?)",
                *(number, version, _key(delivery.destination), now),
            )
            if not self._missing(number, version):
                self._record.move(number, State.RETURNED, now)

    def not_delivered(self, delivery: Delivery, reason: str) -> None:
        """Has results sent again after a while that grows, or ends after the last attempt.

        Raises:
            sqlite3.Error: it cannot be recorded.
        """
        number, patience = delivery.number, self._patience
        with self._record.transaction() as now:
            study = self._current(delivery)
            if study is None:
                return
            n_times = study["sendings"] + 1
            self._record.set(number, sendings=n_times)
            if n_times >= patience.most_sendings:
                told = f"not returned: {reason}; tried {n_times} times"
                self._record.move(number, State.FAILED, now, told)
                return
            wait_s = min(patience.first_wait_s * 2 ** min(n_times - 1, 30), patience.longest_wait_s)
            self._record.set(number, due_at=now + wait_s, reason=reason)

    def _current(self, delivery: Delivery) -> Row | None:
        """The study, unless new images came."""
        return self._record.row(
            "SELECT * FROM studies WHERE number = ? AND version = ? AND state = ?",
            *(delivery.number, delivery.version, State.RESULTS),
        )

    def _missing(self, number: int, version: int) -> tuple[str, ...]:
        rows = self._record.rows(
            "SELECT destination FROM deliveries WHERE study = ? AND version = ?", number, version
        )
        have = {row["destination"] for row in rows}
        return tuple(key for key in self._destinations if key not in have)


def _key(destination: str) -> str:
    """What stands for a destination in the record; its address may hold a password."""
    return key_of(destination)[:16]
