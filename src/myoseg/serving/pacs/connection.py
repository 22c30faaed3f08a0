"""How to speak to archives: our name, TLS, credentials, patience; checked on the way."""

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from myoseg.errors import ConfigurationError
from myoseg.serving.pacs.address import PacsAddress, require_ae_title

OWN_AE_TITLE: Final = "MYOSEG"
VARIABLES: Final = {
    "user": "MYOSEG_PACS_USER",
    "password": "MYOSEG_PACS_PASSWORD",
    "token": "MYOSEG_PACS_TOKEN",
}
"""Environment variables that credentials may stand in."""

_LARGEST_FILE_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class Credentials:
    """A user's name and password, or a bearer token; neither shows when printed.

    Raises:
        ConfigurationError: there is neither, or both, or half of the first, or a line break.
    """

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        is_named = bool(self.user and self.password)
        if is_named == bool(self.token) or bool(self.user) != bool(self.password):
            raise ConfigurationError(
                "credentials are a user with a password, or a token; give one of the two whole."
            )
        if not all(each.isprintable() for each in (self.user, self.password, self.token)):
            raise ConfigurationError(
                "credentials hold a line break or another character that does not print; remove it."
            )


@dataclass(frozen=True)
class ConnectionOptions:
    """How to speak to an archive.

    Attributes:
        ae_title: what this program calls itself.
        ca: certificates in PEM of the authorities that are trusted; the usual ones where None.
        certificate: this program's certificate in PEM, where the archive asks for one.
        private_key: its key, where it is not in the same file.
        credentials: for DICOMweb.
        connect_s: how long a connection may take, in seconds.
        answer_s: how long the archive may be silent, in seconds.
        n_tries: how often an operation is tried that fails for a reason that may pass.
        first_wait_s: before the second try; each further wait is twice as long.

    Raises:
        ConfigurationError: a title, time or number is out of range.
    """

    ae_title: str = OWN_AE_TITLE
    ca: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    credentials: Credentials | None = None
    connect_s: float = 10.0
    answer_s: float = 60.0
    n_tries: int = 4
    first_wait_s: float = 1.0

    def __post_init__(self) -> None:
        require_ae_title(self.ae_title)
        if self.connect_s <= 0 or self.answer_s <= 0 or self.first_wait_s < 0:
            raise ConfigurationError("timeouts must be more than 0 s.")
        if self.n_tries < 1:
            raise ConfigurationError(f"n_tries is {self.n_tries}; give 1 or more.")
        if self.private_key is not None and self.certificate is None:
            raise ConfigurationError("a private key without its certificate; give --cert too.")


def require_safe(address: PacsAddress, how: ConnectionOptions) -> None:
    """Refuses to send credentials where anyone on the way could read them.

    Raises:
        ConfigurationError: there are credentials, and the address is neither encrypted nor this
            machine's; or it is one of classic DICOM, which has none.
    """
    if how.credentials is None:
        return
    if address.protocol == "dicom":
        raise ConfigurationError(
            "classic DICOM knows no user and no token; leave the credentials out, or use dicoms:// "
            "with --cert."
        )
    if not (address.is_encrypted or address.is_loopback):
        raise ConfigurationError(
            f"{address} is not encrypted, so that credentials could be read on the way; use "
            "https://."
        )


class _LateContext(ssl.SSLContext):
    """TLS that is agreed on with the first bytes and not before.

    pynetdicom takes connections one after another and would wait, for as long as a peer likes, for
    it to agree.
    """

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        kwargs["do_handshake_on_connect"] = False
        return super().wrap_socket(sock, *args, **kwargs)


def client_context(how: ConnectionOptions) -> ssl.SSLContext:
    """TLS towards an archive; its certificate and name are verified, TLS 1.2 is the least.

    Raises:
        ConfigurationError: a file of certificates or keys is missing or cannot be used.
    """
    return _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), how)


def server_context(how: ConnectionOptions) -> ssl.SSLContext:
    """TLS towards an archive that connects to us; it must show a certificate of `how.ca`.

    Raises:
        ConfigurationError: as `client_context`, or there is no certificate, or no CA.
    """
    if how.certificate is None or how.ca is None:
        raise ConfigurationError(
            "to receive over TLS a certificate and the archive's authority are needed; give --cert "
            "and --ca."
        )
    context = _LateContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    return _loaded(context, how)


def _loaded(context: ssl.SSLContext, how: ConnectionOptions) -> ssl.SSLContext:
    """The context, with what is trusted and what is shown."""
    require_files(how)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if how.ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(how.ca)
        if how.certificate is not None:
            # Without a password of its own OpenSSL would ask for one at the terminal.
            context.load_cert_chain(how.certificate, how.private_key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the certificates or the key cannot be used ({_reason(error)}); give files in PEM, "
            "the key without a passphrase."
        ) from error
    return context


def require_files(how: ConnectionOptions) -> None:
    """Refuses files of certificates and keys that are not there.

    Raises:
        ConfigurationError: one is missing.
    """
    for path in (how.ca, how.certificate, how.private_key):
        if path is not None and not path.is_file():
            raise ConfigurationError(f"there is no file {path}; give certificates in PEM.")


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)


def credentials_of(environment: Mapping[str, str]) -> Credentials | None:
    """Those in the environment's variables (`VARIABLES`); None where none is set.

    Raises:
        ConfigurationError: as `Credentials`.
    """
    found = {name: environment.get(variable, "") for name, variable in VARIABLES.items()}
    return Credentials(**found) if any(found.values()) else None


def read_credentials(path: Path) -> Credentials:
    """Those in a file: lines `user:` and `password:`, or a line `token:`.

    Raises:
        ConfigurationError: it cannot be read, is readable by everyone on this machine, or holds
            something else.
    """
    try:
        mode, n_bytes = path.stat().st_mode, path.stat().st_size
        content = path.read_text(encoding="utf-8") if n_bytes <= _LARGEST_FILE_BYTES else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read; give a file of text.") from error
    # Windows keeps who may read a file elsewhere, and tells nothing of it here.
    if os.name != "nt" and mode & 0o007:
        raise ConfigurationError(
            f"{path} holds credentials and can be read by everyone; type `chmod 600 {path}`."
        )
    return Credentials(**_fields(content, path))


def _fields(content: str, path: Path) -> dict[str, str]:
    try:
        # Texts alone: YAML would make 83 of the password 0123, and True of yes.
        found: Any = yaml.load(content, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError:
        # Neither the fault nor its cause is shown: both quote the line.
        found = None
    is_fine = isinstance(found, dict) and set(found) <= set(VARIABLES)
    if not is_fine or not all(isinstance(value, str) for value in found.values()):
        raise ConfigurationError(
            f"{path} holds no credentials; write two lines, `user: NAME` and `password: WORD`, or "
            "one, `token: WORD`."
        ) from None
    return dict(found)
