"""Label files to pages, one case at a time."""

import json
import logging

import numpy as np
import pytest

from myoseg.cases.case import Geometry
from myoseg.cases.case_files import case_files
from myoseg.cases.nifti import write_labels, write_volume
from myoseg.errors import InputError, OutputError
from myoseg.quantification.decoding import read_label_map
from myoseg.reporting import report_cases as module
from myoseg.reporting.report_cases import (
    ReportOutcome,
    files_to_report,
    has_report,
    output_folder,
    report_cases,
)

AFFINE = np.diag([-1.0, -1.0, 10.0, 1.0])


@pytest.fixture
def labels(ring_labels, tmp_path):
    """A folder of two label maps."""
    codes = ring_labels(3).codes
    for name in ("a", "b"):
        write_labels(
            tmp_path / "labels" / f"{name}_seg.nii.gz", codes, Geometry(codes.shape, AFFINE)
        )
    return tmp_path / "labels"


def test_each_case_gets_a_page_and_its_measures(labels, tmp_path):
    out = tmp_path / "out"
    files = files_to_report(labels)
    assert [has_report(file, out) for file in files] == [False, False]
    assert list(report_cases(files, {}, out)) == [ReportOutcome("a"), ReportOutcome("b")]
    assert json.loads((out / "a_stats.json").read_text())["burden"]["scar_mass_g"] > 0
    assert [has_report(file, out) for file in files] == [True, True]


def test_a_page_of_other_labels_is_no_report_of_these(labels, ring_labels, tmp_path):
    out = tmp_path / "out"
    files = files_to_report(labels)
    list(report_cases(files, {}, out))
    moved = ring_labels(3, shift_px=1).codes
    write_labels(files[0].path, moved, Geometry(moved.shape, AFFINE))
    assert [has_report(file, out) for file in files] == [False, True]
    files[1].path.write_bytes(b"torn")
    assert not has_report(files[1], out)


def test_what_another_file_says_of_the_case_is_kept(labels, tmp_path):
    (labels / "a_stats.json").write_text(
        json.dumps({"case": "a", "groups": [["scar"]], "threshold": {"name": "5sd"}})
    )
    file = next(file for file in files_to_report(labels, "myops") if file.case == "a")
    list(report_cases([file], {}, tmp_path / "out"))
    record = json.loads((tmp_path / "out" / "a_stats.json").read_text())
    assert record["threshold"] == {"name": "5sd"}
    assert record["groups"] == [["scar"]]


def test_a_defect_in_one_case_does_not_stop_the_others(labels, tmp_path, monkeypatch, caplog):
    real = module.measure

    def broken(labels, geometry, **more):
        if not (tmp_path / "once").exists():
            (tmp_path / "once").touch()
            raise ZeroDivisionError("a defect")
        return real(labels, geometry, **more)

    monkeypatch.setattr(module, "measure", broken)
    with caplog.at_level(logging.ERROR):
        first, second = report_cases(files_to_report(labels), {}, tmp_path / "out")
    assert first.error == "ZeroDivisionError: a defect"
    assert second.error is None
    assert "failed unexpectedly" in caplog.text


def test_images_of_another_grid_are_an_error_of_their_case(labels, tmp_path):
    image = np.zeros((3, 48, 41), np.float32)
    write_volume(tmp_path / "a_lge.nii.gz", image, Geometry(image.shape, AFFINE))
    images = {"a": case_files(lge=tmp_path / "a_lge.nii.gz")}
    first, second = report_cases(files_to_report(labels), images, tmp_path / "out")
    assert first.error is not None
    assert "41x48x3" in first.error
    assert second.error is None


def test_a_folder_that_cannot_be_written_ends_it(labels, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        list(report_cases(files_to_report(labels), {}, tmp_path / "file"))


def test_results_of_this_program_are_reported_beside_them(labels, tmp_path):
    files = files_to_report(labels)
    assert output_folder(files, tmp_path) == tmp_path
    with pytest.raises(InputError, match="made elsewhere"):
        output_folder(files, None)
    for file in files:
        (labels / f"{file.case}_stats.json").write_text("{}")
    assert output_folder(files, None) == labels


def test_images_on_other_grids_are_brought_onto_that_of_the_labels(labels, tmp_path):
    """The LGE is on the labels' grid; the T2 starts 4 columns and 2 rows further on."""
    rng = np.random.default_rng(0)
    shape = (3, 48, 48)
    (file,) = (each for each in files_to_report(labels) if each.case == "a")
    stored = read_label_map(file)[1]
    image = rng.normal(100, 20, stored.shape).astype(np.float32)
    write_volume(tmp_path / "a_lge.nii.gz", image, stored)
    moved = stored.affine.copy()
    moved[:3, 3] += stored.affine[:3, :3] @ [4, 2, 0]
    other = rng.normal(100, 20, shape).astype(np.float32)
    write_volume(tmp_path / "a_t2.nii.gz", other, Geometry(shape, moved))
    images = {"a": case_files(lge=tmp_path / "a_lge.nii.gz", t2=tmp_path / "a_t2.nii.gz")}
    assert list(report_cases([file], images, tmp_path / "out")) == [ReportOutcome("a")]
    told = json.loads((tmp_path / "out" / "a_stats.json").read_text())["alignment"]
    assert told["reference"] == "lge"
    assert set(told["sequences"]) == {"t2"}
    assert "T2" in (tmp_path / "out" / "a_report.html").read_text()
