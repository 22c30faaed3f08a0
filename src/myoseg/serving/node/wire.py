"""A connection of the network library enters; one that no peer can fill memory through leaves.

The library gathers a message in memory, and believes the length that a PDU claims. Here images go
to a file piece by piece, and whoever claims or sends too much is cut off.
"""

from collections.abc import Callable
from typing import Any, Final

from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dsutils import create_file_meta, encode_file_meta

from myoseg.serving.node.spool import Spool

LARGEST_PDU_BYTES: Final = 1 << 17
"""That is asked for; a PDU of more is refused."""

_SPARE_BYTES: Final = 1 << 10
_LARGEST_COMMAND_BYTES: Final = 1 << 14
_MOST_MESSAGES: Final = 4
_PREAMBLE: Final = b"\0" * 128 + b"DICM"
_INVALID_PDU: Final = "Evt19"

MakeSpool = Callable[[Callable[[], bytes]], Spool]


def bound_messages(association: Any, make_spool: MakeSpool) -> None:
    """Has an association write images to files, and bounds what it holds in memory.

    Args:
        association: of pynetdicom, before its first message.
        make_spool: makes a file for an image, given what the file begins with.
    """
    connection = association.dul.socket
    receive, take = connection.recv, association.dimse.receive_primitive
    n_command_bytes = 0

    def bounded_receive(n_bytes: int) -> bytearray:
        if n_bytes > LARGEST_PDU_BYTES + _SPARE_BYTES:
            raise OSError(f"a PDU of {n_bytes} bytes was announced")
        return bytearray(receive(n_bytes))

    def bounded_take(primitive: Any) -> None:
        nonlocal n_command_bytes
        dimse = association.dimse
        if dimse.message is None:
            dimse.message, n_command_bytes = _message(association, make_spool), 0
        n_command_bytes += _command_bytes(primitive)
        is_fair = dimse.msg_queue.qsize() < _MOST_MESSAGES
        is_fair &= n_command_bytes <= _LARGEST_COMMAND_BYTES
        if not (is_fair and _is_taken(take, primitive)):
            drop_unfinished(association)
            association.dul.event_queue.put(_INVALID_PDU)

    connection.recv = bounded_receive
    association.dimse.receive_primitive = bounded_take


def _message(association: Any, make_spool: MakeSpool) -> DIMSEMessage:
    message = DIMSEMessage()

    def header() -> bytes:
        command = message.command_set
        syntax = association._accepted_cx[message.context_id].transfer_syntax[0]
        meta = create_file_meta(
            sop_class_uid=command.AffectedSOPClassUID,
            sop_instance_uid=command.AffectedSOPInstanceUID,
            transfer_syntax=syntax,
        )
        return _PREAMBLE + encode_file_meta(meta)

    message.data_set = make_spool(header)
    return message


def _command_bytes(primitive: Any) -> int:
    values = primitive.presentation_data_value_list
    return sum(len(data) for _, data in values if data and data[0] & 1)


def _is_taken(take: Callable[[Any], None], primitive: Any) -> bool:
    try:
        take(primitive)
    except Exception:
        # Whatever a peer sent: the library's thread must live on to end the connection.
        return False
    return True


def drop_unfinished(association: Any) -> None:
    """Removes the file of an image of which not all has come."""
    message = association.dimse.message
    spool = None if message is None else message.data_set
    if isinstance(spool, Spool):
        spool.discard()
