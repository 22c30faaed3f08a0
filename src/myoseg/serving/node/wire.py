"""A connection of the network library enters; one that no peer can fill memory through leaves.

The library gathers a message in memory, believes the length that a PDU claims, and waits for it for
ever. Here images go to a file piece by piece, and whoever claims or sends too much, or lets a PDU
trickle in, is cut off.
"""

import queue
from collections.abc import Callable, Iterator
from typing import Any, Final

from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dsutils import create_file_meta, encode_file_meta

from myoseg.serving.node.spool import Spool
from myoseg.serving.pacs.guard import receive_within

LARGEST_PDU_BYTES: Final = 1 << 17
"""That is asked for; a PDU of more is refused."""

_SPARE_BYTES: Final = 1 << 10
_LARGEST_COMMAND_BYTES: Final = 1 << 14
_MOST_MESSAGES: Final = 4
_PREAMBLE: Final = b"\0" * 128 + b"DICM"
_INVALID_PDU: Final = "Evt19"
_STORE_REQUEST: Final = 0x0001

MakeSpool = Callable[[Callable[[], bytes]], Spool]


def bound_messages(association: Any, make_spool: MakeSpool, silence_s: float) -> None:
    """Has an association write images to files, and bounds what it holds in memory.

    Args:
        association: of pynetdicom, before its first message.
        make_spool: makes a file for an image, given what the file begins with.
        silence_s: how long a PDU may take, from its first byte to its last, in seconds.
    """
    connection, take = association.dul.socket, association.dimse.receive_primitive
    n_command_bytes = 0

    def bounded_receive(n_bytes: int) -> bytearray:
        if n_bytes > LARGEST_PDU_BYTES + _SPARE_BYTES:
            raise OSError(f"a PDU of {n_bytes} bytes was announced")
        return receive_within(connection, n_bytes, silence_s)

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
        if command.CommandField != _STORE_REQUEST:
            raise ValueError("content came with a message that has none")
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
    """Removes the files of images of which not all has come, or that nobody will look at."""
    message = association.dimse.message
    contents = [None if message is None else message.data_set]
    contents += [getattr(each, "DataSet", None) for each in _waiting(association)]
    for spool in contents:
        if isinstance(spool, Spool):
            spool.discard()


def _waiting(association: Any) -> Iterator[Any]:
    """Takes the messages that came whole and were not answered."""
    while True:
        try:
            yield association.dimse.msg_queue.get_nowait()[1]
        except queue.Empty:
            return
