"""What is written of a study in DICOM, unless it is DICOM itself, tells nothing of the patient."""

import gzip
import logging
import warnings
import zlib
from dataclasses import replace

import nibabel as nib
import pydicom
import pytest
from typer.testing import CliRunner

from myoseg.cases.dicom.write_study import write_dicom_study
from myoseg.cases.phantom import SMALL, clinical, simulate_study
from myoseg.cli import app

QUICK = replace(clinical(SMALL), n_sub_slices=1, supersampling=1, mixed_orientation_probability=0.0)
SECRETS = {
    "PatientName": "Zyxwvut^Qponmlk",
    "PatientID": "HOSP47110815",
    "PatientBirthDate": "19311224",
    "AccessionNumber": "ACC998877",
    "InstitutionName": "Zyxwvut Hospital",
    "ReferringPhysicianName": "Utsrqpo^Nmlkjih",
    "StudyDescription": "Qponmlk study",
    "SeriesDate": "19570413",
    "StudyDate": "19570413",
    "AcquisitionDate": "19570413",
    "ContentDate": "19570413",
    "SeriesTime": "142753.193827",
    "AcquisitionTime": "142753.193827",
    "StationName": "ZYXSTATION",
    "ImageComments": "Qponmlk comment",
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder named after a patient who does not exist, and all that names this patient."""
    folder = tmp_path_factory.mktemp("hospital") / "ZYXWVUT_QPONMLK_19311224"
    write_dicom_study(simulate_study(4, QUICK), folder.parent / "made", seed=4, config=QUICK)
    (folder.parent / "made" / "dicom").rename(folder)
    uids = set()
    for path in folder.rglob("*.dcm"):
        image = pydicom.dcmread(path)
        for keyword, value in SECRETS.items():
            setattr(image, keyword, value)
        with pydicom.config.disable_value_validation():
            image.PatientAge = "Zyxwvut"
            image.StationName = "ZYXSTATION of Zyxwvut"
            image.save_as(path)
        uids |= {str(image.StudyInstanceUID), str(image.SeriesInstanceUID)}
        uids |= {str(image.SOPInstanceUID), str(image.FrameOfReferenceUID)}
    words = {"zyxwvut", "qponmlk", "utsrqpo", "nmlkjih", "zyxstation", "hospital"}
    return folder, {*(each.lower() for each in SECRETS.values()), *words, *uids}


@pytest.fixture(scope="module")
def results(planted, tmp_path_factory):
    """All that one run writes, reports and probabilities included, and what it says."""
    out, spoken = tmp_path_factory.mktemp("out"), []

    class Listener(logging.Handler):
        def emit(self, record):
            spoken.append(self.format(record))

    listener = Listener(logging.INFO)
    logging.getLogger().addHandler(listener)
    try:
        command = ["predict", "-i", str(planted[0]), "-o", str(out), "--report", "--save-probs"]
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            result = CliRunner().invoke(app, [*command, "-d", "cpu"], catch_exceptions=False)
        spoken += [str(each.message) for each in warned]
    finally:
        logging.getLogger().removeHandler(listener)
    assert result.exit_code == 0, result.output
    return out, result.output, spoken


def contents(path):
    """The bytes of a file, and those within it where it is compressed."""
    stored = path.read_bytes()
    if path.suffix == ".gz":
        return stored + gzip.decompress(stored)
    if path.suffix == ".png":
        return stored + b"".join(inflated(stored))
    return stored


def inflated(png):
    """The text chunks of a PNG that are compressed, whatever they say."""
    for kind in (b"zTXt", b"iTXt"):
        for part in png.split(kind)[1:]:
            for start in range(min(len(part), 200)):
                try:
                    yield zlib.decompressobj().decompress(part[start:])
                    break
                except zlib.error:
                    continue


def test_the_planted_names_are_in_what_goes_in(planted):
    folder, secrets = planted
    everything = b"".join(each.read_bytes() for each in folder.rglob("*.dcm")).lower()
    stated = [each for each in secrets if each.encode() in everything]
    assert len(stated) == len(secrets)


def test_no_file_that_is_written_holds_name_date_or_identifier(planted, results):
    out, secrets = results[0], planted[1]
    files = [each for each in out.rglob("*") if each.is_file()]
    assert {"run.json"} < {each.name for each in files}
    assert any(each.name.endswith("_report.html") for each in files)
    assert any(each.name.endswith("_seg.nii.gz") for each in files)
    for path in files:
        content = (str(path.relative_to(out)).encode() + contents(path)).lower()
        assert not [each for each in secrets if each.encode() in content], path.name


def test_no_message_holds_name_date_or_identifier(planted, results):
    _, printed, spoken = results
    said = "\n".join([printed, *spoken]).lower()
    assert not [each for each in planted[1] if each in said]


def test_headers_of_nifti_files_hold_no_text(results):
    for path in results[0].rglob("*.nii.gz"):
        header = nib.load(path).header
        for field in ("descrip", "aux_file", "db_name", "intent_name"):
            assert bytes(header[field].tobytes()).strip(b"\0") == b"", field
        assert not header.extensions
