"""HTTP connections enter; the same leave, none of whose exchanges lasts without bound.

The libraries bound how long a peer may be silent. One that sends a byte now and then is never
silent for long, and would hold an exchange for as long as it likes.
"""

import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

SLOWEST_BYTES_PER_S: Final = 1 << 15
"""An exchange may take longer for what it carries, if that comes at this rate at least."""

_PIECE_BYTES: Final = 1 << 16


class TooSlowError(TimeoutError):
    """An exchange took longer than it may."""


class Pace:
    """How long one exchange may still take: a request and the whole of its answer.

    It may take `silence_s`, and what the bytes that have passed take at `SLOWEST_BYTES_PER_S`.
    """

    def __init__(self, silence_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins an exchange.

        Args:
            silence_s: that the peer may be silent at a time, in seconds.
            clock: in seconds.
        """
        self._silence_s, self._clock = silence_s, clock
        self.begin()

    def begin(self) -> None:
        """Another exchange begins."""
        self._began, self._n_bytes = self._clock(), 0

    def passed(self, n_bytes: int) -> None:
        """So many bytes were sent or came."""
        self._n_bytes += n_bytes

    def wait_s(self) -> float:
        """How long the next bytes may be waited for.

        Raises:
            TooSlowError: no longer.
        """
        may_take_s = self._silence_s + self._n_bytes / SLOWEST_BYTES_PER_S
        left_s = self._began + may_take_s - self._clock()
        if left_s <= 0:
            raise TooSlowError(f"{self._n_bytes} bytes took more than {may_take_s:.3g} s")
        return min(left_s, self._silence_s)


class PacedAdapter(HTTPAdapter):
    """Makes connections of a session that keep its pace."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """As in requests; the pool has not connected yet."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        kind = _PacedHTTPS if pool.scheme == "https" else _PacedHTTP
        pool.ConnectionCls = partial(kind, pace=self._pace)  # type: ignore[assignment]
        return pool


class _Paced:
    """Mixed into urllib3's connections, whose socket it replaces."""

    def __init__(self, *args: Any, pace: Pace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pace = pace

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock: Any = _PacedSocket(self.sock, self._pace)


class _PacedHTTP(_Paced, HTTPConnection):
    pass


class _PacedHTTPS(_Paced, HTTPSConnection):
    pass


class _PacedSocket:
    """A socket as http.client uses one; the only two ways for bytes are bounded."""

    def __init__(self, inner: Any, pace: Pace) -> None:
        self._inner, self._pace = inner, pace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def sendall(self, data: Any) -> None:
        left = memoryview(data).cast("B")
        while left:
            self._inner.settimeout(self._pace.wait_s())
            n_sent = self._inner.send(left[:_PIECE_BYTES])
            self._pace.passed(n_sent)
            left = left[n_sent:]

    def makefile(self, mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_PacedReader(self._inner, self._pace))


class _PacedReader(io.RawIOBase):
    def __init__(self, inner: Any, pace: Pace) -> None:
        super().__init__()
        self._inner, self._pace = inner, pace
        # The socket stays open for it, though the connection be closed.
        self._raw = inner.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        self._inner.settimeout(self._pace.wait_s())
        try:
            n_read: int | None = self._raw.readinto(into)
        except TimeoutError:
            self._pace.wait_s()
            raise
        self._pace.passed(n_read or 0)
        return n_read

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
