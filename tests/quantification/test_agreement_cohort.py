import csv
import json

import nibabel as nib
import numpy as np
import pytest

from myoseg.errors import InputError
from myoseg.quantification.agreement_case import CASE_MEASURES, CLASSES, unit_of
from myoseg.quantification.agreement_cohort import agreement_of_cohort
from myoseg.quantification.agreement_files import write_agreement

VOXEL_ML = 2 * 2 * 10 / 1000
DEGREES = {"a": (90, 60), "b": (0, 0), "c": (180, 200), "d": (30, 40)}
"""Sector of scar by the first and by the second reader."""


@pytest.fixture
def readers(write_ring, tmp_path):
    """Four cases that two readers drew."""
    for case, (first, second) in DEGREES.items():
        write_ring(f"one/{case}_seg.nii.gz", first)
        write_ring(f"two/{case}_gd.nii.gz", second)
    return tmp_path / "one", tmp_path / "two"


def voxels(path, code):
    return int((np.asarray(nib.load(path).dataobj) == code).sum())


def by_measure(found):
    return {each.measure: each for each in found.agreements}


def test_scar_of_each_case_and_its_bias_are_those_counted_in_the_files(readers):
    found = agreement_of_cohort(*readers)
    ours, theirs = (
        [VOXEL_ML * voxels(folder / f"{case}_{end}.nii.gz", 2221) for case in DEGREES]
        for folder, end in zip(readers, ("seg", "gd"), strict=True)
    )
    pairs = found.values_of("scar_volume_ml")
    assert [pair.case for pair in pairs] == list("abcd")
    assert np.allclose([pair.first for pair in pairs], ours)
    assert np.allclose([pair.second for pair in pairs], theirs)
    scar = by_measure(found)["scar_volume_ml"]
    assert np.isclose(scar.bland_altman.bias, np.mean(np.subtract(ours, theirs)))
    assert (scar.n, scar.n_cases, scar.unit) == (4, 4, "ml")


def test_percentages_are_those_of_the_sectors(readers):
    percent = by_measure(agreement_of_cohort(*readers))["scar_percent_of_myocardium"]
    assert np.isclose(percent.mean_first, np.mean([90, 0, 180, 30]) / 3.6, atol=1)
    assert np.isclose(percent.mean_second, np.mean([60, 0, 200, 40]) / 3.6, atol=1)


def test_dice_of_sectors_of_60_and_90_degrees_is_that_of_their_angles(readers):
    found = agreement_of_cohort(*readers)
    dice = dict(found.cases[0].dice)
    assert np.isclose(dice["scar"], 2 * 60 / 150, atol=0.02)
    assert dice["lv_blood_pool"] == dice["myocardium"] == 1
    assert dict(found.cases[1].dice)["scar"] is None
    assert (found.dice["scar"].n, found.dice["myocardium"].n) == (3, 4)


def test_segments_are_pooled_over_cases_without_taking_them_for_cases(readers):
    found = agreement_of_cohort(*readers)
    segments = by_measure(found)["segment_scar_percent"]
    assert (segments.n, segments.n_cases) == (4 * 16, 4)
    assert segments.bland_altman.bias_ci95 is None
    assert segments.mean_difference_ci95 is not None
    sectors = [pair.segment for pair in found.values_of("segment_scar_percent")]
    assert sectors == [*range(1, 17)] * 4


def test_classes_are_compared_segment_by_segment(readers):
    graded = agreement_of_cohort(*readers).transmurality
    assert (graded.classes, graded.n, graded.n_cases) == (CLASSES, 64, 4)
    assert graded.table[0][0] >= 16, "case b has no scar by either"
    assert 0 < graded.share_same < 1
    assert 0.5 < graded.kappa < 1


def test_a_reader_agrees_with_the_same_reader(readers):
    found = agreement_of_cohort(readers[0], readers[0])
    assert all(each.bland_altman.bias == 0 for each in found.agreements)
    assert by_measure(found)["scar_mass_g"].icc == 1
    assert found.transmurality.kappa == 1
    assert {each.mean for each in found.dice.values() if each.n} == {1}


def test_swapping_the_readers_mirrors_the_table(readers):
    one, other = (by_measure(agreement_of_cohort(*pair)) for pair in (readers, readers[::-1]))
    assert one.keys() == other.keys()
    for name in one:
        assert np.isclose(one[name].bland_altman.bias, -other[name].bland_altman.bias)
        assert one[name].icc is other[name].icc is None or np.isclose(
            one[name].icc, other[name].icc
        )


def test_what_no_one_measured_is_not_listed_and_what_one_did_is_counted(readers):
    groups = [["lv_blood_pool"], ["edema", "normal_myocardium", "scar"], ["rv_blood_pool"]]
    for case in DEGREES:
        (readers[0] / f"{case}_stats.json").write_text(json.dumps({"groups": groups}))
    found = by_measure(agreement_of_cohort(*readers))
    assert "microvascular_obstruction_mass_g" not in found
    scar = found["scar_mass_g"]
    assert (scar.n, scar.n_left_out, scar.bland_altman.bias) == (0, 4, None)
    assert found["lv_mass_g"].n == 4


def test_a_case_on_another_grid_fails_alone_and_cases_of_one_side_are_named(
    readers, write_ring, caplog
):
    write_ring("two/a_gd.nii.gz", shape=(48, 50))
    write_ring("one/e_seg.nii.gz")
    write_ring("two/f_gd.nii.gz")
    found = agreement_of_cohort(*readers, names=("Kim", "model"))
    assert [failure.case for failure in found.failures] == ["a"]
    assert "48" in found.failures[0].message
    assert (found.n_cases, found.only_first, found.only_second) == (3, ("e",), ("f",))
    assert "of Kim alone" in caplog.text
    assert "of model alone" in caplog.text


def test_without_any_case_that_can_be_compared_the_reasons_are_given(write_ring, tmp_path):
    write_ring("one/a_seg.nii.gz")
    write_ring("two/a_seg.nii.gz", shape=(40, 48))
    with pytest.raises(InputError, match=r"none of 1 cases could be compared: .*40"):
        agreement_of_cohort(tmp_path / "one", tmp_path / "two")


def test_an_empty_label_map_gives_zeros_and_no_percentages(readers, write_labels_by_hand):
    affine, shape = np.diag([-2.0, -2.0, 10.0, 1.0]), (3, 48, 48)
    write_labels_by_hand("two/b_gd.nii.gz", affine=affine, shape=shape)
    found = agreement_of_cohort(*readers)
    pairs = {pair.measure: pair for pair in found.cases[1].values if pair.segment is None}
    assert pairs["scar_mass_g"].second == pairs["lv_mass_g"].second == 0
    assert pairs["scar_percent_of_myocardium"].second is None
    assert by_measure(found)["scar_percent_of_myocardium"].n_left_out == 1
    assert by_measure(found)["segment_scar_percent"].n_left_out == 16
    assert any("no myocardium" in flag for flag in found.cases[1].flags[1])


def in_consecutive_codes(path, of, write):
    """The label file `of` written to `path` with codes 1 to 5."""
    codes = {500: 1, 600: 2, 200: 3, 1220: 4, 2221: 5}
    stored = np.asarray(nib.load(of).dataobj).T
    found = {tuple(map(int, at)): codes[int(stored[tuple(at)])] for at in np.argwhere(stored)}
    return write(path, found, np.diag([-2.0, -2.0, 10.0, 1.0]), stored.shape)


def test_what_one_side_shows_of_its_coding_helps_with_the_other_whichever_it_is(
    write_ring, write_labels_by_hand, tmp_path
):
    """Codes 1 to 3 alone fit ACDC as well; with 5 beside them only the consecutive ones."""
    for folder, degrees in (("with", 60), ("without", 0)):
        drawn = write_ring(f"drawn/{folder}.nii.gz", degrees)
        in_consecutive_codes(f"{folder}/a_seg.nii.gz", drawn, write_labels_by_hand)
    folders = tmp_path / "with", tmp_path / "without"
    for pair in (folders, folders[::-1]):
        (volume,) = agreement_of_cohort(*pair).values_of("lv_blood_pool_volume_ml")
        assert volume.difference == 0
    with pytest.raises(InputError, match="say which with --first-coding"):
        agreement_of_cohort(folders[1], folders[1])
    with pytest.raises(InputError, match="say which with --second-coding"):
        agreement_of_cohort(folders[1], folders[1], first_coding="ms_cmrseg")


def test_no_reflow_is_compared_where_both_codings_know_it(write_labels_by_hand, tmp_path):
    voxels = {(0, 1, 2): 3, (0, 1, 3): 4, (0, 2, 2): 2, (1, 1, 1): 1}
    for case in "abc":
        write_labels_by_hand(f"one/{case}_gd.nii.gz", voxels)
        write_labels_by_hand(f"two/{case}_gd.nii.gz", voxels | {(0, 1, 2): 4})
        write_labels_by_hand(f"acdc/{case}_gd.nii.gz", {(0, 0, 0): 2, (0, 1, 1): 3})
    found = agreement_of_cohort(
        tmp_path / "one", tmp_path / "two", first_coding="emidec", second_coding="emidec"
    )
    obstruction = by_measure(found)["microvascular_obstruction_percent_of_myocardium"]
    means = obstruction.mean_first, obstruction.mean_second
    assert means == pytest.approx((100 / 3, 200 / 3)), "of three pixels, one and two"
    assert by_measure(found)["scar_volume_ml"].mean_first == pytest.approx(0.04), (
        "no-reflow is scar"
    )
    other = agreement_of_cohort(
        tmp_path / "one", tmp_path / "acdc", first_coding="emidec", second_coding="acdc"
    )
    alone = by_measure(other)["microvascular_obstruction_mass_g"]
    assert (alone.n, alone.n_left_out) == (0, 3)


def test_coronary_territories_are_compared_and_listed(readers, tmp_path):
    found = agreement_of_cohort(*readers)
    scar = by_measure(found)["territory_scar_mass_g"]
    assert (scar.n, scar.n_cases, scar.unit) == (4 * 3, 4, "g")
    pairs = [pair for pair in found.values_of("territory_scar_mass_g") if pair.case == "c"]
    assert [pair.territory for pair in pairs] == ["LAD", "RCA", "LCX"]
    whole = found.values_of("scar_mass_g")[2]
    assert sum(pair.first for pair in pairs) == pytest.approx(whole.first)
    assert sum(pair.second for pair in pairs) == pytest.approx(whole.second)
    write_agreement(found, tmp_path / "out")
    rows = [
        row
        for row in rows_of(tmp_path / "out" / "cases.csv")
        if (row["case"], row["measure"]) == ("c", "territory_scar_percent")
    ]
    assert [(row["territory"], row["segment"]) for row in rows] == [
        *(("LAD", ""), ("RCA", ""), ("LCX", "")),
    ]
    record = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf-8"))
    assert record["measures"]["territory_scar_percent"]["unit"] == "%"


def test_where_neither_has_segments_no_segment_is_listed(write_labels_by_hand, tmp_path):
    path = write_labels_by_hand("a_seg.nii.gz", {(0, 1, 1): 200, (0, 1, 2): 2221})
    (case,) = agreement_of_cohort(path, path).cases
    assert {value.measure for value in case.values} == set(CASE_MEASURES)
    assert case.values[0].difference == 0


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_files_hold_every_number_with_its_unit(readers, tmp_path):
    found = agreement_of_cohort(*readers, names=("Kim", "model"))
    write_agreement(found, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf-8"))
    assert record["names"] == {"first": "Kim", "second": "model"}
    scar = record["measures"]["scar_mass_g"]
    assert (scar["unit"], scar["bland_altman"]["n"]) == ("g", 4)
    assert "McGraw" in record["methods"]["icc"]
    table = {row["measure"]: row for row in rows_of(tmp_path / "out" / "agreement.csv")}
    assert table.keys() == record["measures"].keys()
    assert np.isclose(float(table["scar_mass_g"]["bias"]), scar["bland_altman"]["bias"])
    assert np.isclose(float(table["scar_mass_g"]["icc_low"]), scar["icc_ci95"][0])
    assert table["segment_scar_percent"]["bias_low"] == ""
    (row,) = [
        row
        for row in rows_of(tmp_path / "out" / "cases.csv")
        if (row["case"], row["measure"]) == ("a", "scar_mass_g")
    ]
    difference = float(row["first"]) - float(row["second"])
    assert np.isclose(float(row["difference"]), difference)
    assert (row["unit"], row["segment"]) == ("g", "")
    dice = {(row["case"], row["tissue"]): row["dice"] for row in rows_of(tmp_path / "out/dice.csv")}
    assert dice["b", "scar"] == ""
    assert {row["of"] for row in rows_of(tmp_path / "out" / "flags.csv")} <= {"Kim", "model"}


def test_the_same_seed_gives_the_same_files(readers, tmp_path):
    for name in ("x", "y"):
        write_agreement(agreement_of_cohort(*readers, seed=3), tmp_path / name)
    for path in (tmp_path / "x").iterdir():
        assert path.read_bytes() == (tmp_path / "y" / path.name).read_bytes()


def test_every_measure_of_a_case_has_its_unit_in_its_name():
    units = {name: unit_of(name) for name in CASE_MEASURES}
    assert [name for name, unit in units.items() if not unit] == ["salvage_index"]
    assert units["scar_percent_of_myocardium"] == "%"
