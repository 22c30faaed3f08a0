"""Results in DICOM that are written for sharing tell nothing of the patient, and stay together."""

import shutil
from dataclasses import replace

import pydicom
import pytest

from myoseg.cases.dicom.write_study import write_dicom_study
from myoseg.cases.phantom import SMALL, clinical, simulate_study

QUICK = replace(
    clinical(SMALL), n_sub_slices=1, supersampling=1, infarct_probability=1.0, psir_probability=0.0
)
SECRETS = {
    "PatientName": "Zyxwvut^Qponmlk",
    "PatientID": "HOSP47110815",
    "IssuerOfPatientID": "Zyxwvut Hospital",
    "OtherPatientIDs": "OTHER0815",
    "PatientBirthDate": "19311224",
    "PatientAddress": "Zyxwvut Street",
    "AccessionNumber": "ACC998877",
    "InstitutionName": "Zyxwvut Hospital",
    "ReferringPhysicianName": "Utsrqpo^Nmlkjih",
    "OperatorsName": "Utsrqpo^Nmlkjih",
    "StudyDescription": "Qponmlk study",
    "StudyID": "Zyxstudy",
    "StudyDate": "19570413",
    "SeriesDate": "19570413",
    "StudyTime": "142753.193827",
    "StationName": "ZYXSTATION",
    "DeviceSerialNumber": "ZYXSERIAL",
    "ImageComments": "Qponmlk comment",
    "RequestingPhysician": "Utsrqpo^Nmlkjih",
    "PositionReferenceIndicator": "Zyxwvut",
}
WORDS = ("zyxwvut", "qponmlk", "utsrqpo", "nmlkjih", "zyxst", "zyxserial", "hosp4711")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The LGE of a patient who does not exist, its truth, a key, and all that names the patient."""
    folder = tmp_path_factory.mktemp("study")
    write_dicom_study(simulate_study(3, QUICK), folder / "made", seed=3, config=QUICK)
    (lge,) = (each for each in (folder / "made" / "dicom").iterdir() if "0300" in each.name)
    shutil.copytree(lge, folder / "ZYXWVUT_QPONMLK")
    secrets = {*(each.lower() for each in SECRETS.values()), *WORDS}
    for path in (folder / "ZYXWVUT_QPONMLK").iterdir():
        image = pydicom.dcmread(path)
        for keyword, value in SECRETS.items():
            setattr(image, keyword, value)
        image.save_as(path)
        secrets |= {str(image.StudyInstanceUID), str(image.SeriesInstanceUID)}
        secrets |= {str(image.SOPInstanceUID), str(image.FrameOfReferenceUID)}
    (folder / "key").write_bytes(b"a key of more than sixteen bytes")
    return folder / "ZYXWVUT_QPONMLK", folder / "made" / "truth", folder / "key", secrets


def require_no_identity(out, secrets):
    paths = sorted(each for each in out.rglob("*.dcm"))
    assert paths
    for path in paths:
        content = (str(path.relative_to(out)).encode() + path.read_bytes()).lower()
        assert [each for each in secrets if each.encode() in content] == [], path.name
    return paths


@pytest.mark.parametrize("shift", [(), ("--shift-dates",)])
def test_results_of_predict_hold_no_identity_and_belong_to_their_deidentified_images(
    planted, command, shipped_default, dciodvfy, tmp_path, shift
):
    folder, _, key, secrets = planted
    how = ("--key", key, *shift)
    out, shared = tmp_path / "out", tmp_path / "shared"
    code, err = command(
        "predict", "-i", folder, "-o", out, "--dicom", "--deidentify", *how, "-q", "-d", "cpu"
    )
    assert code == 0, err
    assert [each for each in secrets if each in err.lower()] == []
    written = [pydicom.dcmread(each) for each in require_no_identity(out, secrets)]
    assert [each.Modality for each in written] == ["SEG", "SR"]
    assert command("data", "deidentify", folder, "-o", shared, *how)[0] == 0
    images = [pydicom.dcmread(each) for each in require_no_identity(shared, secrets)]
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate"):
        assert {str(each[name].value) for each in (*written, *images)} == {
            str(images[0][name].value)
        }
    referred = {str(each.ReferencedSOPInstanceUID) for each in written[0].SourceImageSequence}
    assert referred == {str(each.SOPInstanceUID) for each in images}
    for path in out.glob("*.dcm"):
        assert dciodvfy(path)[0] == []
    said = [each.get("TextValue", "") for each in written[1].ContentSequence]
    assert any("from slice to slice" in each or "gap" in each for each in said)


def test_results_with_identity_lose_it_to_the_same_identifiers(
    planted, command, shipped_default, tmp_path
):
    folder, _, key, secrets = planted
    for name, further in (("a", ()), ("b", ("--deidentify", "--key", key))):
        where = ("-i", folder, "-o", tmp_path / name)
        assert command("predict", *where, "--dicom", *further, "-q", "-d", "cpu")[0] == 0
    kept = b"".join(each.read_bytes() for each in (tmp_path / "a").glob("*.dcm")).lower()
    assert b"zyxwvut" in kept
    only = tmp_path / "only"
    only.mkdir()
    for path in (tmp_path / "a").glob("*.dcm"):
        shutil.copy(path, only)
    assert command("data", "deidentify", only, "-o", tmp_path / "c", "--key", key)[0] == 0
    made = [pydicom.dcmread(each) for each in require_no_identity(tmp_path / "c", secrets)]
    same = [pydicom.dcmread(each) for each in require_no_identity(tmp_path / "b", secrets)]
    assert {each.SOPInstanceUID for each in made} == {each.SOPInstanceUID for each in same}


def test_exported_label_maps_hold_no_identity(planted, command, tmp_path):
    folder, truth, key, secrets = planted
    (labels,) = truth.glob("*_lge_gd.nii.gz")
    where = ("--source", folder, "-o", tmp_path / "out", "--drawn", "manual")
    code, err = command(
        "data", "export", labels, "--to", "sr", *where, "--deidentify", "--key", key
    )
    assert code == 0, err
    assert len(require_no_identity(tmp_path / "out", secrets)) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--deidentify", "--key", "k"), "--deidentify goes with --dicom"),
        (("--dicom", "--deidentify"), "--deidentify needs --key"),
        (("--dicom", "--key", "k"), "go with --deidentify"),
        (("--dicom", "--shift-dates"), "go with --deidentify"),
    ],
)
def test_wrong_usage_is_said(planted, command, tmp_path, arguments, said):
    code, err = command("predict", "-i", planted[0], "-o", tmp_path / "out", *arguments)
    assert code == 2
    assert said in err
    assert not (tmp_path / "out").exists()


def test_a_run_does_not_go_on_with_another_key(planted, command, shipped_default, tmp_path):
    folder, _, key, _ = planted
    (tmp_path / "other").write_bytes(b"another key of sixteen bytes")
    start = ("predict", "-i", folder, "-o", tmp_path / "out", "--dicom", "--deidentify", "-q")
    assert command(*start, "--key", key, "-d", "cpu")[0] == 0
    assert key.read_bytes().decode() not in (tmp_path / "out" / "run.json").read_text()
    code, err = command(*start, "--key", tmp_path / "other", "--resume", "-d", "cpu")
    assert code == 1
    assert "deidentified" in err
