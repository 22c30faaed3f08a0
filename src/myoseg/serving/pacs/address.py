"""The address of an archive as typed enters; its parts leave, checked."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

from myoseg.errors import ConfigurationError

Protocol = Literal["dicomweb", "dicom"]

FORMS: Final = (
    "https://host/dicom-web or http:// (DICOMweb), dicom://AE_TITLE@host:port (classic DICOM) or "
    "dicoms:// (the same over TLS), for instance https://pacs.example/dicom-web or "
    "dicom://ARCHIVE@pacs.example:104"
)
"""How an address may look."""

_SCHEMES: Final[dict[str, tuple[Protocol, bool]]] = {
    "http": ("dicomweb", False),
    "https": ("dicomweb", True),
    "dicom": ("dicom", False),
    "dicoms": ("dicom", True),
}
_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~%+-]+)*")
_LONGEST_AE_TITLE: Final = 16
_LONGEST_SHOWN: Final = 80


@dataclass(frozen=True)
class PacsAddress:
    """Where an archive listens, and in which protocol.

    Attributes:
        protocol: `dicomweb`, or `dicom` for the classic one.
        host: its name or number.
        port: its port.
        is_encrypted: whether TLS is spoken there.
        ae_title: what the archive calls itself; empty in DICOMweb.
        path: of DICOMweb's services, with a slash before and none behind; may be empty.
    """

    protocol: Protocol
    host: str
    port: int
    is_encrypted: bool
    ae_title: str = ""
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.protocol == "dicomweb":
            scheme = "https" if self.is_encrypted else "http"
            port = "" if self.port == _PORTS[scheme] else f":{self.port}"
            return f"{scheme}://{host}{port}{self.path}"
        title = quote(self.ae_title, safe="")
        return f"{'dicoms' if self.is_encrypted else 'dicom'}://{title}@{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine's own, so that nothing sent there passes a network."""
        return is_loopback(self.host)


def parse_address(text: str) -> PacsAddress:
    """The parts of an address.

    >>> parse_address("dicom://ARCHIVE@pacs.example:11112")
    PacsAddress(protocol='dicom', host='pacs.example', port=11112, is_encrypted=False,
    ae_title='ARCHIVE', path='')
    >>> str(parse_address("https://pacs.example:443/dicom-web/"))
    'https://pacs.example/dicom-web'

    Raises:
        ConfigurationError: it has another form than those in `FORMS`, or holds a password.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise _bad("an address", "has a port or host that is none") from error
    if parts.scheme not in _SCHEMES:
        raise _bad(_shown(text), _fault_of_beginning(text))
    protocol, is_encrypted = _SCHEMES[parts.scheme]
    _require_plain(parts)
    if protocol == "dicomweb":
        path = parts.path.rstrip("/")
        if not _PATH.fullmatch(path) or ".." in path.split("/"):
            raise _bad(_shown(text), "has a path with characters that paths do not hold")
        number = _PORTS[parts.scheme] if port is None else port
        return PacsAddress(protocol, parts.hostname or "", number, is_encrypted, path=path)
    if parts.username is None or port is None:
        lacking = "AE title of the archive" if parts.username is None else "port"
        raise _bad(_shown(text), f"is one of classic DICOM and lacks the {lacking}")
    if parts.path.strip("/"):
        raise _bad(_shown(text), "is one of classic DICOM, which needs no path,")
    title = unquote(parts.username)
    require_ae_title(title)
    return PacsAddress(protocol, parts.hostname or "", port, is_encrypted, ae_title=title)


def require_ae_title(title: str) -> None:
    r"""Refuses an AE title that DICOM does not allow (PS3.5, VR AE).

    Raises:
        ConfigurationError: it is empty, longer than 16 characters, begins or ends with a space, or
            holds a backslash, a control character or one outside ASCII.
    """
    is_fine = title.isascii() and title.isprintable() and "\\" not in title
    if not (is_fine and 0 < len(title) <= _LONGEST_AE_TITLE and title == title.strip()):
        raise ConfigurationError(
            f"{title!r} is no AE title; give 1 to {_LONGEST_AE_TITLE} letters, digits, spaces or "
            "signs of ASCII, without a backslash."
        )


def is_loopback(host: str) -> bool:
    """Whether a host, by name or number, is this machine's own.

    >>> is_loopback("localhost"), is_loopback("127.3.2.1"), is_loopback("10.0.0.1")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _require_plain(parts: SplitResult) -> None:
    """Refuses what an address should not hold; its text is not quoted, a password may be in it."""
    if parts.password is not None or (parts.username is not None and parts.scheme in _PORTS):
        raise ConfigurationError(
            "the address holds a user or password, which others see in the list of processes; "
            "give them in a file with --credentials, or in the environment."
        )
    if parts.query or parts.fragment:
        raise _bad("an address", "holds a question mark or #")
    if not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise _bad("an address", "has no host, or a host of other characters than names have")
    if parts.port == 0:
        raise _bad("an address", "has the port 0")


def _fault_of_beginning(text: str) -> str:
    """What is wrong with how an address begins."""
    scheme, colon, _ = text.strip().partition("://")
    if not colon:
        return "does not say what is spoken there"
    begins = f"begins with {scheme}://" if scheme.isalnum() else "begins oddly"
    return f"{begins}, in which no archive is spoken to"


def _shown(text: str) -> str:
    """An address as it may be quoted: without what may be a password, and no longer than a line."""
    _, at, host = text.strip().rpartition("@")
    shown = re.split("[?#]", host)[0]
    if not (shown and shown.isprintable() and len(shown) <= _LONGEST_SHOWN):
        return "the address"
    return f"the address '{'...@' if at else ''}{shown}'"


def _bad(what: str, fault: str) -> ConfigurationError:
    return ConfigurationError(f"{what} {fault}; give {FORMS}.")
