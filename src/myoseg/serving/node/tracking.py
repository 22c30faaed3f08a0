"""Which connection sends to which study now, and what it was refused."""

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

_MOST_REFUSED: Final = 10_000
"""That are told apart; a sender that goes on after so many refusals is not worth more memory."""


@dataclass
class Sender:
    """An open connection.

    Attributes:
        since: when it began, in seconds since 1970.
        numbers: of the studies that it sent to, or was to.
        refused: images that were refused and have not been taken since, and why.
    """

    since: float
    numbers: set[int] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def refusal(self) -> str:
        """Why an image was refused; "" where none was."""
        return next(iter(self.refused.values()), "")


class Senders:
    """The open connections, by whatever tells them apart. Threads may share it."""

    def __init__(self) -> None:
        self._open: dict[Hashable, Sender] = {}
        self._lock = threading.Lock()

    def begin(self, key: Hashable, now: float) -> None:
        """A connection has been made."""
        with self._lock:
            self._open[key] = Sender(now)

    def sent(self, key: Hashable, image: str, number: int, now: float) -> None:
        """It sent an image, which was taken into a study."""
        with self._lock:
            sender = self._open.setdefault(key, Sender(now))
            sender.numbers.add(number)
            sender.refused.pop(image, None)

    def refused(
        self, key: Hashable, image: str, number: int | None, reason: str, now: float
    ) -> None:
        """It sent an image, which was refused; of the study of a number, where that is known."""
        with self._lock:
            sender = self._open.setdefault(key, Sender(now))
            if number is not None:
                sender.numbers.add(number)
            if len(sender.refused) < _MOST_REFUSED:
                sender.refused[image] = reason

    def end(self, key: Hashable) -> Sender | None:
        """It has ended; None where it had ended before."""
        with self._lock:
            return self._open.pop(key, None)

    def all_open(self) -> tuple[Hashable, ...]:
        """What tells the open ones apart."""
        with self._lock:
            return tuple(self._open)

    def busy(self) -> frozenset[int]:
        """The studies that an open connection has sent to."""
        with self._lock:
            return frozenset(number for each in self._open.values() for number in each.numbers)
