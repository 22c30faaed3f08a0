"""`myoseg node` as typed: what is refused before anything is listened to, status and retry."""

import json
import sqlite3

import pytest

pytest.importorskip("pynetdicom")

from myoseg.serving.node.queue import Queue
from myoseg.serving.node.state_folder import StateFolder

PACS = "dicom://PACS@127.0.0.1:4242"


@pytest.fixture
def failed_study(tmp_path):
    """The folder of a node of which the one study has failed."""
    queue = Queue(StateFolder(tmp_path / "state"))
    path = queue.folder.incoming / "a.part"
    path.write_bytes(b"image")
    number = queue.inbox.add_image("1.2.3", "1.2.3.4", path, "0" * 64)
    queue.inbox.release({number}, since=0.0, gap="the sender's connection broke")
    queue._record._clock = lambda: 4e9
    queue.inbox.settle()
    queue.close()
    return tmp_path / "state"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give --folder FOLDER and --return-to ADDRESS"),
        (("--folder", "x"), "give --folder FOLDER and --return-to ADDRESS"),
        (("--folder", "x", "--return-to", PACS, "--align", "up"), "there is no alignment 'up'"),
        (("status",), "--folder"),
        (("retry", "--folder", "x"), "give either numbers of studies or --failed"),
        (("retry", "--folder", "x", "1", "--failed"), "give either numbers of studies or --failed"),
    ],
)
def test_wrong_usage_is_told(command, arguments, told):
    code, err = command("node", *arguments)
    assert code == 2
    assert told in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--return-to", PACS, "--host", "0.0.0.0"), "name those that may with --accept"),
        (("--return-to", "ftp://here"), "begins with ftp://"),
        (("--return-to", PACS, "--tls-key", "k.pem"), "--tls-cert"),
        (("--return-to", PACS, "--ae-title", "a title of too many letters"), "is no AE title"),
        (("--return-to", PACS, "-m", "no such model"), "there is no model"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(command, tmp_path, arguments, told):
    code, err = command("node", "--folder", tmp_path / "state", *arguments)
    assert code == 1
    assert told in err


def test_status_lists_studies_by_number(cli, failed_study):
    done = cli("node", "status", "--folder", failed_study)
    assert done.code == 0
    assert "1 failed 1 1" in done.out
    assert "the sender's connection broke; send the study again" in done.out
    record = json.loads(cli("node", "status", "--folder", failed_study, "--json").out)
    assert [(study["number"], study["state"]) for study in record] == [(1, "failed")]
    assert "1.2.3" not in done.out


def test_retry_takes_failed_studies_up(cli, failed_study):
    done = cli("node", "retry", "--folder", failed_study, "--failed")
    assert (done.code, "To be tried again: 1." in done.out) == (0, True)
    assert "ready" in cli("node", "status", "--folder", failed_study).out
    done = cli("node", "retry", "--folder", failed_study, "1")
    assert (done.code, "study 1 is under way" in done.err) == (1, True)
    assert "none" in cli("node", "retry", "--folder", failed_study, "--failed").out


def test_status_of_a_folder_without_a_node_is_refused(command, tmp_path):
    code, err = command("node", "status", "--folder", tmp_path)
    assert (code, "is no node's folder" in err) == (1, True)


def impatient(monkeypatch):
    """Waits for no lock, in this process."""
    from myoseg.serving.node import database

    monkeypatch.setattr(database, "PATIENCE_S", 0.1)


@pytest.mark.parametrize("asked", [("status",), ("retry", "--failed"), ("retry", "1")])
def test_a_database_that_another_program_holds_is_told(command, failed_study, monkeypatch, asked):
    impatient(monkeypatch)
    held = sqlite3.connect(failed_study / "studies.sqlite", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    code, err = command("node", asked[0], "--folder", failed_study, *asked[1:])
    held.close()
    assert code == 1
    assert f"{failed_study / 'studies.sqlite'} is locked by another program" in err
    assert "end what holds it" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("asked", [("status",), ("retry", "--failed")])
@pytest.mark.parametrize("at", [0, 4096 + 8, 8192 + 8])
def test_a_database_that_is_damaged_is_told(command, failed_study, asked, at):
    """Its first page, and the first bytes of pages of tables."""
    path = failed_study / "studies.sqlite"
    content = bytearray(path.read_bytes())
    content[at - at % 4096 : at - at % 4096 + 100] = b"\xff" * 100
    path.write_bytes(content)
    code, err = command("node", asked[0], "--folder", failed_study, *asked[1:])
    assert code == 1
    assert f"{path} is damaged" in err
    assert "restore it from a copy" in err
    assert "Traceback" not in err


def test_a_state_that_no_version_knows_is_told_as_damage(command, failed_study):
    with sqlite3.connect(failed_study / "studies.sqlite") as odd:
        odd.execute("UPDATE studies SET state = 'lost'")
    code, err = command("node", "status", "--folder", failed_study)
    assert (code, "is damaged (study 1 is in no known state)" in err) == (1, True)
