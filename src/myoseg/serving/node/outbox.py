"""Studies with results enter; what is to be sent where leaves, until each has been sent."""

from collections.abc import Sequence

from myoseg.serving.node.record import Record, Row, key_of
from myoseg.serving.node.study import Delivery, Patience, State


class Outbox:
    """Studies while their results are returned."""

    def __init__(self, record: Record, patience: Patience, destinations: Sequence[str]) -> None:
        self._record, self._patience = record, patience
        self._destinations = {_key(name): name for name in destinations}

    def next_delivery(self, to: str | None = None) -> Delivery | None:
        """Results that are to be sent now; the same until it is told what became of them.

        Args:
            to: only to this destination; to any where None. Each has its own tries and waits, so
                that one that is slow or does not answer keeps nothing from the others.

        Raises:
            sqlite3.Error: it cannot be recorded that a study has been returned.
        """
        record = self._record
        keys = [key for key, name in self._destinations.items() if to in (None, name)]
        with record.transaction() as now:
            for study in self._ended():
                self._end(study["number"], study["version"], now)
            found = [row for key in keys if (row := self._waiting(key, now)) is not None]
        if not found:
            return None
        study = min(found, key=lambda row: (row["due_at"], row["number"]))
        number, version = study["number"], study["version"]
        files = sorted(record.folder.results_of(number, version).glob("*.dcm"))
        return Delivery(number, version, tuple(files), self._destinations[study["destination"]])

    def _waiting(self, key: str, now: float) -> Row | None:
        """What has waited longest to be sent to a destination."""
        return self._record.row(
            "SELECT number, studies.version, coalesce(tries.due_at, 0) AS due_at, "
            "?1 AS destination FROM studies LEFT JOIN tries ON tries.study = number "
            "AND tries.version = studies.version AND tries.destination = ?1 "
            "WHERE state = ?2 AND coalesce(tries.due_at, 0) <= ?3 "
            "AND coalesce(tries.n_times, 0) < ?4 AND NOT EXISTS (SELECT 1 FROM deliveries AS had "
            "WHERE had.study = number AND had.version = studies.version AND had.destination = ?1) "
            "ORDER BY 3, number LIMIT 1",
            *(key, State.RESULTS, now, self._patience.most_sendings),
        )

    def _ended(self) -> list[Row]:
        """Studies of which no destination is left to which results are to be sent."""
        keys = tuple(self._destinations)
        named = ", ".join("?" * len(keys))
        here = f"study = number AND version = studies.version AND destination IN ({named})"
        had = f"SELECT count(*) FROM deliveries WHERE {here}"  # noqa: S608 -- question marks
        vain = f"SELECT count(*) FROM tries WHERE {here} AND n_times >= ?"  # noqa: S608 -- likewise
        ended = f"state = ? AND ({had}) + ({vain}) >= ?"
        return self._record.rows(
            f"SELECT number, version FROM studies WHERE {ended}",  # noqa: S608 -- likewise
            *(State.RESULTS, *keys, *keys, self._patience.most_sendings, len(keys)),
        )

    def delivered(self, delivery: Delivery) -> None:
        """Notes that a destination has the results; with the last one, the study is returned.

        Raises:
            sqlite3.Error: it cannot be recorded; the same files are sent again.
        """
        number, version = delivery.number, delivery.version
        place = (number, version, _key(delivery.destination))
        with self._record.transaction() as now:
            if self._current(delivery) is None:
                return
            self._record.execute(
                "DELETE FROM tries WHERE study = ? AND version = ? AND destination = ?", *place
            )
            self._record.execute(
                "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?)", *place, now
            )
            self._end(number, version, now)

    def not_delivered(self, delivery: Delivery, reason: str) -> None:
        """Has results sent again after a while that grows, or ends after the last attempt.

        Raises:
            sqlite3.Error: it cannot be recorded.
        """
        number, version, patience = delivery.number, delivery.version, self._patience
        place = (number, version, _key(delivery.destination))
        with self._record.transaction() as now:
            study = self._current(delivery)
            if study is None:
                return
            before = self._record.row(
                "SELECT n_times FROM tries WHERE study = ? AND version = ? AND destination = ?",
                *place,
            )
            n_times = (before["n_times"] if before is not None else 0) + 1
            wait_s = min(patience.first_wait_s * 2 ** min(n_times - 1, 30), patience.longest_wait_s)
            self._record.execute(
                "INSERT OR REPLACE INTO tries VALUES (?, ?, ?, ?, ?, ?)",
                *(*place, n_times, now + wait_s, reason),
            )
            self._record.set(number, sendings=max(n_times, study["sendings"]), reason=reason)
            self._end(number, version, now)

    def _end(self, number: int, version: int, now: float) -> None:
        """Ends a study of whose destinations none is left; within a transaction."""
        missing = self._missing(number, version)
        given_up = [row for row in self._given_up(number, version) if row["destination"] in missing]
        if not missing:
            self._record.move(number, State.RETURNED, now)
        elif len(given_up) == len(missing):
            is_partly = len(missing) < len(self._destinations)
            where = "not returned everywhere" if is_partly else "not returned"
            last = given_up[-1]
            told = f"{where}: {last['reason']}; tried {last['n_times']} times"
            self._record.move(number, State.FAILED, now, told)

    def _given_up(self, number: int, version: int) -> list[Row]:
        """Of destinations that are not tried any more, the tries; the latest last."""
        return self._record.rows(
            "SELECT * FROM tries WHERE study = ? AND version = ? AND n_times >= ? ORDER BY due_at",
            *(number, version, self._patience.most_sendings),
        )

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
