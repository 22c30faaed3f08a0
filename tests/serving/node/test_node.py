"""A node as a whole: studies that do harm, archives that do not answer, and what is said of it."""

import threading
import time
from dataclasses import replace

import pytest

from myoseg.errors import ConfigurationError
from myoseg.serving.node import node as node_module
from myoseg.serving.node.receiver import Listening
from myoseg.serving.node.status import status_table
from myoseg.serving.node.study import Patience

pytest.importorskip("pynetdicom")

QUICK = Patience(settle_s=0.3, broken_s=2.0, first_wait_s=0.2, longest_wait_s=0.5)
IDENTITY = ("Meier", "P0815", "1.2.3", "lge_sax")


def test_a_study_that_kills_its_process_fails_and_the_others_go_on(
    run, archive, image, send_images
):
    node = run()
    send_images(node.port, image(study="1.2.31", ImageComments="die"))
    send_images(node.port, image(study="1.2.32"))
    first, _ = node.wait_for("failed", "returned", within_s=90.0)
    assert first.reason == "the process that segments it died; tried 2 times"
    assert [study for _, study, _ in archive.sent] == ["1.2.32"]


def test_a_study_that_hangs_fails_and_the_others_go_on(run, image, send_images):
    node = run()
    send_images(node.port, image(study="1.2.31", ImageComments="hang"))
    send_images(node.port, image(study="1.2.32"))
    first, _ = node.wait_for("failed", "returned", within_s=120.0)
    assert first.reason == "segmenting it took more than 3 s; tried 2 times"


def test_why_a_study_failed_is_told_without_a_word_of_its_headers(run, image, send_images, caplog):
    node = run()
    send_images(node.port, image(ImageComments="refuse"))
    (study,) = node.wait_for("failed")
    assert study.reason == "series ... of ... is no stack; send another."
    assert study.attempts == 1
    assert not any(word in caplog.text for word in IDENTITY)


def test_results_wait_for_an_archive_that_does_not_answer(run, archive, image, send_images):
    archive.fault = "PACS does not answer"
    node = run()
    send_images(node.port, image())
    (study,) = node.wait_for("results ready")
    until_told = [study.reason]
    while not until_told[-1]:
        until_told.append(node.studies()[0].reason)
    assert until_told[-1] == "PACS does not answer"
    archive.fault = ""
    node.wait_for("returned")
    assert len(archive.sent) == 1


def test_an_archive_that_is_slow_delays_none_of_the_others(run, archive, image, send_images):
    """A takes no end until it is let go; meanwhile B has the results of both studies."""
    slow, other = "dicom://A@127.0.0.1:1", "dicom://B@127.0.0.1:2"
    go_on = threading.Event()

    def send(destination, files):
        if destination == slow:
            go_on.wait(60)
        return archive(destination, files)

    try:
        node = run(archive=send, destinations=(slow, other))
        send_images(node.port, image(study="1.2.31"))
        send_images(node.port, image(study="1.2.32"))
        node.wait_for("results ready", "results ready", within_s=60.0)
        until = time.monotonic() + 60
        while len(archive.sent) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert sorted(each[:2] for each in archive.sent) == [(other, "1.2.31"), (other, "1.2.32")]
    finally:
        go_on.set()
    node.wait_for("returned", "returned", within_s=60.0)
    assert len(archive.sent) == len({each[:2] for each in archive.sent}) == 4


def test_a_sender_that_fails_unexpectedly_holds_up_nothing_and_counts(
    run, archive, image, send_images
):
    faulty = []

    def send(destination, files):
        if not faulty or files == faulty[0]:
            faulty.append(files)
            raise ValueError("Meier^Anna")
        return archive(destination, files)

    node = run(archive=send, patience=replace(QUICK, most_sendings=2))
    send_images(node.port, image(study="1.2.31"))
    (first,) = node.wait_for("failed")
    assert first.reason == "not returned: sending failed unexpectedly (ValueError); tried 2 times"
    send_images(node.port, image(study="1.2.32"))
    node.wait_for("failed", "returned")


def test_a_stopped_node_goes_on_where_it_was(run, archive, image, send_images):
    archive.fault = "PACS does not answer"
    node = run()
    send_images(node.port, image())
    node.wait_for("results ready")
    node.end()
    archive.fault = ""
    node = run()
    node.wait_for("returned")
    assert len(archive.sent) == 1


def test_a_second_node_in_the_same_folder_is_refused(run):
    run()
    with pytest.raises(ConfigurationError, match="another node runs in"):
        run()


def test_a_port_that_is_taken_is_refused(run, free_port):
    import socket

    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(ConfigurationError, match="give another --port"):
            run(listening=Listening(port=port))


def test_the_table_names_no_one(run, image, send_images):
    node = run()
    send_images(node.port, image())
    table = status_table(node.wait_for("returned"))
    assert not any(word in table for word in IDENTITY)
    header, line, counts = table.splitlines()
    assert header.split()[:4] == ["study", "state", "version", "images"]
    assert line.split()[:4] == ["1", "returned", "1", "1"]
    assert counts == "1 studies: 1 returned"


def test_the_table_of_a_node_that_received_nothing_says_so():
    assert status_table(()).splitlines()[-1] == "0 studies"


def test_a_study_is_forgotten_some_time_after_it_was_returned(
    run, archive, image, send_images, monkeypatch
):
    monkeypatch.setattr(node_module, "FORGET_EVERY_S", 0.2)
    node = run(keep_days=0.0, record_days=0.0)
    send_images(node.port, image(study="1.2.31", ImageComments="refuse"), image(study="1.2.32"))
    (left,) = node.wait_for("failed", within_s=60.0)
    assert [study for _, study, _ in archive.sent] == ["1.2.32"]
    assert left.number == 1
    assert [path.name for path in (node.folder / "images").iterdir()] == ["000001"]
