"""`myoseg threshold` on studies in DICOM, as `myoseg data phantom --dicom` writes them."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from myoseg.cli import app


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "300"})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a simulated study: its images in DICOM, and the truth as NIfTI."""
    out = tmp_path_factory.mktemp("phantom") / "studies"
    asked = ("--dicom", "--small", "--n-training", 1, "--n-test", 0, "--seed", 3)
    done = run("data", "phantom", "-o", out, *asked)
    assert done.exit_code == 0, done.output
    (folder,) = out.iterdir()
    return folder


@pytest.fixture
def contours(study, tmp_path):
    """contours(sequence) is a folder of true labels on its grid, named as the case, `dicom`."""

    def copied(sequence):
        (labels,) = (study / "truth").glob(f"*_{sequence}_gd.nii.gz")
        folder = tmp_path / f"contours_{sequence}"
        folder.mkdir()
        shutil.copy(labels, folder / "dicom_gd.nii.gz")
        return folder

    return copied


def threshold(study, out, method, contours, *more):
    asked = ("--method", method, "--contours", contours, "-q", *more)
    return run("threshold", "-i", study / "dicom", "-o", out, *asked)


@pytest.mark.parametrize(("method", "sequence"), [("5sd", "lge"), ("t2_2sd", "t2")])
def test_a_study_is_thresholded_in_the_pixels_of_its_sequence(
    study, contours, tmp_path, method, sequence
):
    """The result is what the same images give as NIfTI, on the grid of the sequence that is cut."""
    drawn = contours(sequence)
    done = threshold(study, tmp_path / "out", method, drawn, "--align", "geometry")
    assert done.exit_code == 0, done.output
    (found,) = (tmp_path / "out").glob("*_seg.nii.gz")
    (image,) = (study / "truth").glob(f"*_{sequence}.nii.gz")
    assert nib.load(found).shape == nib.load(image).shape
    np.testing.assert_allclose(nib.load(found).affine, nib.load(image).affine, atol=1e-3)
    plain = tmp_path / "plain"
    plain.mkdir()
    suffix = {"lge": "LGE", "t2": "T2"}[sequence]
    shutil.copy(image, plain / f"dicom_{suffix}.nii.gz")
    asked = ("--method", method, "--contours", drawn, "-q")
    assert run("threshold", "-i", plain, "-o", tmp_path / "other", *asked).exit_code == 0
    (expected,) = (tmp_path / "other").glob("*_seg.nii.gz")
    np.testing.assert_array_equal(nib.load(found).dataobj, nib.load(expected).dataobj)
    assert np.asarray(nib.load(found).dataobj).any()


def test_a_named_series_is_used_and_stands_in_the_record(study, contours, tmp_path):
    series = json.loads(next((study / "truth").glob("*_series.json")).read_text())["series"]
    (number,) = [each["folder"][1:].lstrip("0") for each in series if each["role"] == "lge"]
    done = threshold(study, tmp_path / "out", "5sd", contours("lge"), "--lge", number)
    assert done.exit_code == 0, done.output
    arguments = json.loads((tmp_path / "out" / "run.json").read_text())["arguments"]
    assert (arguments["series"], arguments["phase"]) == ({"lge": number}, None)


def test_contours_that_are_missing_are_asked_for(study, tmp_path):
    done = run("threshold", "-i", study / "dicom", "-o", tmp_path / "out", "--method", "5sd", "-q")
    assert done.exit_code == 1
    assert "give a folder of label files named as the cases" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_empty_contours_give_an_empty_result(study, contours, tmp_path):
    drawn = contours("lge")
    (path,) = drawn.iterdir()
    image = nib.load(path)
    nib.Nifti1Image(np.zeros(image.shape, np.int16), image.affine).to_filename(path)
    done = threshold(study, tmp_path / "out", "5sd", drawn)
    assert done.exit_code == 0, done.output
    (found,) = (tmp_path / "out").glob("*_seg.nii.gz")
    assert not np.asarray(nib.load(found).dataobj).any()


@pytest.mark.parametrize("option", [("--lge", "8"), ("--phase", "2")])
def test_series_are_named_of_studies_in_dicom_alone(study, tmp_path, option):
    asked = ("--method", "5sd", *option)
    done = run("threshold", "-i", study / "truth", "-o", tmp_path / "out", *asked)
    assert done.exit_code == 2
    assert "the folder holds none" in done.output
