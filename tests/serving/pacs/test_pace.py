"""Archives that send a byte now and then; an exchange with them ends."""

import contextlib
import threading

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.errors import TransferError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions
from myoseg.serving.pacs.fetching import FetchRequest, fetch
from myoseg.serving.pacs.intake import Limits
from myoseg.serving.pacs.outgoing import dicom_files
from myoseg.serving.pacs.pace import SLOWEST_BYTES_PER_S, Pace, TooSlowError
from myoseg.serving.pacs.queries import echo, find_studies
from myoseg.serving.pacs.records import Query
from myoseg.serving.pacs.transfer import send
from myoseg.serving.pacs.web_session import WebSession

BRIEF = ConnectionOptions(answer_s=0.4, n_tries=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"
OFTEN_S = 0.02


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@given(
    silence_s=st.integers(1, 1000).map(lambda n: n / 8),
    steps=st.lists(
        st.tuples(
            st.integers(0, 1000).map(lambda n: n / 8), st.sampled_from([0, 1 << 12, 1 << 24])
        ),
        max_size=20,
    ),
)
def test_an_exchange_ends_once_it_is_slower_than_the_slowest(silence_s, steps):
    """Times are eighths of seconds, which sums of floats hold exactly."""
    clock = Clock()
    pace, n_bytes = Pace(silence_s, clock), 0
    for waited_s, n_more in steps:
        clock.now += waited_s
        left_s = 100 + silence_s + n_bytes / SLOWEST_BYTES_PER_S - clock.now
        if left_s <= 0:
            with pytest.raises(TooSlowError):
                pace.wait_s()
            pace.begin()
            assert pace.wait_s() == silence_s
            return
        assert pace.wait_s() == min(left_s, silence_s)
        pace.passed(n_more)
        n_bytes += n_more


def test_a_pace_by_hand():
    """Ten seconds, and one more for 32 KiB: at 10.5 s half a second is left."""
    clock = Clock()
    pace = Pace(10.0, clock)
    clock.now = 108.0
    assert pace.wait_s() == 2
    pace.passed(32 * 1024)
    clock.now = 110.5
    assert pace.wait_s() == 0.5
    clock.now = 111.0
    with pytest.raises(TooSlowError, match="32768 bytes took more than 11 s"):
        pace.wait_s()


@pytest.fixture
def trickling(raw_peer):
    """trickling(head) is a context: an archive that sends `head` at once, then byte by byte."""

    @contextlib.contextmanager
    def start(head, then=b" "):
        stop = threading.Event()

        def serve(connection):
            connection.recv(1 << 16)
            connection.sendall(head)
            while not stop.wait(OFTEN_S):
                connection.sendall(then)

        with raw_peer(serve) as port:
            try:
                yield PacsAddress("dicomweb", "127.0.0.1", port, False, path="/dicom-web")
            finally:
                stop.set()

    return start


@pytest.mark.parametrize(
    ("head", "then"),
    [
        (HEAD + b"Content-Length: 100000\r\n\r\n[", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (HEAD + b"Connection: close\r\n\r\n[", b" "),
        (HEAD, b"X-A: b\r\n"),
        (HEAD + b"X-Long: ", b"b"),
        (b"", b"H"),
    ],
    ids=["body", "chunks", "until the end", "headers", "a header", "status"],
)
def test_an_answer_that_trickles_in_is_left(trickling, head, then):
    with (
        trickling(head, then) as address,
        pytest.raises(TransferError, match=r"is too slow \(\d+ bytes took more than .*--timeout"),
    ):
        find_studies(address, Query(), BRIEF)


def listed(tag):
    """An answer that lists one series, or one image."""
    content = f'[{{"{tag}": {{"vr": "UI", "Value": ["1.2.3.4"]}}, "00080060": '
    content += '{"vr": "CS", "Value": ["MR"]}}]'
    return HEAD + f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n{content}".encode()


def test_an_image_that_trickles_in_is_left_and_leaves_nothing(raw_peer, tmp_path):
    """The lists come at once; of the image, a byte comes now and then."""
    stop = threading.Event()

    def serve(connection):
        asked = connection.recv(1 << 16).split()[1].partition(b"?")[0]
        if asked.endswith(b"/series"):
            connection.sendall(listed("0020000E"))
        elif asked.endswith(b"/instances"):
            connection.sendall(listed("00080018"))
        else:
            kind = b'multipart/related; type="application/dicom"; boundary=xyz'
            connection.sendall(HEAD.replace(b"application/dicom+json", kind) + b"\r\n")
            while not stop.wait(OFTEN_S):
                connection.sendall(b"x")

    with raw_peer(serve) as port:
        address = PacsAddress("dicomweb", "127.0.0.1", port, False)
        request = FetchRequest("1.2.3", limits=Limits(n_instances=1))
        try:
            with pytest.raises(TransferError, match="is too slow"):
                fetch(address, request, tmp_path / "in", BRIEF)
        finally:
            stop.set()
    assert not list(tmp_path.rglob("*.dcm"))


def test_an_archive_that_takes_nothing_is_left(raw_peer, study, tmp_path):
    stop = threading.Event()
    image = pydicom.dcmread(next(study.rglob("*.dcm")))
    image.Rows = image.Columns = 4096
    image.PixelData = bytes(2 * 4096 * 4096)
    image.save_as(tmp_path / "large.dcm")
    with raw_peer(lambda connection: stop.wait(30)) as port:
        address = PacsAddress("dicomweb", "127.0.0.1", port, False)
        try:
            with pytest.raises(TransferError, match=r"too slow|was silent"):
                send(address, list(dicom_files([tmp_path])), BRIEF)
        finally:
            stop.set()


def test_an_archive_that_is_silent_is_told_apart_from_a_slow_one(raw_peer):
    stop = threading.Event()
    silent = ConnectionOptions(answer_s=0.3, n_tries=1)
    with raw_peer(lambda connection: stop.wait(30)) as port:
        address = PacsAddress("dicomweb", "127.0.0.1", port, False)
        try:
            with pytest.raises(TransferError, match="--timeout"):
                echo(address, silent)
        finally:
            stop.set()


def test_a_connection_serves_one_exchange_after_another(web_peer):
    """Each exchange has its whole time: the pace begins anew."""
    peer = web_peer(lambda method, path: (200, {"Content-Type": "application/json"}, b"[]"))
    clock = Clock()
    with WebSession(peer.address, BRIEF, 1 << 20) as session:
        session._pace._clock = clock
        for _ in range(3):
            clock.now += 1.0
            assert session.get(f"{peer.address}/studies", timeout=(5, 5)).json() == []
