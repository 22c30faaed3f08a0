"""`myoseg node` with the default model, and an Orthanc that sends a study and gets its results."""

import json
import signal
import subprocess
import sys
import time

import pydicom
import pytest

pytest.importorskip("pynetdicom")


def myoseg(*arguments):
    command = [sys.executable, "-m", "myoseg", "node", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture
def node(tmp_path, orthanc):
    command = [sys.executable, "-m", "myoseg", "node", "--folder", tmp_path / "state"]
    command += ["--port", orthanc.receive_port, "--accept", "ORTHANC", "--threads", "1"]
    command += ["--return-to", f"dicom://ORTHANC@127.0.0.1:{orthanc.dicom_port}"]
    command += ["--settle-seconds", "1", "--min-free-gb", "0"]
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    assert line.startswith("MYOSEG listens at 127.0.0.1:"), process.stderr.read()
    yield process
    process.kill()
    process.wait()


def wait_for(folder, state, within_s=500.0):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        (study,) = json.loads(myoseg("status", "--folder", folder, "--json"))
        if study["state"] in (state, "failed"):
            assert study["state"] == state, study["reason"]
            return study
        time.sleep(2.0)
    raise AssertionError(study)


def results_of(orthanc, images):
    """What the archive holds beside the images."""
    return [orthanc.read(uid) for uid in orthanc.instances() if uid not in images]


def test_a_study_comes_back_as_one_segmentation_and_one_report(tmp_path, orthanc, node, study):
    folder = tmp_path / "state"
    files = sorted(study.rglob("*.dcm"))
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in files]
    images = {str(header.SOPInstanceUID) for header in headers}
    orthanc.store(*files)
    orthanc.send_to("MYOSEG", str(headers[0].StudyInstanceUID))
    record = wait_for(folder, "returned")
    assert record["n_images"] == len(files)

    found = results_of(orthanc, images)
    assert sorted(result.Modality for result in found) == ["SEG", "SR"]
    assert {result.StudyInstanceUID for result in found} == {headers[0].StudyInstanceUID}
    assert {result.PatientID for result in found} == {headers[0].PatientID}
    (segmentation,) = (result for result in found if result.Modality == "SEG")
    sources = {item.ReferencedSOPInstanceUID for item in segmentation.SourceImageSequence}
    assert sources <= images

    assert myoseg("retry", "--folder", folder, "1").startswith("To be tried again: 1.")
    wait_for(folder, "returned")
    again = results_of(orthanc, images)
    assert {each.SOPInstanceUID for each in again} == {each.SOPInstanceUID for each in found}

    node.send_signal(signal.SIGTERM)
    out, err = node.communicate(timeout=60)
    assert node.returncode == 0
    told = out + err + myoseg("status", "--folder", folder)
    assert "study 1: returned" in told
    identity = (str(headers[0].PatientName), headers[0].PatientID, headers[0].StudyInstanceUID)
    assert not any(str(word) in told for word in identity)
    assert not any(str(headers[0].StudyInstanceUID) in str(path) for path in folder.rglob("*"))
