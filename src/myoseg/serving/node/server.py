"""Connections enter; each gets a thread, TLS where asked for, and no more time than it may take."""

import logging
import socket
import ssl
import threading
from typing import Any, Final

from pynetdicom.transport import ThreadedAssociationServer

log = logging.getLogger(__name__)

MOST_SOCKETS: Final = 100
"""Connections at once, those included that have not said who they are."""

_HANDSHAKE_S: Final = 10.0


class NodeServer(ThreadedAssociationServer):
    """The network library's server, which no slow or silent peer holds up."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, *args: Any, tls: ssl.SSLContext | None = None, timeout_s: float = 60.0, **kwargs: Any
    ) -> None:
        """As the library's; `tls` is not its own, which shakes hands before the next may come."""
        self._tls, self._timeout_s = tls, timeout_s
        self._n_opening, self._lock = 0, threading.Lock()
        super().__init__(*args, **kwargs)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more."""
        return len(self.active_associations) + self._n_opening < MOST_SOCKETS

    def process_request(self, request: Any, client_address: Any) -> None:
        """Has a thread serve a connection."""
        self._count(1)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serves it; what comes of it is an association, or nothing."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count(-1)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serves a connection, in its own thread."""
        request.settimeout(self._timeout_s)
        super().finish_request(self._secured(request), client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says that a connection failed, and nothing of what came over it."""
        log.warning("a connection failed before it could be served")

    def _count(self, n: int) -> None:
        with self._lock:
            self._n_opening += n

    def _secured(self, request: socket.socket) -> socket.socket:
        if self._tls is None:
            return request
        request.settimeout(_HANDSHAKE_S)
        secured = self._tls.wrap_socket(request, server_side=True)
        secured.settimeout(self._timeout_s)
        return secured
