import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Sequence, Tissue
from myoseg.cases.labels import ACDC, EMIDEC
from myoseg.cases.layouts import LAYOUTS, find_cases, layout_names, read_case, survey_folder
from myoseg.errors import InputError

BSSFP, LGE, T2 = Sequence


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def myops(folder: Path, test: str = "test") -> Path:
    sequences = ("C0", "DE", "T2")
    return touch(
        folder,
        *(f"train25/myops_training_{n}_{s}.nii.gz" for n in (101, 102) for s in sequences),
        *(f"train25_myops_gd/myops_training_{n}_gd.nii.gz" for n in (101, 102)),
        *(f"test20/myops_{test}_201_{s}.nii.gz" for s in sequences),
    )


@pytest.mark.parametrize("test", ["test", "training"])
def test_myops_2020_pairs_labels_of_another_folder_and_knows_its_test_cases(tmp_path, test):
    cases = find_cases(myops(tmp_path / "data", test))
    by_name = {case.name: case for case in cases}
    assert {name: case.role for name, case in by_name.items()} == {
        "myops_training_101": "train",
        "myops_training_102": "train",
        f"myops_{test}_201": "test",
    }
    case = by_name["myops_training_101"]
    root = tmp_path / "data"
    assert case.layout == "myops"
    assert case.images == {
        BSSFP: root / "train25" / "myops_training_101_C0.nii.gz",
        LGE: root / "train25" / "myops_training_101_DE.nii.gz",
        T2: root / "train25" / "myops_training_101_T2.nii.gz",
    }
    assert case.labels == root / "train25_myops_gd" / "myops_training_101_gd.nii.gz"
    assert by_name[f"myops_{test}_201"].labels is None


def test_test_labels_of_simulated_sets_are_found(tmp_path):
    touch(myops(tmp_path), "test20_gd/myops_test_201_gd.nii.gz")
    assert find_cases(tmp_path)[0].labels == tmp_path / "test20_gd" / "myops_test_201_gd.nii.gz"


@pytest.mark.parametrize("test", ["test", "training"])
def test_a_flat_copy_knows_test_cases_by_their_number(tmp_path, test):
    touch(tmp_path, "myops_training_101_C0.nii", f"myops_{test}_201_C0.nii")
    assert sorted(str(case.role) for case in find_cases(tmp_path)) == ["test", "train"]


def test_the_folder_of_images_alone_is_a_data_set_too(tmp_path):
    cases = find_cases(myops(tmp_path) / "train25")
    assert [case.role for case in cases] == ["train", "train"]
    assert cases[0].labels is None


def test_care_leaves_edema_unassessed_where_there_is_no_t2(tmp_path):
    touch(
        tmp_path,
        *(f"CenterA/Case1001/Case1001_{s}.nii.gz" for s in ("C0", "LGE", "T2", "gd")),
        *(f"CenterB/Case2001/Case2001_{s}.nii.gz" for s in ("LGE", "gd")),
    )
    full, partial = find_cases(tmp_path)
    assert (full.layout, full.name, partial.name) == ("care", "Case1001", "Case2001")
    assert full.codings[0].groups == EACH_TISSUE
    assert frozenset({Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA}) in partial.codings[0].groups
    assert tuple(partial.images) == (LGE,)


def test_acdc_frames_are_cases_of_one_patient_and_cine_is_skipped(tmp_path):
    names = ("4d", "frame01", "frame01_gt", "frame12", "frame12_gt")
    touch(tmp_path, *(f"training/patient001/patient001_{name}.nii.gz" for name in names))
    survey = survey_folder(tmp_path)
    assert survey.layout == "acdc"
    assert [(case.name, case.patient, case.role) for case in survey.cases] == [
        ("patient001_frame01", "patient001", "train"),
        ("patient001_frame12", "patient001", "train"),
    ]
    assert survey.cases[0].codings == (ACDC,)
    assert survey.unexplained == ()


def test_emidec_cases_may_have_any_name(tmp_path):
    names = ("Case_P001", "sampleNegative")
    touch(tmp_path, *(f"{n}/{part}/{n}.nii.gz" for n in names for part in ("Images", "Contours")))
    cases = find_cases(tmp_path)
    assert [(case.layout, case.name) for case in cases] == [("emidec", name) for name in names]
    assert cases[0].labels == tmp_path / "Case_P001" / "Contours" / "Case_P001.nii.gz"
    assert tuple(cases[0].images) == (LGE,)
    assert cases[0].codings == (EMIDEC,)


@pytest.mark.parametrize("folder", ["Case_P001", "."])
def test_one_cases_folder_is_read_as_the_data_set_is(tmp_path, folder):
    touch(tmp_path, "Case_P001/Images/Case_P001.nii.gz")
    (case,) = find_cases(tmp_path / folder)
    assert case.layout == "emidec"


def test_autofd_has_its_own_coding(tmp_path):
    touch(tmp_path, "autofd_A_C0.nii.gz", "autofd_A_gd.nii.gz")
    (case,) = find_cases(tmp_path)
    assert (case.layout, case.name) == ("autofd", "autofd_A")
    assert set(case.codings[0].groups) >= {MYOCARDIUM}


def test_ms_cmrseg_on_one_grid_is_one_case_a_patient(tmp_path):
    touch(tmp_path, *(f"patient1_{part}.nii.gz" for part in ("C0", "T2", "LGE", "manual")))
    (case,) = find_cases(tmp_path)
    assert (case.layout, set(case.images)) == ("ms_cmrseg", set(Sequence))
    assert MYOCARDIUM in case.codings[0].groups


def test_ms_cmrseg_with_labels_a_sequence_is_one_case_a_sequence(tmp_path):
    touch(tmp_path, *(f"patient1_{s}{m}.nii.gz" for s in ("C0", "LGE") for m in ("", "_manual")))
    cases = find_cases(tmp_path)
    assert [(case.name, case.patient, case.labels is None) for case in cases] == [
        ("patient1_C0", "patient1", False),
        ("patient1_LGE", "patient1", False),
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("a_bssfp.nii.gz", "a_LGE.nii", "a_t2.nii.gz", "a_seg.nii.gz"),
        ("a_C0.nii.gz", "a_DE.NII.GZ", "a_T2.nii.gz", "a_gt.nii.gz"),
        ("a-c0.nii.gz", "a-lge.nii.gz", "a-T2w.nii.gz", "a-manual.nii.gz"),
        ("a/C0.nii.gz", "a/LGE.nii.gz", "a/T2.nii.gz", "a/label.nii.gz"),
        ("a/a_C0.nii.gz", "a/a_LGE.nii.gz", "a/a_T2.nii.gz", "a/a_gd.nii.gz"),
    ],
)
def test_plain_folders_name_sequences_and_labels_in_the_usual_words(tmp_path, names):
    (case,) = find_cases(touch(tmp_path, *names))
    assert (case.layout, case.name) == ("plain", "a")
    assert case.images == {
        BSSFP: tmp_path / names[0],
        LGE: tmp_path / names[1],
        T2: tmp_path / names[2],
    }
    assert case.labels == tmp_path / names[3]


@given(present=st.sets(st.sampled_from(["C0", "LGE", "T2"]), min_size=1))
def test_any_sequence_may_be_missing(tmp_path_factory, present):
    folder = touch(tmp_path_factory.mktemp("plain"), *(f"a_{s}.nii.gz" for s in present))
    (case,) = find_cases(folder)
    assert len(case.images) == len(present)


def test_two_centres_may_use_the_same_names(tmp_path):
    touch(tmp_path, "siteA/p1_LGE.nii", "siteB/p1_LGE.nii", "siteB/p2_LGE.nii")
    assert [case.name for case in find_cases(tmp_path)] == ["p2", "siteA_p1", "siteB_p1"]


def test_two_files_for_one_sequence_are_a_conflict(tmp_path):
    touch(tmp_path, "p1_LGE.nii", "p1_DE.nii.gz")
    with pytest.raises(InputError, match=r"p1_DE\.nii\.gz and .*p1_LGE\.nii are both the lge"):
        find_cases(tmp_path)


def test_two_cases_with_one_name_are_a_conflict(tmp_path):
    touch(tmp_path, "a/b/p_LGE.nii", "a_b/p_LGE.nii")
    with pytest.raises(InputError, match="would both be called case a_b_p"):
        find_cases(tmp_path)


def test_what_explains_the_most_files_wins_and_the_rest_is_told(tmp_path, caplog):
    touch(myops(tmp_path), "autofd_A_C0.nii.gz", "note.nii")
    with caplog.at_level(logging.WARNING):
        assert {case.layout for case in find_cases(tmp_path)} == {"myops"}
    assert "2 NIfTI files" in caplog.text


def test_a_layout_can_be_named(tmp_path):
    touch(tmp_path, "autofd_A_C0.nii.gz", "autofd_A_gd.nii.gz")
    (case,) = find_cases(tmp_path, "plain")
    assert case.layout == "plain"
    (case,) = find_cases(tmp_path, "plain", coding=ACDC)
    assert case.codings == (ACDC,)


def test_hidden_files_and_other_formats_are_no_data(tmp_path):
    touch(
        tmp_path,
        "p1_LGE.nii.gz",
        "._p1_LGE.nii.gz",
        ".x/p2_LGE.nii",
        "__MACOSX/p3_LGE.nii",
        "p1.txt",
    )
    survey = survey_folder(tmp_path)
    assert [case.name for case in survey.cases] == ["p1"]
    assert survey.unexplained == ()


def test_links_to_folders_are_followed_once(tmp_path):
    data = touch(tmp_path / "data", "p1_LGE.nii.gz")
    try:
        (data / "loop").symlink_to(data, target_is_directory=True)
    except OSError:
        pytest.skip("links need a privilege here")
    assert len(find_cases(data)) == 1


def test_labels_without_images_are_no_case(tmp_path):
    touch(tmp_path, "p1_LGE.nii", "p2_gd.nii")
    assert survey_folder(tmp_path).unexplained == (tmp_path / "p2_gd.nii",)


def test_empty_folders_say_what_was_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"holds no NIfTI file.*train25.*Case_P001"):
        find_cases(tmp_path)
    touch(tmp_path, "scan.nii.gz")
    with pytest.raises(InputError, match=r"1 NIfTI files, e\.g\. .*scan\.nii\.gz"):
        find_cases(tmp_path)


def test_missing_folders_files_and_unknown_layouts_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_cases(tmp_path / "none")
    touch(tmp_path, "x.nii")
    with pytest.raises(InputError, match="is a file"):
        find_cases(tmp_path / "x.nii")
    with pytest.raises(InputError, match="'brats' is not known; choose from myops, care"):
        find_cases(tmp_path, "brats")


def test_every_layout_has_a_name_and_a_description():
    assert set(layout_names()) == {
        "myops", "care", "acdc", "emidec", "autofd", "ms_cmrseg", "plain", "nnunet"
    }  # fmt: skip
    assert all(layout.description for layout in LAYOUTS)


@pytest.mark.real_scans
@pytest.mark.parametrize(
    ("folder", "layout", "n_cases", "n_patients"),
    [
        ("acdc", "acdc", 120, 60),
        ("emidec", "emidec", 62, 62),
        ("emidec_native", "emidec", 2, 2),
        ("autofd", "autofd", 4, 4),
    ],
)
def test_real_data_sets_are_recognised_and_read(shared_data, folder, layout, n_cases, n_patients):
    survey = survey_folder(shared_data / folder)
    assert survey.layout == layout
    assert (len(survey.cases), len({case.patient for case in survey.cases})) == (
        n_cases,
        n_patients,
    )
    assert survey.unexplained == ()
    for files in survey.cases[::20]:
        case = read_case(files)
        assert case.labels is not None
        assert case.labels.mask(MYOCARDIUM).any()
