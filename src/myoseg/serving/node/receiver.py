"""Images enter over the network by C-STORE; they are in the queue before they are confirmed."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from myoseg.cases.dicom.opening import read_header
from myoseg.errors import ConfigurationError, InputError
from myoseg.serving.node.accepted import ENCODINGS, STORED
from myoseg.serving.node.inbox import BROKE_OFF, Inbox, QueueFull
from myoseg.serving.node.server import NodeServer
from myoseg.serving.node.spool import Spool
from myoseg.serving.node.study import Limits
from myoseg.serving.node.tracking import Sender, Senders
from myoseg.serving.node.wire import LARGEST_PDU_BYTES, bound_messages, drop_unfinished

log = logging.getLogger(__name__)

SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = 0xA700
DOES_NOT_MATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000

_CLASS, _INSTANCE, _STUDY = BaseTag(0x00080016), BaseTag(0x00080018), BaseTag(0x0020000D)
_LONGEST_UID: Final = 64


@dataclass(frozen=True)
class Listening:
    """Where a node listens, and to whom.

    Attributes:
        host: the address that it listens at.
        port: 0 for any that is free.
        ae_title: its own, by which it must be called.
        accepted: titles of those that may send; empty for all.
        tls: an `ssl.SSLContext`; None for connections in the clear.
        most_connections: at once.
        timeout_s: of silence, until a connection is ended.
    """

    host: str = "127.0.0.1"
    port: int = 11112
    ae_title: str = "MYOSEG"
    accepted: tuple[str, ...] = ()
    tls: Any = None
    most_connections: int = 20
    timeout_s: float = 60.0


class Receiver:
    """Takes images while it runs."""

    def __init__(
        self,
        inbox: Inbox,
        incoming: Any,
        listening: Listening,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Listens to nothing yet.

        Args:
            inbox: where images go.
            incoming: a folder on the same disk, for images on their way.
            listening: where and to whom to listen.
            limits: of an image, and of the disk.
            clock: seconds since 1970.
        """
        self._inbox, self._incoming, self._listening = inbox, incoming, listening
        self._limits, self._clock = limits, clock
        self._senders = Senders()
        self._ended: list[tuple[Sender, str]] = []
        self._lock = threading.Lock()
        self._server: NodeServer | None = None

    def start(self) -> int:
        """Listens from now on.

        Returns:
            The port.

        Raises:
            ConfigurationError: the address cannot be listened at.
        """
        where = self._listening
        try:
            self._server = self._make_server()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen at {where.host}, port {where.port} ({error.strerror or error}); "
                "give another --port or --host."
            ) from error
        thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        return int(self._server.server_address[1])

    def _make_server(self) -> NodeServer:
        where = self._listening
        node = AE(where.ae_title)
        for stored in STORED:
            node.add_supported_context(stored, list(ENCODINGS))
        node.add_supported_context(Verification)
        node.require_called_aet = True
        node.require_calling_aet = list(where.accepted)
        node.maximum_pdu_size = LARGEST_PDU_BYTES
        node.maximum_associations = where.most_connections
        node.network_timeout = node.acse_timeout = node.dimse_timeout = where.timeout_s
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._connected),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_RELEASED, self._released),
            (evt.EVT_ABORTED, self._aborted),
        ]
        server = node.make_server(
            (where.host, where.port),
            evt_handlers=handlers,
            server_class=NodeServer,
            tls=where.tls,
            timeout_s=where.timeout_s,
        )
        node._servers.append(server)  # its shutdown takes it off this list
        assert isinstance(server, NodeServer)
        return server

    def busy(self) -> frozenset[int]:
        """The studies that an open connection sends to."""
        return self._senders.busy()

    def look_after(self) -> None:
        """Takes note of connections that ended without a word, and of what could not be recorded.

        Raises:
            sqlite3.Error: it still cannot.
        """
        for key in self._senders.all_open():
            if isinstance(key, threading.Thread) and not key.is_alive():
                self._end(key, BROKE_OFF)
        self._record_ends()

    def stop(self, patience_s: float) -> None:
        """Takes no new connection, lets open ones end, and after a while breaks them off."""
        if self._server is None:
            return
        open_ones = self._server.active_associations
        self._server.shutdown()
        ends_at = time.monotonic() + patience_s
        for association in open_ones:
            association.join(max(0.0, ends_at - time.monotonic()))
        for association in open_ones:
            if association.is_alive():
                association.abort()
                association.join(1.0)
        try:
            self.look_after()
        except sqlite3.Error:
            log.warning("how the last connections ended could not be recorded")

    # What the network library calls.

    def _connected(self, event: Any) -> None:
        bound_messages(event.assoc, self._spool, self._listening.timeout_s)

    def _spool(self, header: Callable[[], bytes]) -> Spool:
        return Spool(self._incoming, self._limits, header)

    def _accepted(self, event: Any) -> None:
        self._senders.begin(event.assoc, self._clock())

    def _rejected(self, event: Any) -> None:
        log.warning("a connection was rejected: its calling or called AE title is not accepted")

    def _released(self, event: Any) -> None:
        self._end(event.assoc, "")
        self._record_ends_quietly()

    def _aborted(self, event: Any) -> None:
        self._end(event.assoc, BROKE_OFF)
        self._record_ends_quietly()

    def _store(self, event: Any) -> int:
        spool = getattr(event.request, "DataSet", None)
        if not isinstance(event.request, C_STORE) or not isinstance(spool, Spool):
            return CANNOT_UNDERSTAND
        try:
            number = self._take(event.request, spool)
        except Exception as error:
            return self._refuse(event, error, spool)
        finally:
            spool.discard()
        image = str(event.request.AffectedSOPInstanceUID)
        self._senders.sent(event.assoc, image, number, self._clock())
        return SUCCESS

    def _take(self, request: C_STORE, spool: Spool) -> int:
        if spool.fault:
            raise _Refused(OUT_OF_RESOURCES, spool.fault)
        content = spool.finish()
        try:
            header = read_header(spool.path, (_CLASS, _INSTANCE, _STUDY))
            uids = [str(header[tag].value or "") for tag in (_CLASS, _INSTANCE, _STUDY)]
        except (InputError, KeyError, AttributeError):
            raise _Refused(CANNOT_UNDERSTAND, "it is damaged") from None
        if not all(0 < len(uid) <= _LONGEST_UID for uid in uids):
            raise _Refused(CANNOT_UNDERSTAND, "it lacks an identifier")
        if uids[0] != request.AffectedSOPClassUID or uids[1] != request.AffectedSOPInstanceUID:
            raise _Refused(DOES_NOT_MATCH, "it is another image than was announced")
        return self._inbox.add_image(uids[2], uids[1], spool.path, content)

    def _refuse(self, event: Any, error: Exception, spool: Spool) -> int:
        status, reason = _answer_to(error)
        log.warning("an image was refused: %s", reason)
        image, number = str(event.request.AffectedSOPInstanceUID), None
        with suppress(sqlite3.Error):
            number = self._inbox.number_of(_study_of(spool))
        self._senders.refused(event.assoc, image, number, reason, self._clock())
        return status

    def _end(self, key: Hashable, gap: str) -> None:
        drop_unfinished(key)
        sender = self._senders.end(key)
        if sender is not None and sender.numbers:
            lacking = f"an image was refused ({sender.refusal})" if sender.refusal else gap
            with self._lock:
                self._ended.append((sender, lacking))

    def _record_ends_quietly(self) -> None:
        try:
            self._record_ends()
        except sqlite3.Error as error:
            log.warning("the end of a connection is recorded later (%s)", type(error).__name__)

    def _record_ends(self) -> None:
        with self._lock:
            while self._ended:
                sender, gap = self._ended[0]
                self._inbox.release(sender.numbers, sender.since, gap=gap, still_open=self.busy())
                self._ended.pop(0)


class _Refused(Exception):  # noqa: N818 -- an answer to a sender, and no fault
    """An image that is not taken, with the status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def _study_of(spool: Spool) -> str:
    """The identifier of an image's study, by the image's beginning; "" where it does not say."""
    try:
        start = read_partial(
            BytesIO(spool.beginning()), lambda tag, vr, length: tag > _STUDY, specific_tags=[_STUDY]
        )
        return str(start[_STUDY].value)
    except Exception:
        # pydicom raises nearly anything on damaged files.
        return ""


def _answer_to(error: Exception) -> tuple[int, str]:
    """The status for what kept an image from being taken, and why in words that name no one."""
    if isinstance(error, _Refused):
        return error.status, str(error)
    if isinstance(error, QueueFull):
        return OUT_OF_RESOURCES, str(error)
    if isinstance(error, (OSError, sqlite3.Error)):
        told = getattr(error, "strerror", None) or type(error).__name__
        return OUT_OF_RESOURCES, f"it could not be kept: {told}"
    return CANNOT_UNDERSTAND, f"it could not be read: {type(error).__name__}"
