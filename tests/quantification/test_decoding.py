import json

import pytest

from myoseg.anatomy import MYOCARDIUM, Tissue
from myoseg.cases.labels import ACDC
from myoseg.errors import InputError
from myoseg.quantification.decoding import read_label_map, with_codings
from myoseg.quantification.pairing import LabelFile


def codings(files, name=None, **kwargs):
    return {c.name for file in with_codings(files, name, **kwargs) for c in file.codings}


@pytest.fixture
def label_file(write_labels_by_hand):
    def make(case, voxels=()):
        return LabelFile(case, write_labels_by_hand(f"{case}_seg.nii.gz", voxels))

    return make


def test_a_side_is_read_by_the_values_of_all_its_files(label_file):
    files = [label_file("a", {(0, 0, 0): 1}), label_file("b", {(0, 0, 0): 5})]
    assert codings(files) == {"consecutive"}


def test_values_that_fit_several_codings_follow_the_other_side(label_file):
    files = [label_file("a", {(0, 0, 0): 1, (0, 0, 1): 2, (0, 0, 2): 3})]
    with pytest.raises(InputError, match="can be read as"):
        codings(files)
    assert codings(files, likely=(ACDC,)) == {"acdc"}


def test_a_named_coding_overrides_what_the_values_say(label_file):
    assert codings([label_file("a", {(0, 0, 0): 1})], "emidec") == {"emidec"}
    with pytest.raises(InputError, match="not known"):
        codings([label_file("a")], "nonsense")


def test_a_data_sets_own_coding_is_kept(label_file):
    file = label_file("a", {(0, 0, 0): 1})
    declared = LabelFile("a", file.path, (ACDC,))
    assert codings([declared]) == {"acdc"}


def test_empty_predictions_are_read_as_this_programs_own(label_file):
    assert codings([label_file("a")]) == {"myops"}


def test_statistics_beside_a_prediction_say_what_it_assessed(label_file, tmp_path):
    file = label_file("a", {(0, 0, 0): 200, (0, 0, 1): 500})
    groups = [["lv_blood_pool"], ["edema", "normal_myocardium", "scar"]]
    (tmp_path / "a_stats.json").write_text(json.dumps({"groups": groups}), encoding="utf-8")
    (file,) = with_codings([file], None)
    labels, geometry = read_label_map(file)
    assert set(labels.groups) == {frozenset({Tissue.LV_BLOOD_POOL}), MYOCARDIUM}
    assert geometry.spacing_mm == (10, 2, 1)


@pytest.mark.parametrize("text", ["{", "{}", '{"groups": [["liver"]]}', '{"groups": 3}'])
def test_statistics_that_cannot_be_read_are_an_error_that_names_the_file(
    label_file, tmp_path, text
):
    (file,) = with_codings([label_file("a")], None)
    (tmp_path / "a_stats.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a_stats\.json"):
        read_label_map(file)


def test_a_damaged_file_does_not_keep_the_others_from_being_read(label_file, tmp_path):
    damaged = tmp_path / "b_seg.nii.gz"
    damaged.write_bytes(b"no volume")
    files = [label_file("a", {(0, 0, 0): 2221}), LabelFile("b", damaged)]
    assert codings(files) == {"myops"}


def test_a_file_with_an_unknown_value_fails_alone_and_is_named(label_file):
    files = [label_file("a", {(0, 0, 0): 2221}), label_file("b", {(0, 0, 0): 77})]
    sound, odd = with_codings(files, None)
    assert read_label_map(sound)[0].codes.max() == Tissue.SCAR
    with pytest.raises(InputError, match=r"b_seg\.nii\.gz.*77"):
        read_label_map(odd)


def test_values_that_no_coding_knows_are_an_error(label_file):
    with pytest.raises(InputError, match="77 fit no known coding"):
        codings([label_file("b", {(0, 0, 0): 77})])
