import json

import nibabel as nib
import numpy as np
import pytest

from myoseg import cohort
from myoseg.cases.layouts import find_cases
from myoseg.cohort import CaseOutcome, threshold_cohort
from myoseg.errors import InputError
from myoseg.given_contours import contours_of
from myoseg.quantification.evaluate import evaluate
from myoseg.quantification.islands import Cleaning
from myoseg.quantification.remote_files import remote_files
from myoseg.quantification.threshold_methods import METHODS

SIZE = 33
X, Y = np.mgrid[:SIZE, :SIZE] - SIZE // 2
RADIUS = np.hypot(X, Y)
RING = (RADIUS >= 7) & (RADIUS < 13)
SECTOR = RING & (np.abs(np.arctan2(Y, X)) < 0.5)
AFFINE = np.diag([1.5, 1.5, 8.0, 1.0])


def save(path, values, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(np.stack([values, values], axis=-1), affine).to_filename(path)


def save_case(folder, name, affine=AFFINE):
    """An EMIDEC case: a wall (2) of about 20 with infarct (3) of about 120, and a cavity (1)."""
    noise = np.random.default_rng(0).normal(20, 2, RING.shape)
    save(folder / name / "Images" / f"{name}.nii.gz", (noise + 100 * SECTOR).astype(np.float32))
    labels = np.where(SECTOR, 3, np.where(RING, 2, np.where(RADIUS < 7, 1, 0))).astype(np.int16)
    save(folder / name / "Contours" / f"{name}.nii.gz", labels, affine)


@pytest.fixture
def data(tmp_path):
    """Two EMIDEC cases."""
    for name in ("Case_P001", "Case_P002"):
        save_case(tmp_path / "data", name)
    return tmp_path / "data"


def run(data, out, method="5sd", contours=None, coding=None, **options):
    files = find_cases(data)
    walls = contours_of(files, contours, coding)
    options = {"cleaning": Cleaning()} | options
    return list(threshold_cohort(files, walls, METHODS[method], out, **options))


def test_a_data_set_s_own_contours_are_thresholded_and_scored(data, tmp_path):
    assert run(data, tmp_path / "out") == [CaseOutcome("Case_P001"), CaseOutcome("Case_P002")]
    assert sorted(path.name for path in (tmp_path / "out").glob("Case_P001*")) == [
        *("Case_P001_preview.png", "Case_P001_seg.nii.gz", "Case_P001_stats.json"),
    ]
    dice = {score.region: score.dice for score in evaluate(tmp_path / "out", data).scores}
    assert dice["scar"] == dice["myocardium"] == 1
    assert dice["lv_blood_pool"] is None, "the threshold says nothing of it"


def test_the_statistics_say_groups_method_and_cuts(data, tmp_path):
    run(data, tmp_path / "out", cleaning=Cleaning(4))
    record = json.loads((tmp_path / "out" / "Case_P001_stats.json").read_text())
    assert record["groups"] == [["edema", "normal_myocardium"], ["scar"]]
    assert record["volumes_ml"]["scar"] == pytest.approx(2 * SECTOR.sum() * 0.018)
    assert record["threshold"]["method"] == "5sd"
    assert record["threshold"]["min_island_px"] == 4
    for cut in record["threshold"]["slices"]:
        assert cut["cut"] == pytest.approx(cut["remote_mean"] + 5 * cut["remote_sd"])
        assert cut["remote_mean"] == pytest.approx(20, abs=2)


def test_contours_of_another_folder_and_coding_are_matched_by_name(data, tmp_path):
    whole_wall = np.where(RING, 2, np.where(RADIUS < 7, 3, 0)).astype(np.int16)
    for name in ("Case_P001_gt", "Case_P002_gt", "Case_P003_gt"):
        save(tmp_path / "drawn" / f"{name}.nii.gz", whole_wall)
    run(data, tmp_path / "out", contours=tmp_path / "drawn", coding="acdc")
    assert {s.dice for s in evaluate(tmp_path / "out", data).scores if s.region == "scar"} == {1}


def test_consecutive_codes_are_written_if_asked_for(data, tmp_path):
    run(data, tmp_path / "out", consecutive=True)
    stored = nib.load(tmp_path / "out" / "Case_P001_seg.nii.gz")
    assert set(np.unique(stored.dataobj)) == {0, 3, 5}


def test_a_case_without_contours_fails_alone(data, tmp_path):
    (data / "Case_P002" / "Contours" / "Case_P002.nii.gz").unlink()
    done, failed = run(data, tmp_path / "out")
    assert done.error is None
    assert failed.error == "case Case_P002 has no contours; draw them, or leave the case out."


def test_contours_on_another_grid_fail_the_case_and_say_how_far_they_are(data, tmp_path):
    """Two slices 8 and 9 mm apart: the farther ones lie 1 mm from each other."""
    save_case(data, "Case_P002", affine=np.diag([1.5, 1.5, 9.0, 1.0]))
    _, failed = run(data, tmp_path / "out")
    assert "Contours" in failed.error
    assert "(lge 33x33x2; corners lie 1 mm apart or more)" in failed.error


def test_a_case_without_the_sequence_fails_and_says_which(data, tmp_path):
    outcomes = run(data, tmp_path / "out", method="t2_2sd")
    assert "case Case_P001 has no t2, which t2_2sd needs" in outcomes[0].error


def test_contours_without_the_myocardium_fail(data, tmp_path):
    for name in ("Case_P001", "Case_P002"):
        save(tmp_path / "drawn" / f"{name}.nii.gz", np.where(RADIUS < 7, 500, 0).astype(np.int16))
        stats = tmp_path / "drawn" / f"{name}_stats.json"
        stats.write_text(json.dumps({"groups": [["lv_blood_pool"]]}))
    outcomes = run(data, tmp_path / "out", contours=tmp_path / "drawn")
    assert "does not tell the extent of the myocardium" in outcomes[0].error


def test_an_empty_myocardium_gives_an_empty_mask_and_a_warning(data, tmp_path, caplog):
    for name in ("Case_P001", "Case_P002"):
        save(tmp_path / "drawn" / f"{name}.nii.gz", np.zeros((SIZE, SIZE), np.int16))
    outcomes = run(data, tmp_path / "out", contours=tmp_path / "drawn")
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert not np.any(nib.load(tmp_path / "out" / "Case_P001_seg.nii.gz").dataobj)
    assert "holds no myocardium" in caplog.text


def test_no_contours_at_all_are_an_error(data, tmp_path):
    save(tmp_path / "drawn" / "Other.nii.gz", np.zeros((SIZE, SIZE), np.int16))
    with pytest.raises(InputError, match=r"none of 2 cases has contours in .*drawn"):
        run(data, tmp_path / "out", contours=tmp_path / "drawn")
    for path in data.rglob("Contours/*.nii.gz"):
        path.unlink()
    with pytest.raises(InputError, match=r"none of 2 cases has contours beside the images"):
        run(data, tmp_path / "out")


def test_the_reader_s_remote_myocardium_is_used_where_it_is_given(data, tmp_path):
    given = RING & (np.arctan2(*np.indices((SIZE, SIZE)) - SIZE / 2) > 2)
    save(tmp_path / "remote" / "Case_P001.nii.gz", given.astype(np.int16))
    names = [each.name for each in find_cases(data)]
    run(data, tmp_path / "out", remotes=remote_files(names, tmp_path / "remote"))
    sources = {}
    for name in names:
        record = json.loads((tmp_path / "out" / f"{name}_stats.json").read_text())
        sources[name] = record["threshold"]["remote"]
    assert sources == {"Case_P001": "given", "Case_P002": "found"}


def test_a_remote_mask_outside_the_wall_fails_its_case(data, tmp_path):
    corner = np.zeros((SIZE, SIZE), np.int16)
    corner[0, 0] = 1
    for name in ("Case_P001", "Case_P002"):
        save(tmp_path / "remote" / f"{name}.nii.gz", corner)
    names = [each.name for each in find_cases(data)]
    outcomes = run(data, tmp_path / "out", remotes=remote_files(names, tmp_path / "remote"))
    assert "remote mask has no pixel in the myocardium" in outcomes[0].error


def test_the_statistics_hold_the_measures_of_wall_and_blood_pools(data, tmp_path):
    run(data, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "Case_P001_stats.json").read_text())
    burden = record["burden"]
    assert burden["scar_mass_g"] == pytest.approx(1.05 * 2 * SECTOR.sum() * 0.018)
    assert burden["scar_percent_of_myocardium"] == pytest.approx(100 * SECTOR.sum() / RING.sum())
    assert burden["lv_blood_pool_volume_ml"] > 0, "of the contours"
    assert record["segments"] is None, "EMIDEC has no right ventricle"
    assert any("right ventricle was not assessed" in flag for flag in record["flags"])


def save_on(path, values, affine):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(np.stack([values, values], axis=-1), affine).to_filename(path)


def moved(columns):
    """The grid of a sequence whose first column lies so many columns further on."""
    affine = AFFINE.copy()
    affine[0, 3] = AFFINE[0, 0] * columns
    return affine


@pytest.fixture
def apart(tmp_path):
    """LGE and T2 of one heart, the T2 on a grid 3 columns further on, and its wall drawn there."""
    noise = np.random.default_rng(0).normal(20, 2, RING.shape)
    lge = (noise + 100 * SECTOR).astype(np.float32)
    save_on(tmp_path / "data" / "a" / "a_lge.nii.gz", lge, AFFINE)
    save_on(tmp_path / "data" / "a" / "a_t2.nii.gz", np.roll(lge, -3, axis=0), moved(3))
    wall = np.where(RING, 200, np.where(RADIUS < 7, 500, 0)).astype(np.int16)
    save_on(tmp_path / "lge" / "a_gd.nii.gz", wall, AFFINE)
    save_on(tmp_path / "t2" / "a_gd.nii.gz", np.roll(wall, -3, axis=0), moved(3))
    save_on(tmp_path / "none" / "a_gd.nii.gz", wall, moved(7))
    return tmp_path


@pytest.mark.parametrize("drawn_on", ["lge", "t2"])
def test_a_wall_drawn_on_any_sequence_is_thresholded_on_lge_s_own_grid(apart, drawn_on):
    out = apart / f"out_{drawn_on}"
    outcomes = run(apart / "data", out, contours=apart / drawn_on, align="geometry")
    assert outcomes == [CaseOutcome("a")]
    found = nib.load(out / "a_seg.nii.gz")
    assert np.array_equal(found.affine, AFFINE)
    assert np.array_equal(found.get_fdata()[..., 0] == 2221, SECTOR)
    assert json.loads((out / "a_stats.json").read_text())["alignment"]["reference"] == "lge"


def test_t2_is_thresholded_on_its_own_grid(apart):
    outcomes = run(apart / "data", apart / "out", "t2_2sd", apart / "lge", align="geometry")
    assert outcomes == [CaseOutcome("a")]
    found = nib.load(apart / "out" / "a_seg.nii.gz")
    assert np.array_equal(found.affine, moved(3))


def test_a_wall_on_a_grid_of_no_sequence_fails_its_case_with_the_remedy(apart):
    (outcome,) = run(apart / "data", apart / "out", contours=apart / "none", align="geometry")
    assert "on the grid of none of the images" in outcome.error
    assert "draw the contours on one of them" in outcome.error
    assert not list((apart / "out").glob("*"))


def test_sequences_on_two_grids_are_refused_where_alignment_is_off(apart):
    (outcome,) = run(apart / "data", apart / "out", contours=apart / "lge", align="off")
    assert "resample both to one grid" in outcome.error


def test_a_run_that_the_user_stops_says_what_is_kept_and_that_all_is_done_again(
    cli, data, tmp_path, monkeypatch
):
    whole, out = cohort.threshold_cohort, tmp_path / "out"

    def stopped_after_one(files, *rest, **options):
        yield from whole(files[:1], *rest, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(cohort, "threshold_cohort", stopped_after_one)
    stopped = cli("threshold", "-i", data, "-o", out, "--method", "5sd", "-q")
    assert stopped.code == 130
    assert f"is whole, in {out}; the same command does all of them again" in stopped.err
    assert len(list(out.glob("*_seg.nii.gz"))) == 1
