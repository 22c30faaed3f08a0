"""DICOMweb with peers that are absent, unwilling, broken or hostile."""

import gzip
import json
import re
from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

import pydicom
import pytest

from myoseg.errors import ConfigurationError, InputError, TransferError
from myoseg.serving.pacs.address import PacsAddress, parse_address
from myoseg.serving.pacs.connection import ConnectionOptions, Credentials
from myoseg.serving.pacs.fetching import FetchRequest, fetch
from myoseg.serving.pacs.intake import Limits
from myoseg.serving.pacs.queries import echo, find_series, find_studies
from myoseg.serving.pacs.records import Query
from myoseg.serving.pacs.transfer import send
from myoseg.serving.pacs.wanted import ReceiveAt

JSON = {"Content-Type": "application/dicom+json"}
PARTS = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=xyz'}
STUDY, SERIES, INSTANCE, MODALITY = "0020000D", "0020000E", "00080018", "00080060"


def files_of(folder, n=None):
    return sorted(folder.rglob("*.dcm"))[:n]


def listing(*records):
    return (
        200,
        JSON,
        json.dumps(
            [
                {tag: {"vr": "UI", "Value": [value]} for tag, value in each.items()}
                for each in records
            ]
        ).encode(),
    )


def part(content):
    head = b"--xyz\r\nContent-Type: application/dicom\r\n\r\n"
    return 200, PARTS, head + content + b"\r\n--xyz--\r\n"


def archive_of(path, instance=None, **changes):
    """Answers that list one image and give `instance`, or that image."""
    image = pydicom.dcmread(path)
    uid = changes.get("uid", str(image.SOPInstanceUID))

    def answer(method, asked):
        where = urlsplit(asked)
        if int(parse_qs(where.query).get("offset", ["0"])[0]):
            return 200, JSON, b"[]"
        if where.path.endswith("/series"):
            return listing({SERIES: str(image.SeriesInstanceUID), MODALITY: "MR"})
        if where.path.endswith("/instances"):
            return listing({INSTANCE: uid})
        return part(path.read_bytes()) if instance is None else instance

    return answer, FetchRequest(str(image.StudyInstanceUID))


def test_an_archive_that_is_not_there_is_told(free_port, hasty):
    address = PacsAddress("dicomweb", "127.0.0.1", free_port(), False)
    with pytest.raises(TransferError, match=r"cannot be reached.*Connection refused"):
        echo(address, hasty)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, b""), r"refuses \(HTTP 401\).*credentials"),
        ((403, {}, b""), r"refuses \(HTTP 403\)"),
        ((404, {}, b""), r"HTTP 404.*path"),
        ((400, JSON, b"Meier^Anna"), "HTTP 400"),
        ((500, {}, b""), "HTTP 500"),
        ((302, {"Location": "https://elsewhere.example/"}, b""), "redirects elsewhere"),
        ((200, {"Content-Type": "text/html"}, b"<html>Meier^Anna</html>"), "not with DICOM"),
        ((200, JSON, b"{"), "no DICOM"),
        ((200, JSON, b"[" * 100_000), "no DICOM"),
        ((200, JSON | {"Content-Encoding": "gzip"}, b"no gzip"), "cannot be unpacked"),
        ((200, JSON | {"Content-Length": "1000"}, b"[]"), "broke the connection"),
    ],
)
def test_answers_that_are_none_are_told(web_peer, hasty, answer, said):
    peer = web_peer(lambda method, path: answer)
    with pytest.raises(TransferError, match=said) as told:
        find_studies(peer.address, Query(), hasty)
    assert "Meier" not in str(told.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"[{}]", b"[1, null]", b"[[]]", b'{"a": 1}'])
def test_answers_without_a_study_list_none(web_peer, hasty, content):
    peer = web_peer(lambda method, path: (200, JSON, content))
    assert find_studies(peer.address, Query(), hasty) == ()


@pytest.mark.parametrize("code", [408, 429, 502, 503, 504])
def test_what_may_pass_is_tried_again(web_peer, hasty, code):
    answers = [(code, {}, b""), listing({STUDY: "1.2.3"}), (200, JSON, b"[]")]
    peer = web_peer(lambda method, path: answers.pop(0))
    (found,) = find_studies(peer.address, Query(), hasty)
    assert found.study_uid == "1.2.3"


def test_what_does_not_pass_is_told_after_some_tries(web_peer, hasty):
    peer = web_peer(lambda method, path: (503, {}, b""))
    with pytest.raises(TransferError, match=r"HTTP 503"):
        echo(peer.address, hasty)
    assert len(peer.asked) == hasty.n_tries


def test_an_archive_that_gives_the_same_page_again_and_again_is_left(web_peer, hasty):
    peer = web_peer(lambda method, path: listing({STUDY: "1.2.3"}, {STUDY: "1.2.4"}))
    assert len(find_studies(peer.address, Query(), hasty, most=1000)) == 2
    assert len(peer.asked) == 2


def test_pages_are_put_together(web_peer, hasty):
    def answer(method, path):
        offset = int(parse_qs(urlsplit(path).query)["offset"][0])
        return listing(*({STUDY: f"1.2.{n + 1}"} for n in range(offset, min(offset + 3, 7))))

    peer = web_peer(answer)
    assert len(find_studies(peer.address, Query(), hasty)) == 7


def test_an_answer_that_grows_when_unpacked_is_cut_off(web_peer, hasty):
    bomb = gzip.compress(b"[" + b" " * (100 << 20))
    peer = web_peer(lambda method, path: (200, JSON | {"Content-Encoding": "gzip"}, bomb))
    with pytest.raises(TransferError, match="more than 64 MiB and was cut off"):
        find_studies(peer.address, Query(), hasty)


def test_an_image_comes_bit_for_bit(web_peer, hasty, study, tmp_path):
    (path,) = files_of(study, 1)
    answer, request = archive_of(path)
    peer = web_peer(answer)
    assert fetch(peer.address, request, tmp_path / "in", hasty).n_fetched == 1
    (came,) = files_of(tmp_path / "in")
    assert came.read_bytes() == path.read_bytes()
    accepted = [headers["Accept"] for _, asked, headers in peer.asked if "/instances/" in asked]
    assert accepted == ['multipart/related; type="application/dicom"; transfer-syntax=*']
    assert {headers["Host"] for _, _, headers in peer.asked} == {f"127.0.0.1:{peer.port}"}


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        ((404, {}, b""), r"HTTP 404"),
        ((500, {}, b""), r"HTTP 500"),
        (part(b"<html>Meier^Anna</html>"), "no readable DICOM|another instance"),
        ((200, PARTS, b"no parts"), "no DICOM"),
        ((200, {"Content-Type": "multipart/related"}, b"Meier"), "no readable|another instance"),
        ((204, PARTS, b""), "no readable DICOM|no DICOM|another instance"),
    ],
)
def test_an_image_that_cannot_be_had_is_told_and_leaves_nothing(
    web_peer, hasty, study, tmp_path, instance, said
):
    answer, request = archive_of(files_of(study, 1)[0], instance)
    outcome = fetch(web_peer(answer).address, request, tmp_path / "in", hasty)
    assert (outcome.n_fetched, outcome.n_missing, len(outcome.refused)) == (0, 0, 1)
    assert files_of(tmp_path) == []
    assert re.search(said, outcome.refused[0])
    assert "Meier" not in outcome.refused[0]


def test_an_image_of_another_study_is_refused(web_peer, hasty, study, other_study, tmp_path):
    (other,) = files_of(other_study, 1)
    answer, request = archive_of(files_of(study, 1)[0], part(other.read_bytes()))
    outcome = fetch(web_peer(answer).address, request, tmp_path / "in", hasty)
    assert outcome.refused == ("it is another instance than its envelope says",)
    assert files_of(tmp_path) == []


def test_an_image_beyond_the_limit_is_cut_off(web_peer, hasty, study, tmp_path):
    answer, request = archive_of(files_of(study, 1)[0], part(bytes(3 << 20)))
    small = FetchRequest(request.study_uid, limits=Limits(instance_bytes=1 << 20))
    with pytest.raises(TransferError, match="more than 1 MiB and was cut off"):
        fetch(web_peer(answer).address, small, tmp_path / "in", hasty)
    assert files_of(tmp_path) == []


def test_an_image_that_breaks_off_is_tried_again(web_peer, hasty, study, tmp_path):
    whole, request = archive_of(files_of(study, 1)[0])
    broken = []

    def answer(method, path):
        if "/instances/" in path and not broken:
            broken.append(path)
            return 200, PARTS | {"Content-Length": "100000"}, b"--xyz\r\n\r\nDICM"
        return whole(method, path)

    outcome = fetch(web_peer(answer).address, request, tmp_path / "in", hasty)
    assert (outcome.n_fetched, len(broken)) == (1, 1)


@pytest.mark.parametrize("uid", ["../../../etc/passwd", "1.2/rendered", "1.2?x=y", ""])
def test_identifiers_that_are_paths_are_not_asked_for(web_peer, hasty, study, tmp_path, uid):
    answer, request = archive_of(files_of(study, 1)[0], uid=uid)
    peer = web_peer(answer)
    outcome = fetch(peer.address, request, tmp_path / "in", hasty)
    assert outcome.n_fetched == 0
    assert not any("/instances/" in asked for _, asked, _ in peer.asked)
    with pytest.raises(InputError, match="identifier"):
        find_series(peer.address, uid, hasty)


def test_credentials_go_with_each_request(web_peer, hasty):
    peer = web_peer(lambda method, path: (200, JSON, b"[]"))
    login = Credentials(user="reader", password="s3cret:ä")
    echo(peer.address, ConnectionOptions(credentials=login))
    kind, _, coded = peer.asked[0][2]["Authorization"].partition(" ")
    assert (kind, b64decode(coded).decode()) == ("Basic", "reader:s3cret:ä")
    echo(peer.address, ConnectionOptions(credentials=Credentials(token="abc")))
    assert peer.asked[1][2]["Authorization"] == "Bearer abc"
    echo(peer.address, hasty)
    assert "Authorization" not in peer.asked[2][2]


def test_the_environment_changes_nothing(web_peer, hasty, monkeypatch, tmp_path, free_port):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    peer = web_peer(lambda method, path: (200, JSON, b"[]"))
    echo(peer.address, hasty)
    assert "Authorization" not in peer.asked[0][2]


@pytest.mark.parametrize(
    ("answer", "accepted", "said"),
    [
        ((200, JSON, b"{}"), True, "stored"),
        ((200, JSON, b""), True, "stored"),
        ((202, JSON, b'{"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US",'
          b'"Value": [43264]}}]}}'), False, "A900"),
        ((409, JSON, b'{"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US",'
          b'"Value": [273]}}]}}'), True, "already"),
        ((409, JSON, b"Meier^Anna"), False, "HTTP 409"),
        ((413, {}, b""), False, "HTTP 413"),
        ((500, {}, b""), False, "HTTP 500"),
        ((200, JSON, b"Meier^Anna"), False, "cannot be read"),
    ],
)  # fmt: skip
def test_what_an_archive_says_of_a_file_is_told(web_peer, hasty, study, answer, accepted, said):
    peer = web_peer(lambda method, path: answer)
    (outcome,) = send(peer.address, files_of(study, 1), hasty).files
    assert outcome.accepted is accepted
    assert said in outcome.status
    assert "Meier" not in outcome.status


def test_an_archive_without_room_is_tried_again(web_peer, hasty, study):
    full = (409, JSON, b'{"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US",'
            b'"Value": [42752]}}]}}')  # fmt: skip
    answers = [full, (200, JSON, b"{}"), (200, JSON, b"{}")]
    peer = web_peer(lambda method, path: answers.pop(0))
    assert send(peer.address, files_of(study, 2), hasty).n_accepted == 2
    answers += [full] * 5
    with pytest.raises(TransferError, match=r"out of resources.* 0 of 1 files"):
        send(peer.address, files_of(study, 1), hasty)


def test_certificates_are_verified(certificates, web_peer, hasty):
    peer = web_peer(lambda method, path: (200, JSON, b"[]"), tls=certificates)
    known = ConnectionOptions(ca=certificates.ca, n_tries=1)
    echo(peer.address, known)
    for how in (
        ConnectionOptions(n_tries=1),
        ConnectionOptions(ca=certificates.other_ca, n_tries=1),
    ):
        with pytest.raises(TransferError, match=r"safely \(.*certificate.*--ca"):
            echo(peer.address, how)
    by_name = parse_address(f"https://localhost:{peer.port}/dicom-web")
    with pytest.raises(TransferError, match=r"safely \(.*localhost"):
        echo(by_name, known)


def test_receiving_is_for_classic_dicom_alone(web_peer, hasty, tmp_path):
    peer = web_peer(lambda method, path: (200, JSON, b"[]"))
    request = FetchRequest("1.2.3", receive=ReceiveAt(11112))
    with pytest.raises(ConfigurationError, match="classic DICOM"):
        fetch(peer.address, request, tmp_path, hasty)
