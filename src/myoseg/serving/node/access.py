"""Who may connect to a node, and how: what was asked for enters, checked settings leave."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from myoseg.errors import ConfigurationError
from myoseg.serving.pacs.address import is_loopback, require_ae_title


def require_access_list(host: str, accepted: Sequence[str]) -> None:
    """Refuses to listen to a network without a list of those who may send.

    Raises:
        ConfigurationError: the host is not this machine alone and the list is empty, or an entry
            is no AE title.
    """
    for title in accepted:
        require_ae_title(title)
    if not accepted and not is_loopback(host):
        raise ConfigurationError(
            f"at {host} every machine on the network could send; name those that may with --accept "
            "AE_TITLE, once for each, or leave --host out to listen on this machine only."
        )


def tls_for(
    certificate: Path | None, private_key: Path | None, authority: Path | None
) -> ssl.SSLContext | None:
    """TLS for those who connect; version 1.2 or later.

    Args:
        certificate: the node's, in PEM; None for no TLS.
        private_key: its key, where it is not in the same file; without a passphrase.
        authority: whose certificates a sender must show one of; None where it need show none.

    Raises:
        ConfigurationError: a file is missing or cannot be used, or there is no certificate.
    """
    if certificate is None:
        if private_key is not None or authority is not None:
            raise ConfigurationError("--tls-key and --tls-ca go with --tls-cert; give that too.")
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Without a password of its own OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, private_key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the certificates or the key cannot be used ({getattr(error, 'reason', error)}); give "
            "files in PEM, the key without a passphrase."
        ) from error
    if authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
