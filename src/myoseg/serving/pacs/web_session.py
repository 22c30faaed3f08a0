"""HTTP for DICOMweb: requests enter, answers leave that are bounded, safe and of the right kind."""

from collections.abc import Iterator
from typing import Any, Final

import requests
from requests.auth import HTTPBasicAuth

from myoseg.errors import ConfigurationError, TransferError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions, require_files
from myoseg.serving.pacs.pace import Pace, PacedAdapter, TooSlowError

LARGEST_ANSWER_BYTES: Final = 1 << 26
"""Of an answer that is no instance: lists, and what became of stored files."""

_BYTES_AS_THEY_ARE: Final = 'multipart/related; type="*/*"'
_WHOLE_INSTANCE: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_KINDS: Final = (
    "multipart/related",
    "application/dicom+json",
    "application/json",
    "application/dicom+xml",
    "application/xml",
    "text/xml",
)
_MAY_PASS: Final = (408, 429, 502, 503, 504)
_REFUSED: Final = (401, 403)
_OVERHEAD_BYTES: Final = 1 << 16
_PIECE_BYTES: Final = 1 << 20


class WebSession(requests.Session):
    """A session that follows nothing, reads no environment, and counts what it reads.

    An exchange may take as long as the archive may be silent, and longer for what it carries only
    (`pace`).

    Redirects are refused, since credentials and images would go where nobody meant them to.
    `~/.netrc`, proxies and certificates of the environment are not looked at.
    """

    def __init__(self, address: PacsAddress, how: ConnectionOptions, instance_bytes: int) -> None:
        super().__init__()
        require_files(how)
        self.trust_env = False
        self.verify = True if how.ca is None else str(how.ca)
        if how.certificate is not None:
            key = how.private_key or how.certificate
            self.cert = (str(how.certificate), str(key))
        if how.credentials is not None and how.credentials.token:
            self.headers["Authorization"] = f"Bearer {how.credentials.token}"
        elif how.credentials is not None:
            user, password = how.credentials.user, how.credentials.password
            self.auth = HTTPBasicAuth(user.encode(), password.encode())
        self._address, self._instance_bytes = address, instance_bytes
        self._pace = Pace(how.answer_s)
        for scheme in ("http://", "https://"):
            self.mount(scheme, PacedAdapter(self._pace))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Sends a request; its answer is read bit by bit, up to a size.

        Raises:
            TransferError: the archive cannot be reached, is too slow, redirects, refuses, is out of
                order, or answers with something that is no DICOM.
        """
        # dicomweb-client leaves the port out of it; the connection knows better.
        request.headers.pop("Host", None)
        request.url = _with_wildcards(request.url or "")
        is_instance = request.headers.get("Accept") == _BYTES_AS_THEY_ARE
        if is_instance:
            # dicomweb-client asks thus for bytes as they are; archives want the kind to be named.
            request.headers["Accept"] = _WHOLE_INSTANCE
        kwargs |= {"stream": True, "allow_redirects": False}
        self._pace.begin()
        try:
            answer = super().send(request, **kwargs)
        except requests.RequestException as error:
            raise unreachable(self._address, error) from None
        self._require_usable(answer, self._address)
        most = self._instance_bytes + _OVERHEAD_BYTES if is_instance else LARGEST_ANSWER_BYTES
        _bound(answer, most, self._address)
        return answer

    @staticmethod
    def _require_usable(answer: requests.Response, address: PacsAddress) -> None:
        code = answer.status_code
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        has_content = answer.headers.get("content-length") != "0"
        if answer.is_redirect or answer.is_permanent_redirect:
            fault = "redirects elsewhere; give the address that it leads to"
        elif code in _REFUSED:
            fault = f"refuses (HTTP {code}); check the credentials and what they allow"
        elif code in _MAY_PASS:
            fault = f"is out of order (HTTP {code}); try again later"
        elif code == 200 and has_content and kind and kind not in _KINDS:
            fault = "answers, but not with DICOM; check the path in the address"
        else:
            return
        answer.close()
        raise TransferError(f"{address} {fault}.", is_transient=code in _MAY_PASS)


def _with_wildcards(url: str) -> str:
    """The address with stars and question marks of a query as they are, which is allowed.

    Some archives, Orthanc among them, do not look for them in their coded form.

    >>> _with_wildcards("https://pacs/studies?PatientID=A%2A%3F")
    'https://pacs/studies?PatientID=A*?'
    """
    path, mark, query = url.partition("?")
    return path + mark + query.replace("%2A", "*").replace("%3F", "?")


def _bound(answer: requests.Response, most: int, address: PacsAddress) -> None:
    """Makes reading an answer end with an error once it is too large."""
    read = answer.iter_content

    def bounded(chunk_size: int | None = 1, *_: Any) -> Iterator[bytes]:
        n_bytes = 0
        try:
            for chunk in read(min(chunk_size or _PIECE_BYTES, _PIECE_BYTES)):
                n_bytes += len(chunk)
                if n_bytes > most:
                    answer.close()
                    raise TransferError(
                        f"{address} sent an answer of more than {most >> 20} MiB and was cut off; "
                        "allow more with --max-instance-mib if it should."
                    )
                yield chunk
        except requests.RequestException as error:
            raise unreachable(address, error) from None

    answer.iter_content = bounded  # type: ignore[assignment, method-assign]


def unreachable(address: PacsAddress, error: requests.RequestException) -> Exception:
    """What is said of a connection that failed; nothing of what was asked is quoted."""
    if isinstance(error, requests.exceptions.SSLError):
        return TransferError(
            f"{address} cannot be spoken to safely ({_reason(error)}); check that TLS is spoken "
            "there, and give the authority of its certificate with --ca, and the name in it."
        )
    slow = next((each for each in _chain(error) if isinstance(each, TooSlowError)), None)
    if slow is not None:
        return TransferError(
            f"{address} is too slow ({slow}); try again, or allow more time with --timeout.",
            is_transient=True,
        )
    if isinstance(error, requests.Timeout) or any(
        isinstance(each, TimeoutError) for each in _chain(error)
    ):
        return TransferError(
            f"{address} was silent for too long; try again, or allow more time with --timeout.",
            is_transient=True,
        )
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return TransferError(f"{address} sent an answer that cannot be unpacked; try again.")
    if isinstance(error, (ValueError, requests.exceptions.InvalidURL)):
        return ConfigurationError(f"{address} cannot be asked; check the address.")
    return TransferError(
        f"{address} cannot be reached, or broke the connection ({_reason(error)}); check host, "
        "port and path.",
        is_transient=True,
    )


def _reason(error: BaseException) -> str:
    """The innermost reason that the system or OpenSSL gives."""
    found = ""
    for each in _chain(error):
        said = getattr(each, "verify_message", None) or getattr(each, "strerror", None)
        found = str(said) if isinstance(said, str) and said else found
    return found or type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that led to it, however the libraries hold them."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        pending += [other for other in inner if isinstance(other, BaseException)]
