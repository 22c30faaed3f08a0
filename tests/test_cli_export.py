"""`myoseg data export`, and `myoseg predict --dicom`, from the command line."""

import shutil
from dataclasses import replace

import pydicom
import pytest

from myoseg.cases.dicom.write_study import write_dicom_study
from myoseg.cases.phantom import SMALL, clinical, simulate_study

QUICK = replace(
    clinical(SMALL), n_sub_slices=1, supersampling=2, infarct_probability=1.0, psir_probability=0.0
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study in DICOM with its truth."""
    folder = tmp_path_factory.mktemp("studies") / "study"
    write_dicom_study(simulate_study(3, QUICK), folder, seed=3, config=QUICK)
    return folder


@pytest.fixture
def labels(study):
    """The LGE's label map."""
    (path,) = (study / "truth").glob("*_lge_gd.nii.gz")
    return path


def identity(study):
    first = next((study / "dicom").rglob("*.dcm"))
    header = pydicom.dcmread(first, stop_before_pixels=True)
    return header.PatientID, header.PatientName, header.StudyInstanceUID


def test_a_label_map_becomes_a_segmentation_and_a_report(command, study, labels, tmp_path):
    where = ("--source", study / "dicom", "-o", tmp_path / "out", "--drawn", "manual")
    code, err = command("data", "export", labels, "--to", "sr", *where)
    assert code == 0, err
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    case = labels.name.removesuffix("_gd.nii.gz")
    assert names == [f"{case}_seg.dcm", f"{case}_sr.dcm"]
    for name, modality in zip(names, ("SEG", "SR"), strict=True):
        written = pydicom.dcmread(tmp_path / "out" / name)
        assert written.Modality == modality
        assert (written.PatientID, written.PatientName, written.StudyInstanceUID) == identity(study)
    for name in names:
        assert identity(study)[0] not in name


def test_seg_alone_and_nrrd(command, study, labels, tmp_path):
    where = ("--source", study / "dicom", "-o", tmp_path / "seg", "--drawn", "manual")
    assert command("data", "export", labels, "--to", "seg", *where)[0] == 0
    assert [path.suffix for path in (tmp_path / "seg").iterdir()] == [".dcm"]
    assert command("data", "export", labels, "--to", "nrrd", "-o", tmp_path / "nrrd")[0] == 0
    (path,) = (tmp_path / "nrrd").iterdir()
    assert path.name.endswith(".seg.nrrd")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "seg"), "--source"),
        (("--to", "nrrd", "--source", "."), "--source"),
        (("--to", "nrrd", "--series", "3"), "--series goes with --source"),
        (("--to", "seg", "--source", "."), "--drawn"),
    ],
)
def test_wrong_usage_is_said(command, labels, tmp_path, arguments, said):
    code, err = command("data", "export", labels, "-o", tmp_path / "out", *arguments)
    assert code == 2
    assert said in err
    assert not (tmp_path / "out").exists()


def test_a_study_that_the_label_map_was_not_drawn_on_is_refused(command, study, tmp_path):
    (other,) = (study / "truth").glob("*_t2_gd.nii.gz")
    lge = next(path for path in (study / "dicom").iterdir() if "0300" in path.name)
    where = ("--source", lge, "-o", tmp_path / "out", "--drawn", "manual")
    code, err = command("data", "export", other, "--to", "seg", *where)
    assert code == 1
    assert "lies on the grid of the label map" in err
    assert not (tmp_path / "out").exists()


def test_predict_writes_dicom_beside_the_label_map(command, study, shipped_default, tmp_path):
    lge = next(path for path in (study / "dicom").iterdir() if "0300" in path.name)
    shutil.copytree(lge, tmp_path / "in" / "lge")
    code, err = command("predict", "-i", tmp_path / "in", "-o", tmp_path / "out", "--dicom", "-q")
    assert code == 0, err
    (seg,) = (tmp_path / "out").glob("*_seg.dcm")
    written = pydicom.dcmread(seg)
    assert written.PatientID == identity(study)[0]
    assert written.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    assert written.SegmentSequence[0].SegmentAlgorithmName.startswith("myoseg model")
    assert (tmp_path / "out" / seg.name.replace("_seg", "_sr")).is_file()


def test_predict_refuses_dicom_results_of_nifti_input(command, phantom_data, trained_run, tmp_path):
    code, err = command(
        "predict", "-i", phantom_data, "-m", trained_run, "-o", tmp_path / "out", "--dicom"
    )
    assert code == 1
    assert "holds no MR image in DICOM" in err
    assert not (tmp_path / "out").exists()


def test_predict_refuses_dicom_results_of_files_in_nifti(command, phantom_data, tmp_path):
    image = next(phantom_data.rglob("*_DE.nii.gz"))
    code, err = command("predict", "--lge", image, "-o", tmp_path / "out", "--dicom")
    assert code == 2
    assert "--dicom goes with" in err


def test_predict_finds_the_dicom_beside_nifti_where_results_in_dicom_are_asked_for(
    command, study, shipped_default, tmp_path
):
    """`data phantom --dicom` writes the truth as NIfTI beside the study."""
    code, err = command("predict", "-i", study, "-o", tmp_path / "out", "--dicom", "-q")
    assert code == 0, err
    assert list((tmp_path / "out").glob("*_seg.dcm"))
