"""Peers that a test scripts, in this process, and certificates that it makes."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE, AllStoragePresentationContexts
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions

SERVICES = (
    Verification,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)


@pytest.fixture
def hasty() -> ConnectionOptions:
    """Options of a client that soon gives up."""
    return ConnectionOptions(connect_s=5.0, answer_s=3.0, n_tries=2, first_wait_s=0.0)


@pytest.fixture
def classic_peer() -> Iterator[Callable[..., PacsAddress]]:
    """classic_peer(handlers) is the address of an archive of pynetdicom's, called PEER."""
    servers = []

    def start(
        handlers: Sequence[Any] = (),
        *,
        services: Sequence[str] = SERVICES,
        contexts: Any = None,
        tls: Any = None,
    ) -> PacsAddress:
        ae = AE(ae_title="PEER")
        ae.require_called_aet = True
        for each in services:
            ae.add_supported_context(each)
        for each in AllStoragePresentationContexts if contexts is None else contexts:
            ae.add_supported_context(each.abstract_syntax, scu_role=True, scp_role=True)
        server = ae.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[*handlers], ssl_context=tls
        )
        servers.append(server)
        port = server.server_address[1]
        return PacsAddress("dicom", "127.0.0.1", port, tls is not None, ae_title="PEER")

    yield start
    for server in servers:
        server.shutdown()


@contextmanager
def _served(serve: Callable[[Any], None]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                try:
                    serve(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        thread.join(10)
        listener.close()


@pytest.fixture
def raw_peer() -> Callable[[Callable[[Any], None]], Any]:
    """raw_peer(serve) is a context: the port at which serve(connection) answers each connection."""
    return _served


@dataclass(frozen=True)
class Certificates:
    """An authority, a certificate of it for 127.0.0.1 with its key, and another authority."""

    ca: Path
    certificate: Path
    key: Path
    other_ca: Path


@dataclass
class WebPeer:
    """An HTTP server that answers as a test says, and what it was asked."""

    port: int
    asked: list[tuple[str, str, dict[str, str]]]
    is_encrypted: bool

    @property
    def address(self) -> PacsAddress:
        return PacsAddress("dicomweb", "127.0.0.1", self.port, self.is_encrypted, path="/dicom-web")


@pytest.fixture
def web_peer() -> Iterator[Callable[..., WebPeer]]:
    """web_peer(answer): answer(method, path) gives status, headers and content of each answer."""
    servers = []

    def start(
        answer: Callable[[str, str], tuple[int, dict[str, str], bytes]],
        tls: Certificates | None = None,
    ) -> WebPeer:
        asked: list[tuple[str, str, dict[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                asked.append((self.command, self.path, dict(self.headers)))
                status, headers, content = answer(self.command, self.path)
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(content))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                if headers.get("Content-Length", str(len(content))) != str(len(content)):
                    self.close_connection = True

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        # Clients of these tests break off; that is no news.
        server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
        if tls is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(tls.certificate, tls.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return WebPeer(server.server_address[1], asked, tls is not None)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates that OpenSSL makes for the tests."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def make(name: str, *arguments: str) -> Path:
        subprocess.run(
            [
                *(program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
                *arguments,
            ],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        return folder / f"{name}.pem"

    ca, other = make("ca"), make("other")
    peer = make(
        "peer",
        *("-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"),
    )
    return Certificates(ca, peer, folder / "peer.key", other)
