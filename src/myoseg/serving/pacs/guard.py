"""Associations of classic DICOM enter; none leaves that takes memory or time without bound.

pynetdicom reads as many bytes as a peer announces, and waits for them for ever. Here a message has
a largest size, a unit of the protocol too, and a silent peer is left after a while.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from pynetdicom import evt
from pynetdicom.events import Event

LARGEST_UNIT_BYTES: Final = 1 << 20
"""Of a unit of the protocol (PDU), whatever the peer announces; `OUR_UNIT_BYTES` is agreed on."""

OUR_UNIT_BYTES: Final = 1 << 17
_MOST_UNANSWERED: Final = 64
_PIECE_BYTES: Final = 1 << 16
_LEAST_WAIT_S: Final = 0.001


class Guard:
    """Bounds what a peer may send before one of its messages is whole.

    Give `handlers()` to `AE.associate` or `AE.start_server`. It may guard many associations.

    Attributes:
        opened: whether a connection came about at all.
        overflowed: whether a peer sent too much and was cut off.
    """

    def __init__(self, message_bytes: int, silence_s: float) -> None:
        self.opened = False
        self.overflowed = False
        self._message_bytes = message_bytes + LARGEST_UNIT_BYTES
        self._silence_s = silence_s
        self._received: dict[int, int] = {}
        self._unanswered: dict[int, int] = {}
        self._lock = threading.Lock()

    def handlers(self) -> list[tuple[Any, Callable[[Event], None]]]:
        """What pynetdicom is to call."""
        return [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_DIMSE_RECV, self._message_came),
            (evt.EVT_DIMSE_SENT, self._message_went),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]

    def _opened(self, event: Event) -> None:
        self.opened = True
        transport: Any = event.assoc.dul.socket
        key = id(event.assoc)

        def bounded(n_bytes: int) -> bytearray:
            self._count(key, n_bytes)
            return receive_within(transport, n_bytes, self._silence_s)

        transport.socket.settimeout(self._silence_s)
        # The one place through which every byte of a peer passes.
        transport.recv = bounded

    def _count(self, key: int, n_bytes: int) -> None:
        with self._lock:
            self._received[key] = self._received.get(key, 0) + n_bytes
            is_too_much = self._received[key] > self._message_bytes
            is_flood = self._unanswered.get(key, 0) > _MOST_UNANSWERED
        if n_bytes > LARGEST_UNIT_BYTES or is_too_much or is_flood:
            self.overflowed = True
            # As if the connection had broken, which pynetdicom knows how to end.
            raise ConnectionAbortedError("the peer sent more than is allowed")

    def _message_came(self, event: Event) -> None:
        key = id(event.assoc)
        with self._lock:
            self._received[key] = 0
            if type(event.message).__name__.endswith("_RQ"):
                self._unanswered[key] = self._unanswered.get(key, 0) + 1

    def _message_went(self, event: Event) -> None:
        with self._lock:
            self._unanswered[id(event.assoc)] = 0

    def _closed(self, event: Event) -> None:
        with self._lock:
            self._received.pop(id(event.assoc), None)
            self._unanswered.pop(id(event.assoc), None)


def receive_within(transport: Any, n_bytes: int, within_s: float) -> bytearray:
    """Bytes of a connection, fewer where it ended; a unit that trickles in is waited for no longer.

    Args:
        transport: pynetdicom's, of the connection.
        n_bytes: that are to come.
        within_s: how long they may take together, in seconds.

    Raises:
        OSError: they did not come in time, or the connection broke.
    """
    connection, received = transport.socket, bytearray()
    if connection is None:
        raise ConnectionAbortedError("the connection is closed")
    end = time.monotonic() + within_s
    try:
        while len(received) < n_bytes:
            connection.settimeout(max(end - time.monotonic(), _LEAST_WAIT_S))
            piece = connection.recv(min(n_bytes - len(received), _PIECE_BYTES))
            if not piece:
                break
            received += piece
    finally:
        connection.settimeout(within_s)
    return received
