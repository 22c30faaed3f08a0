import json

import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.check import check_data
from myoseg.errors import InputError


@pytest.fixture
def myops(tmp_path, save, labels_of):
    """Two good training cases and an unlabelled test case."""
    for number in (101, 102):
        for sequence in ("C0", "DE", "T2"):
            save(tmp_path / "train25" / f"myops_training_{number}_{sequence}.nii.gz")
        truth = tmp_path / "train25_myops_gd" / f"myops_training_{number}_gd.nii.gz"
        save(truth, labels_of(200, 500, 600, 2221, 2221))
    save(tmp_path / "test20" / "myops_test_201_C0.nii.gz")
    return tmp_path


def problems(report, name):
    (case,) = [case for case in report.cases if case.name == name]
    return [(problem.severity, problem.message) for problem in case.problems]


def test_a_good_data_set_is_listed_with_sizes_by_hand(myops):
    report = check_data(myops)
    assert report.layout == "myops"
    assert not report.has_errors
    case = report.cases[1]
    assert (case.name, case.role) == ("myops_training_101", "train")
    assert case.sequences == tuple(Sequence)
    assert (case.shape, case.spacing_mm) == ((3, 5, 6), (10.0, 1.25, 1.5))
    sizes = {label.group: (label.n_voxels, label.volume_ml) for label in case.labels}
    assert sizes["scar"] == (2, pytest.approx(2 * 1.5 * 1.25 * 10 / 1000))
    assert sizes["edema"] == (0, 0.0)
    assert case.problems == ()


def test_missing_sequences_are_warned_of_where_other_cases_have_them(myops):
    found = problems(check_data(myops), "myops_test_201")
    assert [severity for severity, _ in found] == ["warning", "warning"]
    assert "has no lge" in found[0][1]


def test_every_problem_is_found_and_no_bad_case_stops_the_others(myops, save, labels_of):
    train, truth = myops / "train25", myops / "train25_myops_gd"
    noise = np.random.default_rng(0).normal(size=(20, 20, 3))
    damaged = save(train / "myops_training_103_C0.nii.gz", noise)
    damaged.write_bytes(damaged.read_bytes()[:-300])
    save(train / "myops_training_103_DE.nii.gz", np.full((6, 5, 3), np.nan))
    save(train / "myops_training_104_C0.nii.gz")
    save(train / "myops_training_104_DE.nii.gz", np.arange(6 * 5 * 4).reshape(6, 5, 4))
    nan = np.arange(90.0).reshape(6, 5, 3)
    nan[0, 0, 0], nan[:, :, 2] = np.nan, 1
    save(train / "myops_training_104_T2.nii.gz", nan)
    save(truth / "myops_training_104_gd.nii.gz", labels_of(7))
    save(train / "myops_training_105_C0.nii.gz", affine=np.eye(4))
    save(truth / "myops_training_105_gd.nii.gz", labels_of(), affine=np.eye(4))
    save(myops / "stray.nii.gz")
    report = check_data(myops)
    assert report.has_errors
    assert len(report.cases) == 6
    told = "\n".join(message for _, message in problems(report, "myops_training_103"))
    assert "C0.nii.gz is cut short" in told
    assert "DE.nii.gz is NaN or infinite throughout" in told
    assert "has no labels" in told
    told = "\n".join(message for _, message in problems(report, "myops_training_104"))
    assert "6x5x4 but" in told
    assert "1 voxels of slices 0" in told
    assert "slices 2 (of 3, counted from 0) hold one value" in told
    assert "label values 7 (1 voxels)" in told
    told = "\n".join(message for _, message in problems(report, "myops_training_105"))
    assert "trust no mL" in told
    assert "labels no voxel" in told
    assert "stray.nii.gz belongs to no case" in report.problems[0].message


def test_a_case_without_a_readable_file_has_neither_shape_nor_labels(tmp_path):
    (tmp_path / "a_LGE.nii.gz").touch()
    (tmp_path / "a_gd.nii.gz").touch()
    (case,) = check_data(tmp_path).cases
    assert (case.shape, case.spacing_mm, case.labels) == (None, None, None)
    assert len(case.problems) == 2


def test_conflicting_files_are_an_error_of_the_folder(tmp_path, save):
    save(tmp_path / "a_LGE.nii")
    save(tmp_path / "a_DE.nii")
    report = check_data(tmp_path)
    assert report.has_errors
    assert "are both the lge" in report.problems[0].message


def test_the_report_is_json_and_text(myops):
    report = check_data(myops)
    record = json.loads(json.dumps(report.to_record()))
    scar = record["cases"][1]["labels"][4]
    assert scar == {"group": "scar", "n_voxels": 2, "volume_ml": pytest.approx(0.0375)}
    assert record["cases"][1]["sequences"] == ["bssfp", "lge", "t2"]
    text = report.to_text()
    assert "6x5x3" in text
    assert "1.5 x 1.25 x 10" in text
    assert "myops_test_201: warning: has no lge" in text
    assert {len(row) for row in report.rows()} == {7}


def test_groups_that_were_not_told_apart_are_listed_as_such(tmp_path, save, labels_of):
    save(tmp_path / "autofd_A_C0.nii.gz")
    save(tmp_path / "autofd_A_gd.nii.gz", labels_of(1, 2, 4, 4))
    report = check_data(tmp_path)
    (case,) = report.cases
    assert [(label.group, label.n_voxels) for label in case.labels] == [
        ("normal_myocardium+edema+scar", 1),
        ("lv_blood_pool", 1),
        ("rv_blood_pool", 2),
    ]
    assert "scar" in case.not_assessed
    assert report.to_text().endswith("no problem found")


def test_a_folder_without_cases_is_refused(tmp_path):
    with pytest.raises(InputError, match="no case found"):
        check_data(tmp_path)


@pytest.mark.real_scans
def test_real_scans_with_unknown_spacing_are_warned_of(shared_data):
    report = check_data(shared_data / "emidec_native")
    assert not report.has_errors
    assert all("1 x 1 x 1 mm" in case.problems[0].message for case in report.cases)
