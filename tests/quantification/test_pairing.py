import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.errors import InputError
from myoseg.quantification.pairing import LABEL_SUFFIXES, case_name, label_files, match_files


@pytest.fixture
def folders(tmp_path):
    def touch(folder, *names):
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / folder

    return touch


@given(
    st.from_regex(r"[A-Za-z]{1,4}[0-9]{1,4}", fullmatch=True),
    st.sampled_from(["", *LABEL_SUFFIXES, "_GT"]),
    st.sampled_from([".nii", ".nii.gz"]),
)
def test_a_case_keeps_its_name_whatever_the_suffix(case, suffix, ending):
    assert case_name(Path("folder") / f"{case}{suffix}{ending}") == case


def test_a_name_that_is_nothing_but_a_suffix_is_kept():
    assert case_name(Path("_seg.nii.gz")) == "_seg"


def test_two_files_that_are_no_nifti_are_refused(folders):
    folder = folders("some", "a.txt", "b.txt")
    with pytest.raises(InputError, match=r"a\.txt is no NIfTI file"):
        match_files(folder / "a.txt", folder / "b.txt")


def test_files_pair_across_suffixes_and_subfolders(folders):
    predicted = folders("pred", "a_seg.nii.gz", "b_seg.nii.gz")
    true = folders("true", "sub/a_gd.nii.gz", "b_manual.nii")
    pairs = match_files(predicted, true).pairs
    assert [pair.case for pair in pairs] == ["a", "b"]
    assert pairs[0].true.path == true / "sub" / "a_gd.nii.gz"


def test_cases_of_one_side_only_are_told(folders, caplog):
    predicted = folders("pred", "a_seg.nii.gz", "b_seg.nii.gz")
    true = folders("true", "a_gd.nii.gz", "c_gd.nii.gz")
    with caplog.at_level(logging.WARNING):
        matching = match_files(predicted, true)
    assert matching.without_truth == ("b",)
    assert matching.without_prediction == ("c",)
    assert "no truth" in caplog.text
    assert "no prediction" in caplog.text


def test_images_beside_labels_are_not_taken_for_labels(folders):
    folder = folders(
        "true", "a_C0.nii.gz", "a_gd.nii.gz", "p1_frame01.nii.gz", "p1_frame01_gt.nii.gz", ".a.nii"
    )
    found = label_files(folder)
    assert {case: file.path.name for case, file in found.items()} == {
        "a": "a_gd.nii.gz",
        "p1_frame01": "p1_frame01_gt.nii.gz",
    }


def test_probabilities_beside_labels_are_not_taken_for_labels(folders):
    folder = folders(
        "out", "a_seg.nii.gz", "probabilities/a_lvms.nii.gz", "probabilities/a_lv_label.nii.gz"
    )
    assert [file.path.name for file in label_files(folder).values()] == ["a_seg.nii.gz"]


def test_a_folder_that_happens_to_be_called_so_can_be_given(folders):
    folder = folders("probabilities", "a_seg.nii.gz")
    assert list(label_files(folder)) == ["a"]


def test_a_data_set_brings_its_label_coding(folders):
    folder = folders(
        "acdc", "patient001/patient001_frame01.nii.gz", "patient001/patient001_frame01_gt.nii.gz"
    )
    found = label_files(folder)
    assert [coding.name for coding in found["patient001_frame01"].codings] == ["acdc"]


def test_two_files_are_one_pair_whatever_their_names(folders):
    folder = folders("any", "one_seg.nii.gz", "other.nii.gz")
    (pair,) = match_files(folder / "one_seg.nii.gz", folder / "other.nii.gz").pairs
    assert pair.case == "one"


def test_no_common_name_is_an_error_that_gives_examples(folders):
    with pytest.raises(InputError, match=r"such as a\).*such as b\)"):
        match_files(folders("pred", "a_seg.nii.gz"), folders("true", "b_gd.nii.gz"))


def test_two_label_files_of_one_case_are_refused(folders):
    folder = folders("true", "a_gd.nii.gz", "a_manual.nii.gz")
    with pytest.raises(InputError, match=r"a_gd\.nii\.gz and .*a_manual\.nii\.gz"):
        label_files(folder)


def test_a_folder_that_is_not_there_or_empty_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        label_files(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no label file"):
        label_files(tmp_path)
