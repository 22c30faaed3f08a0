"""`myoseg pacs` as it is typed, against Orthanc."""

import io
import json
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit

import pydicom
import pytest


def files_of(folder):
    return sorted(folder.rglob("*.dcm"))


@pytest.fixture(params=["dicomweb", "classic"])
def address(request, orthanc):
    classic = f"dicom://ORTHANC@127.0.0.1:{orthanc.dicom_port}"
    return orthanc.web_url if request.param == "dicomweb" else classic


def test_a_study_goes_in_is_found_and_comes_back(cli, address, study, tmp_path):
    assert "answers" in cli("pacs", "echo", address).out
    sent = cli("pacs", "send", address, study)
    n_files = len(files_of(study))
    assert (sent.code, sent.out) == (0, f"{address} holds {n_files} of {n_files} files.")
    (found,) = json.loads(cli("pacs", "find", address, "--json").out)
    assert found["instances"] == n_files
    out = tmp_path / "in"
    fetched = cli("pacs", "fetch", address, found["study"], "-o", out, "-q")
    assert fetched.code == 0
    assert f"{n_files} instances fetched" in fetched.out
    assert str(out) in fetched.out
    again = cli("pacs", "fetch", address, found["study"], "-o", out, "-q")
    assert f"0 instances fetched (0.0 MiB), {n_files} were there already" in again.out
    assert len(files_of(out)) == n_files


def test_a_fetch_that_is_killed_goes_on_where_it_was(cli, address, orthanc, study, tmp_path):
    orthanc.store(*files_of(study))
    uid = str(pydicom.dcmread(files_of(study)[0]).StudyInstanceUID)
    out = tmp_path / "in"
    killed = subprocess.Popen(
        [sys.executable, "-m", "myoseg", "pacs", "fetch", address, uid, "-o", out]
    )
    while killed.poll() is None and len(list(out.glob("[!.]*"))) < 3:
        time.sleep(0.002)
    killed.kill()
    killed.wait()
    there = {path: path.read_bytes() for path in out.glob("[!.]*")}
    assert len(there) >= 3
    done = cli("pacs", "fetch", address, uid, "-o", out, "-q")
    n_files = len(files_of(study))
    assert f"{n_files - len(there)} instances fetched" in done.out
    assert f"{len(there)} were there already" in done.out
    assert all(path.read_bytes() == content for path, content in there.items())
    uids = [pydicom.dcmread(path).SOPInstanceUID for path in out.glob("[!.]*")]
    assert sorted(uids) == orthanc.instances()


def test_whose_a_study_is_shows_only_where_it_is_asked_for(cli, address, orthanc, study):
    orthanc.store(*files_of(study))
    secrets = ("Simulated", "SIM00000")
    for arguments in ((), ("--json",), ("--patient-id", "SIM*")):
        done = cli("pacs", "find", address, *arguments)
        assert done.code == 0
        assert "20000101" in done.out
        assert not any(secret in done.out + done.err for secret in secrets)
    shown = cli("pacs", "find", address, "--show-identity").out
    assert all(secret in shown for secret in secrets)


def test_series_are_listed_by_number(cli, address, orthanc, study):
    orthanc.store(*files_of(study))
    uid = str(pydicom.dcmread(files_of(study)[0]).StudyInstanceUID)
    rows = json.loads(cli("pacs", "find", address, "--study-uid", uid, "--series", "--json").out)
    assert [row["number"] for row in rows] == sorted(row["number"] for row in rows)
    assert {row["modality"] for row in rows} == {"MR"}
    assert cli("pacs", "find", address, "--series").code == 2


def test_what_is_not_found_is_said(cli, address, tmp_path):
    nothing = cli("pacs", "find", address, "--date", "2026-01-31")
    assert (nothing.code, nothing.out) == (0, "No studies found.")
    missing = cli("pacs", "fetch", address, "1.2.3", "-o", tmp_path / "in", "-q")
    assert missing.code == 1
    assert "no such study" in missing.err


def test_refused_files_are_named_and_told_by_the_exit_code(cli, address, study, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("none")
    alone = cli("pacs", "send", address, text)
    assert alone.code == 1
    assert f"{text}: not sent: it is no DICOM file" in alone.err
    some = cli("pacs", "send", address, text, files_of(study)[0])
    assert some.code == 3
    assert "1 of 2 files" in some.out
    empty = tmp_path / "empty"
    empty.mkdir()
    assert cli("pacs", "send", address, empty).code == 1
    assert cli("pacs", "send", address, tmp_path / "none").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("echo", "pacs.example"), "does not say what is spoken"),
        (("echo", "https://127.0.0.1:1/", "--tries", "1"), "cannot be reached"),
        (("find", "https://pacs/", "--study-uid", "../x"), "identifier"),
        (("find", "https://pacs/", "--date", "yesterday"), "no date"),
        (("echo", "https://pacs/", "--credentials", "none.txt"), "cannot be read"),
        (("echo", "https://pacs/", "--ae-title", "A" * 17), "no AE title"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(cli, arguments, said):
    done = cli("pacs", *arguments)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err


def test_credentials_of_the_environment_are_used(cli, web_peer, monkeypatch):
    monkeypatch.setenv("MYOSEG_PACS_TOKEN", "abc")
    peer = web_peer(lambda method, path: (200, {"Content-Type": "application/json"}, b"[]"))
    assert cli("pacs", "echo", str(peer.address)).code == 0
    assert peer.asked[0][2]["Authorization"] == "Bearer abc"


EMPTY = (200, {"Content-Type": "application/dicom+json"}, b"[]")


def asked_for(peer):
    (path,) = {path for _, path, _ in peer.asked}
    return parse_qs(urlsplit(path).query)


@pytest.mark.parametrize(
    ("option", "attribute"), [("--patient-id", "PatientID"), ("--accession", "AccessionNumber")]
)
def test_numbers_can_be_given_where_no_list_of_processes_shows_them(
    cli, web_peer, monkeypatch, option, attribute
):
    peer = web_peer(lambda method, path: EMPTY)
    monkeypatch.setattr(sys, "stdin", io.StringIO("4711-0815\nand more\n"))
    assert cli("pacs", "find", str(peer.address), option, "-").code == 0
    assert asked_for(peer)[attribute] == ["4711-0815"]
    peer.asked.clear()
    variable = f"MYOSEG_PACS_{option[2:].upper().replace('-', '_')}"
    monkeypatch.setenv(variable, "0815*")
    done = cli("pacs", "find", str(peer.address))
    assert (done.code, "0815" in done.out + done.err) == (0, False)
    assert asked_for(peer)[attribute] == ["0815*"]
    peer.asked.clear()
    assert cli("pacs", "find", str(peer.address), option, "12").code == 0
    assert asked_for(peer)[attribute] == ["12"], "what is typed goes first"


@pytest.mark.parametrize("content", ["", "\n4711\n", "  \n", "1" * 300])
def test_a_number_that_is_not_on_standard_input_is_missed(cli, web_peer, monkeypatch, content):
    peer = web_peer(lambda method, path: EMPTY)
    monkeypatch.setattr(sys, "stdin", io.StringIO(content))
    done = cli("pacs", "find", str(peer.address), "--patient-id", "-")
    assert (done.code, "standard input holds no number" in done.err) == (2, True)
    assert peer.asked == []


def test_only_one_number_is_read_from_standard_input(cli, web_peer, monkeypatch):
    peer = web_peer(lambda method, path: EMPTY)
    monkeypatch.setattr(sys, "stdin", io.StringIO("4711\n0815\n"))
    done = cli("pacs", "find", str(peer.address), "--patient-id", "-", "--accession", "-")
    assert (done.code, "only one of" in done.err) == (2, True)
    assert peer.asked == []


def test_without_the_packages_the_command_says_what_to_install(cli, monkeypatch):
    from myoseg.serving.pacs import extra

    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    done = cli("pacs", "echo", "https://pacs.example/")
    assert done.code == 1
    assert "pip install 'myoseg[pacs]'" in done.err


def test_a_study_is_fetched_segmented_and_its_results_are_stored(
    cli, orthanc, study, shipped_default, tmp_path
):
    web, classic = orthanc.web_url, f"dicom://ORTHANC@127.0.0.1:{orthanc.dicom_port}"
    orthanc.store(*files_of(study))
    original = pydicom.dcmread(files_of(study)[0])
    folder, out = tmp_path / "in" / "case", tmp_path / "out"
    assert cli("pacs", "fetch", web, original.StudyInstanceUID, "-o", folder, "-q").code == 0
    done = cli("predict", "-i", folder.parent, "-o", out, "--dicom", "-q")
    assert done.code == 0, done.err
    sent = cli("pacs", "send", classic, out)
    assert (sent.code, sent.out) == (0, f"{classic} holds 2 of 2 files.")
    results = [orthanc.read(uid) for uid in orthanc.instances()]
    by_kind = {each.Modality: each for each in results if each.Modality != "MR"}
    assert by_kind.keys() == {"SEG", "SR"}
    for each in by_kind.values():
        assert each.StudyInstanceUID == original.StudyInstanceUID
        assert (each.PatientID, each.PatientName) == (original.PatientID, original.PatientName)
    assert len(orthanc.call("GET", "/studies")) == 1
