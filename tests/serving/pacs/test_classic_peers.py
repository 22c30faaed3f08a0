"""Classic DICOM with peers that are absent, unwilling, broken or hostile."""

import socket
import struct
from types import SimpleNamespace

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import JPEG2000Lossless
from pynetdicom import AllStoragePresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.events import Event

from myoseg.errors import ConfigurationError, OutputError, TransferError
from myoseg.serving.pacs import extra
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions, Credentials, server_context
from myoseg.serving.pacs.fetching import FetchRequest, fetch
from myoseg.serving.pacs.guard import Guard
from myoseg.serving.pacs.intake import Limits
from myoseg.serving.pacs.queries import echo, find_studies
from myoseg.serving.pacs.records import Query
from myoseg.serving.pacs.transfer import send
from myoseg.serving.pacs.wanted import ReceiveAt

PENDING, SUCCESS = 0xFF00, 0x0000


def files_of(folder, n=None):
    return sorted(folder.rglob("*.dcm"))[:n]


def images_of(folder, n=None):
    return [pydicom.dcmread(path) for path in files_of(folder, n)]


def found_by(images):
    """What a C-FIND about these images is answered, at whichever level."""

    def answer(event):
        level = event.identifier.QueryRetrieveLevel
        told = set()
        for image in images:
            one = Dataset()
            one.StudyInstanceUID = image.StudyInstanceUID
            key = image.StudyInstanceUID
            if level != "STUDY":
                one.SeriesInstanceUID = key = image.SeriesInstanceUID
                one.Modality = "MR"
            if level == "IMAGE":
                if image.SeriesInstanceUID != event.identifier.SeriesInstanceUID:
                    continue
                one.SOPInstanceUID = key = image.SOPInstanceUID
            if key not in told:
                told.add(key)
                yield PENDING, one

    return evt.EVT_C_FIND, answer


def given_by(images):
    """What a C-GET is answered: all of these images, whatever was asked for."""

    def answer(event):
        yield len(images)
        for image in images:
            yield PENDING, image

    return evt.EVT_C_GET, answer


def stored(statuses):
    """Answers each C-STORE with the next status, and remembers what came."""
    came = []

    def answer(event):
        came.append(str(event.request.AffectedSOPInstanceUID))
        return statuses[min(len(came), len(statuses)) - 1]

    return (evt.EVT_C_STORE, answer), came


def test_an_archive_that_is_not_there_is_told(free_port, hasty):
    address = PacsAddress("dicom", "127.0.0.1", free_port(), False, ae_title="PEER")
    with pytest.raises(TransferError, match=r"cannot be reached \(Connection refused\)"):
        echo(address, hasty)


def test_a_host_that_has_no_address_is_told(hasty):
    address = PacsAddress("dicom", "no-such-host.invalid", 104, False, ae_title="PEER")
    with pytest.raises(TransferError, match="cannot be reached"):
        echo(address, hasty)


def test_an_archive_that_knows_another_title_refuses(classic_peer, hasty):
    at = classic_peer()
    address = PacsAddress("dicom", at.host, at.port, False, ae_title="OTHER")
    with pytest.raises(TransferError, match=r"refuses the association.*MYOSEG"):
        echo(address, hasty)


def test_an_archive_that_offers_nothing_of_what_is_asked_is_told(classic_peer, hasty, study):
    at = classic_peer(services=[], contexts=AllStoragePresentationContexts[:1])
    with pytest.raises(TransferError, match="offers none"):
        echo(at, hasty)
    with pytest.raises(TransferError, match="offers none"):
        find_studies(at, Query(), hasty)
    outcome = send(at, files_of(study, 2), hasty)
    assert ["does not take" in file.status for file in outcome.refused] == [True, True]


def test_a_failed_query_is_told_in_words(classic_peer, hasty):
    def refuse(event):
        yield 0xA700, None

    at = classic_peer([(evt.EVT_C_FIND, refuse)])
    with pytest.raises(TransferError, match=r"C-FIND.*out of resources \(A700\)"):
        find_studies(at, Query(), hasty)


def test_no_more_studies_are_read_than_asked_for(classic_peer, hasty):
    def endless(event):
        number = 0
        while not event.is_cancelled:
            number += 1
            one = Dataset()
            one.StudyInstanceUID = f"1.2.{number}"
            yield PENDING, one

    at = classic_peer([(evt.EVT_C_FIND, endless)])
    assert len(find_studies(at, Query(), hasty, most=5)) == 5


def test_each_refused_file_is_told_and_the_others_are_sent(classic_peer, hasty, study):
    handler, came = stored([SUCCESS, 0xA900, 0xB000, 0x0111, 0xC123, 0x0122])
    files = files_of(study, 6)
    outcome = send(classic_peer([handler]), files, hasty)
    assert [file.path for file in outcome.files] == files
    assert [file.accepted for file in outcome.files] == [True, False, True, True, False, False]
    assert outcome.n_accepted == 3
    assert len(came) == 6
    assert "does not fit" in outcome.files[1].status
    assert "C123" in outcome.files[4].status


def test_statuses_quote_nothing_that_an_archive_writes(classic_peer, hasty, study):
    def refuse(event):
        status = Dataset()
        status.Status, status.ErrorComment = 0xC000, "no room for Meier^Anna"
        return status

    at = classic_peer([(evt.EVT_C_STORE, refuse)])
    outcome = send(at, files_of(study, 1), hasty)
    assert "Meier" not in outcome.refused[0].status


def test_what_fails_for_want_of_room_is_tried_again(classic_peer, hasty, study):
    handler, came = stored([SUCCESS, 0xA700, SUCCESS])
    outcome = send(classic_peer([handler]), files_of(study, 3), hasty)
    assert outcome.n_accepted == 3
    assert len(came) == 4
    assert came[1] == came[2]


def test_an_archive_without_room_is_left_after_some_tries(classic_peer, hasty, study):
    handler, came = stored([SUCCESS, 0xA700])
    with pytest.raises(TransferError, match=r"out of resources.* 1 of 3 files were sent before"):
        send(classic_peer([handler]), files_of(study, 3), hasty)
    assert len(came) == 3


def test_kinds_that_an_archive_does_not_take_are_refused_alone(
    classic_peer, hasty, study, tmp_path
):
    report = images_of(study, 1)[0]
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    report.save_as(tmp_path / "report.dcm")
    images = [
        each for each in AllStoragePresentationContexts if "1.4.1.1.4" in str(each.abstract_syntax)
    ]
    handler, _ = stored([SUCCESS])
    at = classic_peer([handler], contexts=images)
    outcome = send(at, [tmp_path / "report.dcm", *files_of(study, 1)], hasty)
    assert [file.accepted for file in outcome.files] == [False, True]
    assert "does not take this kind" in outcome.files[0].status


def test_compressed_files_go_as_they_are_or_not_at_all(classic_peer, hasty, study, tmp_path):
    image = images_of(study, 1)[0]
    image.file_meta.TransferSyntaxUID = JPEG2000Lossless
    image.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51"])
    image["PixelData"].is_undefined_length = True
    image.save_as(tmp_path / "compressed.dcm")
    handler, came = stored([SUCCESS])
    outcome = send(classic_peer([handler]), [tmp_path / "compressed.dcm"], hasty)
    assert "does not take this kind of object in this encoding" in outcome.refused[0].status
    assert came == []


def test_only_images_segmentations_and_reports_are_sent(classic_peer, hasty, study, tmp_path):
    handler, came = stored([SUCCESS])
    secondary = images_of(study, 1)[0]
    secondary.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    secondary.save_as(tmp_path / "secondary.dcm")
    (tmp_path / "text.txt").write_text("Meier^Anna")
    (tmp_path / "cut.dcm").write_bytes(files_of(study, 1)[0].read_bytes()[:150])
    files = sorted(tmp_path.iterdir())
    outcome = send(classic_peer([handler]), [*files, *files_of(study, 1)], hasty)
    assert [file.path for file in outcome.refused] == files
    assert all(file.status.startswith("not sent: ") for file in outcome.refused)
    assert len(came) == 1


def test_an_archive_that_breaks_off_is_tried_again_and_told(classic_peer, hasty, study):
    came = []

    def break_off(event):
        came.append(event.request.AffectedSOPInstanceUID)
        event.assoc.abort()
        return SUCCESS

    at = classic_peer([(evt.EVT_C_STORE, break_off)])
    with pytest.raises(TransferError, match=r"broke the connection.* 0 of 2 files"):
        send(at, files_of(study, 2), hasty)
    assert len(came) == hasty.n_tries


def test_a_connection_that_ends_between_two_files_is_no_fault_of_the_second(
    classic_peer, hasty, study, monkeypatch
):
    came, aborted, store = [], [], Association.send_c_store

    def late(association, *args, **options):
        if came and not aborted:
            aborted.append(association)
            association.abort()
        return store(association, *args, **options)

    monkeypatch.setattr(Association, "send_c_store", late)

    def take(event):
        came.append(event.request.AffectedSOPInstanceUID)
        return SUCCESS

    outcome = send(classic_peer([(evt.EVT_C_STORE, take)]), files_of(study, 2), hasty)
    assert (outcome.n_accepted, outcome.refused) == (2, ())


def test_a_fetch_goes_on_where_an_archive_broke_off(classic_peer, hasty, study, tmp_path):
    images = [each for each in images_of(study) if each.Modality == "MR"]
    n_asked = []

    def two_at_a_time(event):
        n_asked.append(1)
        asked = event.identifier
        uids = asked.get("SOPInstanceUID") or [
            each.SOPInstanceUID
            for each in images
            if each.SeriesInstanceUID == asked.SeriesInstanceUID
        ]
        uids = [uids] if isinstance(uids, str) else list(uids)
        yield len(uids)
        for uid in uids[:2]:
            yield PENDING, next(each for each in images if each.SOPInstanceUID == uid)
        event.assoc.abort()

    at = classic_peer([found_by(images), (evt.EVT_C_GET, two_at_a_time)])
    request = FetchRequest(str(images[0].StudyInstanceUID))
    outcome = fetch(at, request, tmp_path / "in", hasty)
    assert outcome.n_fetched == len(images)
    assert (outcome.n_missing, outcome.refused) == (0, ())


def test_what_an_archive_sends_unasked_is_not_kept(
    classic_peer, hasty, study, other_study, tmp_path
):
    mine, others = images_of(study, 1), images_of(other_study, 3)
    at = classic_peer([found_by(mine), given_by([*others, *mine])])
    request = FetchRequest(str(mine[0].StudyInstanceUID))
    outcome = fetch(at, request, tmp_path / "in", hasty)
    assert outcome.n_fetched == 1
    (path,) = files_of(tmp_path / "in")
    assert pydicom.dcmread(path).SOPInstanceUID == mine[0].SOPInstanceUID


def test_an_image_of_another_study_in_the_envelope_of_ours_is_refused(
    classic_peer, hasty, study, tmp_path
):
    listed = images_of(study, 1)
    forged = images_of(study, 1)
    forged[0].StudyInstanceUID = "1.2.3.4"
    at = classic_peer([found_by(listed), given_by(forged)])
    request = FetchRequest(str(listed[0].StudyInstanceUID))
    outcome = fetch(at, request, tmp_path / "in", hasty)
    assert (outcome.n_fetched, outcome.n_missing) == (0, 0)
    assert outcome.refused == ("it is of another study than the one asked for",)
    assert files_of(tmp_path) == []


def test_what_is_listed_and_not_given_is_counted(classic_peer, hasty, study, tmp_path):
    images = images_of(study, 1)
    at = classic_peer([found_by(images), given_by([])])
    request = FetchRequest(str(images[0].StudyInstanceUID))
    outcome = fetch(at, request, tmp_path / "in", hasty)
    assert (outcome.n_fetched, outcome.n_missing) == (0, 1)


def test_identifiers_that_are_paths_are_not_asked_for(classic_peer, hasty, study, tmp_path):
    hostile = images_of(study, 3)
    series = hostile[0].SeriesInstanceUID
    for image, uid in zip(hostile, ("../../outside", "/tmp/outside", "1.2.3"), strict=True):
        image.SeriesInstanceUID, image.SOPInstanceUID = series, uid
        image.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    at = classic_peer([found_by(hostile), given_by(hostile)])
    request = FetchRequest(str(hostile[0].StudyInstanceUID))
    outcome = fetch(at, request, tmp_path / "deep" / "in", hasty)
    assert outcome.n_fetched == 1
    assert [path.parent for path in files_of(tmp_path)] == [tmp_path / "deep" / "in"]


def test_an_instance_beyond_the_limit_is_cut_off(classic_peer, hasty, study, tmp_path):
    image = images_of(study, 1)[0]
    image.PixelData = bytes(8 << 20)
    at = classic_peer([found_by([image]), given_by([image])])
    request = FetchRequest(str(image.StudyInstanceUID), limits=Limits(instance_bytes=1 << 20))
    with pytest.raises(TransferError, match="more than 1 MiB and was cut off"):
        fetch(at, request, tmp_path / "in", hasty)
    assert files_of(tmp_path) == []


def test_a_port_that_is_taken_is_told(classic_peer, hasty, study, tmp_path):
    images = images_of(study, 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = classic_peer([found_by(images)])
        receive = ReceiveAt(taken.getsockname()[1])
        request = FetchRequest(str(images[0].StudyInstanceUID), receive=receive)
        with pytest.raises(TransferError, match="--receive-port"):
            fetch(at, request, tmp_path / "in", hasty)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        struct.pack(">BBL", 2, 0, 0xFFFFFFFF) + b"\0" * 4096,
        struct.pack(">BBL", 2, 0, 64) + b"\xff" * 64,
        struct.pack(">BBL", 2, 0, 64),
    ],
    ids=["silence", "http", "four gigabytes", "nonsense", "cut off"],
)
def test_what_is_no_archive_is_left(raw_peer, hasty, answer):
    def serve(connection):
        connection.recv(4096)
        connection.sendall(answer)
        if answer:
            connection.recv(1)

    how = ConnectionOptions(answer_s=1.0, n_tries=1)
    with raw_peer(serve) as port:
        address = PacsAddress("dicom", "127.0.0.1", port, False, ae_title="PEER")
        with pytest.raises(TransferError, match=r"broke|did not answer|offers none"):
            echo(address, how)


def test_a_peer_that_trickles_is_left(raw_peer):
    def serve(connection):
        connection.recv(4096)
        connection.sendall(struct.pack(">BBL", 2, 0, 200))
        for _ in range(40):
            connection.sendall(b"\0")
            connection.settimeout(0.1)
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    how = ConnectionOptions(answer_s=1.0, n_tries=1)
    with raw_peer(serve) as port:
        address = PacsAddress("dicom", "127.0.0.1", port, False, ae_title="PEER")
        with pytest.raises(TransferError, match="did not answer"):
            echo(address, how)


def test_tls_is_spoken_with_an_archive_that_shows_its_certificate(
    classic_peer, certificates, study
):
    own = {"certificate": certificates.certificate, "private_key": certificates.key}
    tls = server_context(ConnectionOptions(ca=certificates.ca, **own))
    handler, _ = stored([SUCCESS])
    at = classic_peer([handler], tls=tls)
    known = ConnectionOptions(ca=certificates.ca, n_tries=1, answer_s=5.0, **own)
    echo(at, known)
    assert send(at, files_of(study, 2), known).n_accepted == 2
    with pytest.raises(TransferError, match=r"cannot be reached \(.*certificate"):
        echo(at, ConnectionOptions(ca=certificates.other_ca, n_tries=1, **own))
    with pytest.raises(TransferError):
        echo(at, ConnectionOptions(ca=certificates.ca, n_tries=1, answer_s=2.0))
    by_name = PacsAddress("dicom", "localhost", at.port, True, ae_title="PEER")
    with pytest.raises(TransferError, match=r"cannot be reached \(.*localhost"):
        echo(by_name, ConnectionOptions(ca=certificates.ca, n_tries=1, **own))


def test_credentials_are_not_for_classic_dicom(classic_peer):
    how = ConnectionOptions(credentials=Credentials(token="abc"))
    with pytest.raises(ConfigurationError, match="no user and no token"):
        echo(classic_peer(), how)


def test_a_missing_package_is_told_with_the_command_that_brings_it(monkeypatch, classic_peer):
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'myoseg\[pacs\]'"):
        echo(classic_peer(), ConnectionOptions())


def test_a_folder_that_cannot_be_written_to_ends_the_fetch(classic_peer, hasty, study, tmp_path):
    images = images_of(study, 2)
    at = classic_peer([found_by(images), given_by(images)])
    (tmp_path / "in").write_text("a file")
    with pytest.raises(OutputError, match="cannot write"):
        fetch(at, FetchRequest(str(images[0].StudyInstanceUID)), tmp_path / "in", hasty)


def test_a_peer_that_sends_without_waiting_is_cut_off():
    guard = Guard(1 << 20, 1.0)
    request = type("C_STORE_RQ", (), {})()
    near, far = socket.socketpair()
    transport = SimpleNamespace(socket=near)
    association = SimpleNamespace(dul=SimpleNamespace(socket=transport))
    handlers = dict(guard.handlers())

    def happens(kind):
        handlers[kind](Event(association, kind, {"message": request}))

    with near, far:
        happens(evt.EVT_CONN_OPEN)
        for _ in range(64):
            happens(evt.EVT_DIMSE_RECV)
        far.sendall(b"ab")
        assert transport.recv(1) == b"a"
        happens(evt.EVT_DIMSE_RECV)
        with pytest.raises(ConnectionAbortedError):
            transport.recv(1)
        assert guard.overflowed
        happens(evt.EVT_DIMSE_SENT)
        assert transport.recv(1) == b"b"
        with pytest.raises(TimeoutError):
            transport.recv(1)
