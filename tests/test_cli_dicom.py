"""`myoseg data inspect` and `myoseg predict` on folders in DICOM."""

import json

import nibabel as nib
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from typer.testing import CliRunner

from myoseg.cli import app
from myoseg.errors import InputError

AXES = (0.70710678, 0.70710678, 0.0, -0.40824829, 0.40824829, -0.81649658)
NORMAL = np.cross(AXES[:3], AXES[3:])


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "300"})


def save_lge(folder, number=8, study="1.2.3.4", n_slices=3):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for k in range(n_slices):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, f"{study}.{number}"
        ds.PatientName, ds.PatientID, ds.Modality = "Meier^Anna", "P0815", "MR"
        ds.SeriesNumber, ds.SeriesDescription = number, "lge_sax"
        ds.ScanningSequence, ds.InversionTime, ds.EchoTime = ["GR", "IR"], "280", "3.3"
        ds.ImagePositionPatient = [f"{mm:.5f}" for mm in NORMAL * 10 * k]
        ds.ImageOrientationPatient = list(AXES)
        ds.PixelSpacing, ds.SliceThickness = ["3", "3"], "8"
        ds.Rows, ds.Columns, ds.SamplesPerPixel = 40, 44, 1
        ds.PhotometricInterpretation, ds.PixelRepresentation = "MONOCHROME2", 0
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
        ds.PixelData = rng.integers(0, 900, (40, 44), dtype=np.uint16).tobytes()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.save_as(folder / f"{number}_{k}", enforce_file_format=True)


def test_inspect_prints_what_would_be_used_and_why(tmp_path):
    save_lge(tmp_path / "in")
    done = run("data", "inspect", tmp_path / "in", "-q")
    assert done.exit_code == 0
    assert "series 8 lge_sax: 3 slices" in done.output
    assert "used as lge" in done.output
    record = json.loads(run("data", "inspect", tmp_path / "in", "--t2", "8", "-q", "--json").output)
    assert record["studies"]["in"]["series"][0]["used_as"] == "t2"


def test_inspect_refuses_a_folder_without_an_image(tmp_path):
    done = run("data", "inspect", tmp_path, "-q")
    assert isinstance(done.exception, InputError)


def test_studies_are_segmented_on_their_own_grid_under_names_that_tell_nothing(
    tmp_path, shipped_default
):
    save_lge(tmp_path / "in" / "Anna Meier", study="1.2.3.4")
    save_lge(tmp_path / "in" / "second", study="1.2.3.5", n_slices=4)
    done = run("predict", "-i", tmp_path / "in", "-o", tmp_path / "out", "-q")
    assert done.exit_code == 0, done.output
    labels = nib.load(tmp_path / "out" / "study_001_seg.nii.gz")
    assert labels.shape == (44, 40, 3)
    # The middle of the first pixel is at the origin; slices follow the normal, LPS turned into RAS.
    assert np.allclose(labels.affine[:3, 3], 0, atol=1e-4)
    assert np.allclose(labels.affine[:3, 2], NORMAL * 10 * [-1, -1, 1], atol=1e-3)
    assert nib.load(tmp_path / "out" / "second_seg.nii.gz").shape == (44, 40, 4)
    for path in (tmp_path / "out").rglob("*.json"):
        words = path.read_text(encoding="utf-8")
        assert not any(secret in words for secret in ("Meier", "P0815", "1.2.3.4", "1.2.3.5"))


def test_a_named_series_stands_in_the_record_without_its_identifier(tmp_path, shipped_default):
    save_lge(tmp_path / "in")
    save_lge(tmp_path / "in", number=9)
    called = ("--lge", "1.2.3.4.8")
    done = run("predict", "-i", tmp_path / "in", "-o", tmp_path / "out", "-q", *called)
    assert done.exit_code == 0, done.output
    series = json.loads((tmp_path / "out" / "run.json").read_text())["arguments"]["series"]
    assert set(series) == {"lge"}
    assert "1.2.3.4.8" not in series["lge"]


@pytest.mark.parametrize("option", [("--lge", "8"), ("--phase", "2")])
def test_series_and_phases_go_with_dicom_alone(tmp_path, phantom_data, option):
    done = run("predict", "-i", phantom_data, "-o", tmp_path / "out", *option)
    assert done.exit_code == 2
    assert "holds none" in done.output.replace("\n", " ")
