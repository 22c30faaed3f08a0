"""An address of classic DICOM enters; associations leave, bounded and with errors in words."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.presentation import PresentationContext

from myoseg.errors import TransferError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions, client_context
from myoseg.serving.pacs.guard import OUR_UNIT_BYTES, Guard

ANSWER_BYTES: Final = 1 << 20
"""Of an answer to a query."""


class NothingOfferedError(TransferError):
    """An archive lets us in, and offers none of the services that are asked for."""


@dataclass(frozen=True)
class Line:
    """What associations with an archive are made of.

    Attributes:
        address: of the archive.
        how: to speak to it.
    """

    address: PacsAddress
    how: ConnectionOptions

    def entity(self) -> AE:
        """This program, as archives see it."""
        ae = AE(ae_title=self.how.ae_title)
        ae.connection_timeout = self.how.connect_s
        ae.acse_timeout = self.how.answer_s
        ae.dimse_timeout = self.how.answer_s
        ae.network_timeout = self.how.answer_s
        ae.maximum_pdu_size = OUR_UNIT_BYTES
        return ae

    @contextmanager
    def associated(
        self,
        contexts: list[PresentationContext],
        *,
        handlers: Sequence[tuple[Any, Callable[[Event], int]]] = (),
        roles: Sequence[Any] = (),
        message_bytes: int = ANSWER_BYTES,
    ) -> Iterator[Association]:
        """An association that is released at the end, or aborted where something went wrong."""
        guard = Guard(message_bytes, self.how.answer_s)
        ae = self.entity()
        tls = (client_context(self.how), self.address.host) if self.address.is_encrypted else None
        try:
            association = ae.associate(
                self.address.host,
                self.address.port,
                contexts=contexts,
                ae_title=self.address.ae_title,
                max_pdu=OUR_UNIT_BYTES,
                ext_neg=[*roles],
                tls_args=tls,
                evt_handlers=[*guard.handlers(), *handlers],
            )
        except (OSError, ValueError) as error:
            raise self._unreachable(str(error)) from error
        if not association.is_established:
            raise self._no_association(association, guard)
        try:
            yield association
        except BaseException:
            association.abort()
            if guard.overflowed:
                raise TransferError(
                    f"{self.address} sent a message of more than {message_bytes >> 20} MiB and was "
                    "cut off; allow more with --max-instance-mib if it should."
                ) from None
            raise
        if association.is_established:
            association.release()

    def _no_association(self, association: Association, guard: Guard) -> TransferError:
        """Why there is none."""
        if not guard.opened:
            return self._unreachable(self._why_unreachable())
        answer = association.acceptor.primitive
        if association.is_rejected and answer is not None:
            return TransferError(
                f"{self.address} refuses the association ({answer.reason_str.lower()}); check the "
                f"AE title in the address, and have ours, {self.how.ae_title}, entered there."
            )
        if answer is not None and answer.result == 0:
            return NothingOfferedError(
                f"{self.address} offers none of what was asked for; ask whoever runs it which "
                "services it grants to this AE title."
            )
        return TransferError(
            f"{self.address} broke the connection or did not answer in {self.how.answer_s:g} s; "
            "check that it speaks DICOM there, and with TLS or without as in the address.",
            is_transient=True,
        )

    def _why_unreachable(self) -> str:
        """What a plain connection says, since pynetdicom keeps the reason to its log."""
        at = (self.address.host, self.address.port)
        try:
            with socket.create_connection(at, self.how.connect_s) as plain:
                if self.address.is_encrypted:
                    client_context(self.how).wrap_socket(plain, server_hostname=at[0]).close()
        except OSError as error:
            return str(getattr(error, "verify_message", None) or error.strerror or error)
        return "the connection came about only at the second try"

    def _unreachable(self, why: str) -> TransferError:
        return TransferError(
            f"{self.address} cannot be reached ({why}); check host, port and TLS.",
            is_transient=True,
        )

    def code_of(self, status: Dataset) -> int:
        """The status of an answer.

        Raises:
            TransferError: there was no answer.
        """
        code = status.get("Status")
        if code is None:
            raise self.broken()
        return int(code)

    def broken(self) -> TransferError:
        """What is said where a connection ended before its time."""
        return TransferError(
            f"{self.address} broke the connection or was silent for {self.how.answer_s:g} s; "
            "try again, or allow more time with --timeout.",
            is_transient=True,
        )
