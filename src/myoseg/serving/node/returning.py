"""How to speak to archives enters; what sends a node's results to them leaves."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from myoseg.errors import MyosegError
from myoseg.serving.node.node import Send
from myoseg.serving.pacs.address import parse_address
from myoseg.serving.pacs.connection import ConnectionOptions, client_context, require_safe
from myoseg.serving.pacs.transfer import send


def sender(how: ConnectionOptions) -> Send:
    """What sends files to the archive of an address, and says why that failed."""

    def send_all(destination: str, files: Sequence[Path]) -> str:
        if not files:
            return "the results are gone"
        address = parse_address(destination)
        known = how if address.protocol == "dicomweb" else replace(how, credentials=None)
        try:
            outcome = send(address, files, known)
        except MyosegError as error:
            return " ".join(str(error).split())
        if outcome.refused:
            first, n_refused = outcome.refused[0].status, len(outcome.refused)
            return f"{n_refused} of {len(files)} files were refused: {first}"
        return ""

    return send_all


def require_destinations(addresses: Sequence[str], how: ConnectionOptions) -> tuple[str, ...]:
    """The addresses as they are kept, each once.

    Raises:
        ConfigurationError: one is none, or credentials would be sent to it in the clear; or a
            certificate that one needs cannot be used.
    """
    parsed = [parse_address(address) for address in addresses]
    for each in parsed:
        if each.protocol == "dicomweb":
            require_safe(each, how)
    if any(each.is_encrypted for each in parsed):
        client_context(how)
    return tuple(dict.fromkeys(map(str, parsed)))
