"""What a node answers to those who send to it."""

import socket
import time
import warnings
from io import BytesIO

import pydicom
import pytest
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, JPEG2000Lossless, MRImageStorage

pytest.importorskip("pynetdicom")

from pynetdicom.dimse_messages import C_STORE_RQ, N_CREATE_RQ
from pynetdicom.dimse_primitives import C_STORE, N_CREATE
from pynetdicom.dsutils import encode

from myoseg.serving.node.receiver import Listening
from myoseg.serving.node.study import Limits

SUCCESS, OUT_OF_RESOURCES, DOES_NOT_MATCH, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xA900, 0xC000


def store_bytes(association, content, uid="1.9.9"):
    """Announces an image `uid` and sends these bytes; gives the status."""
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = MRImageStorage, uid
    request.DataSet = BytesIO(content)
    # Else the library takes the answer for a request and drops it.
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, association.accepted_contexts[0].context_id)
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    return answer.Status


def leftovers(node):
    return list((node.folder / "incoming").iterdir())


def test_images_are_confirmed_segmented_and_returned(run, archive, image, send_images):
    node = run()
    assert send_images(node.port, image(number=1), image(number=2)) == [SUCCESS, SUCCESS]
    (study,) = node.wait_for("returned")
    assert study.n_images == 2
    assert archive.sent == [("dicom://PACS@127.0.0.1:1", "1.2.3", "1.2.3.1,1.2.3.2")]
    assert leftovers(node) == []


def test_an_image_is_kept_as_it_was_sent(run, image, send_images):
    node = run()
    sent = image(Rows=300, Columns=300, PixelData=bytes(range(250)) * 720)
    send_images(node.port, sent)
    node.wait_for("returned")
    (path,) = (node.folder / "images" / "000001").iterdir()
    kept = pydicom.dcmread(path)
    assert kept.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert {element.tag: element.value for element in kept} == {
        element.tag: element.value for element in sent
    }


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
def test_other_encodings_are_taken(run, image, send_images, syntax):
    node = run()
    sent = image()
    sent.file_meta.TransferSyntaxUID = syntax
    assert send_images(node.port, sent, syntax=syntax) == [SUCCESS]
    node.wait_for("returned")


def test_what_is_no_mr_image_is_not_negotiated(run, connect):
    node = run()
    association = connect(node.port, classes=(CTImageStorage, MRImageStorage))
    assert [each.abstract_syntax for each in association.accepted_contexts] == [MRImageStorage]
    association.release()
    association = connect(
        node.port, classes=(EnhancedMRImageStorage,), syntax=[JPEG2000Lossless, "1.2.3.4"]
    )
    assert association.accepted_contexts[0].transfer_syntax == [JPEG2000Lossless]
    association.release()


def test_an_echo_is_answered(run, connect):
    association = connect(run().port, classes=("1.2.840.10008.1.1",), syntax="1.2.840.10008.1.2")
    assert association.send_c_echo().Status == SUCCESS
    association.release()


def test_only_listed_senders_are_heard_and_only_under_the_nodes_own_name(run, connect):
    node = run(listening=Listening(port=0, accepted=("SCANNER", "OTHER")))
    assert connect(node.port, ae_title="STRANGER").is_rejected
    assert connect(node.port, called="SOMEONE").is_rejected
    association = connect(node.port, ae_title="OTHER")
    assert association.is_established
    association.release()


def test_an_image_beyond_the_limit_is_refused_and_its_study_fails_visibly(run, image, send_images):
    node = run(limits=Limits(instance_bytes=4000, free_bytes=0))
    large = image(number=2, PixelData=bytes(6000))
    assert send_images(node.port, image(), large) == [SUCCESS, OUT_OF_RESOURCES]
    (study,) = node.wait_for("failed")
    assert study.reason.startswith("an image was refused (an image of more than")
    assert leftovers(node) == []
    node.end()


def test_a_study_of_which_the_first_image_was_refused_fails_visibly(run, image, send_images):
    node = run(limits=Limits(instance_bytes=4000, free_bytes=0))
    large = image(number=2, PixelData=bytes(6000))
    assert send_images(node.port, large, image()) == [OUT_OF_RESOURCES, SUCCESS]
    node.wait_for("failed")


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_a_study_fails_visibly_of_which_a_connection_of_its_own_brought_a_refused_image(
    run, image, send_images, syntax
):
    node = run(limits=Limits(instance_bytes=4000, free_bytes=0))
    assert send_images(node.port, image()) == [SUCCESS]
    large = image(number=2, PixelData=bytes(6000))
    large.file_meta.TransferSyntaxUID = syntax
    assert send_images(node.port, large, syntax=syntax) == [OUT_OF_RESOURCES]
    (study,) = node.wait_for("failed")
    assert study.reason.startswith("an image was refused (an image of more than")


def test_an_image_that_is_taken_after_a_refusal_is_lacking_no_more(run, image, send_images):
    node = run(limits=Limits(instance_bytes=4000, free_bytes=0))
    large = image(number=2, PixelData=bytes(6000))
    statuses = send_images(node.port, image(), large, image(number=2))
    assert statuses == [SUCCESS, OUT_OF_RESOURCES, SUCCESS]
    (study,) = node.wait_for("returned")
    assert study.n_images == 2


def test_nothing_is_taken_where_the_disk_is_nearly_full(run, image, send_images):
    node = run(limits=Limits(free_bytes=1 << 60))
    assert send_images(node.port, image()) == [OUT_OF_RESOURCES]
    assert node.studies() == ()
    assert leftovers(node) == []


def test_a_study_is_refused_where_too_many_wait(run, image, send_images):
    node = run(limits=Limits(n_waiting=1, free_bytes=0))
    association_images = image(study="1.2"), image(study="1.3"), image(study="1.2", number=2)
    statuses = send_images(node.port, *association_images)
    assert statuses == [SUCCESS, OUT_OF_RESOURCES, SUCCESS]


def test_an_image_other_than_announced_is_refused(run, image, connect):
    node = run()
    association = connect(node.port)
    assert store_bytes(association, encode(image(), False, True)) == DOES_NOT_MATCH
    assert node.studies() == ()
    association.release()


@pytest.mark.parametrize(
    "content",
    [b"\x08\x00\x16\x00UI\xff\xff1.2", b"\xff" * 1000, b"\x08\x00\x18\x00UI\x04\x001.2\x00"],
)
def test_what_is_no_image_is_refused_and_the_node_lives_on(
    run, image, connect, send_images, content
):
    node = run()
    association = connect(node.port)
    assert store_bytes(association, content) == CANNOT_UNDERSTAND
    association.release()
    assert send_images(node.port, image(study="1.7")) == [SUCCESS]
    node.wait_for("returned")
    assert leftovers(node) == []


def test_hostile_identifiers_name_no_file(run, image, send_images):
    node = run()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hostile = image(study="../../../etc/x")
        send_images(node.port, hostile)
    outside = node.folder.parent
    assert [path.name for path in outside.iterdir()] == ["state"]
    names = {path.name for path in (node.folder / "images").rglob("*")}
    assert not any("etc" in name for name in names)


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01\x00\xff\xff\xff\xff" + b"x" * 10_000,
        b"\x04\x00\x00\x00\x00\x06\x00\x00\x00\x02\x01\x03",
        b"",
    ],
)
def test_bytes_that_are_no_dicom_do_no_harm(run, image, send_images, content):
    node = run()
    with socket.create_connection(("127.0.0.1", node.port)) as stranger:
        stranger.sendall(content)
        assert send_images(node.port, image()) == [SUCCESS]
    node.wait_for("returned")


def test_a_pdu_that_claims_gigabytes_ends_the_connection(run, connect):
    node = run()
    association = connect(node.port)
    association.dul.socket.socket.sendall(b"\x04\x00\xff\xff\xff\xff" + b"x" * 100)
    until = time.monotonic() + 10
    while association.is_established and time.monotonic() < until:
        time.sleep(0.05)
    assert not association.is_established


def test_a_study_whose_sender_breaks_off_fails_and_is_done_when_sent_again(
    run, archive, image, connect, send_images
):
    node = run()
    association = connect(node.port)
    association.send_c_store(image(number=1))
    association.abort()
    (study,) = node.wait_for("failed")
    assert "connection broke" in study.reason
    assert archive.sent == []
    send_images(node.port, image(number=1), image(number=2))
    node.wait_for("returned")
    assert [uids for _, _, uids in archive.sent] == ["1.2.3.1,1.2.3.2"]


def test_a_study_waits_while_its_sender_is_silent_but_there(run, image, connect):
    node = run()
    association = connect(node.port)
    association.send_c_store(image(number=1))
    time.sleep(1.0)
    assert [str(each.state) for each in node.studies()] == ["receiving"]
    association.send_c_store(image(number=2))
    association.release()
    (study,) = node.wait_for("returned")
    assert study.n_images == 2


def sent_raw(association, kind, request):
    """Sends a request and does not wait for the answer."""
    message = kind()
    message.primitive_to_message(request)
    for piece in message.encode_msg(association.accepted_contexts[0].context_id, 16_000):
        association.dul.send_pdu(piece)


def wait_until(is_so, within_s=10.0):
    until = time.monotonic() + within_s
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)
    return is_so()


def test_images_that_nobody_will_look_at_leave_no_file(run, connect, image):
    node = run()
    association = connect(node.port)
    for number in range(1, 5):
        request, each = C_STORE(), image(number=number)
        request.MessageID, request.Priority = number, 2
        request.AffectedSOPClassUID = MRImageStorage
        request.AffectedSOPInstanceUID = each.SOPInstanceUID
        request.DataSet = BytesIO(encode(each, False, True))
        sent_raw(association, C_STORE_RQ, request)
    association.abort()
    node.wait_for("failed")
    assert wait_until(lambda: not leftovers(node))


def test_content_of_what_is_no_image_is_not_kept(run, connect):
    node = run()
    association = connect(node.port)
    request = N_CREATE()
    request.MessageID = 1
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = MRImageStorage, "1.9.9"
    request.AttributeList = BytesIO(b"x" * 60_000)
    sent_raw(association, N_CREATE_RQ, request)
    assert wait_until(lambda: not association.is_established)
    assert wait_until(lambda: not leftovers(node))


def test_a_pdu_that_trickles_in_is_not_waited_for(run):
    node = run(listening=Listening(port=0, timeout_s=1.0))
    with socket.create_connection(("127.0.0.1", node.port)) as stranger:
        stranger.sendall(b"\x01\x00\x00\x00\x10\x00")

        def is_cut():
            try:
                stranger.sendall(b"x")
            except OSError:
                return True
            return False

        assert wait_until(is_cut)


def test_half_an_image_leaves_no_file(run, connect, image):
    node = run()
    association = connect(node.port)
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = MRImageStorage, "1.9.9"
    request.DataSet = BytesIO(b"x" * 60_000)
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    pieces = list(message.encode_msg(association.accepted_contexts[0].context_id, 16_000))
    for piece in pieces[:-1]:
        association.dul.send_pdu(piece)
    until = time.monotonic() + 10
    while not leftovers(node) and time.monotonic() < until:
        time.sleep(0.02)
    assert leftovers(node)
    association.abort()
    while leftovers(node) and time.monotonic() < until:
        time.sleep(0.05)
    assert leftovers(node) == []
