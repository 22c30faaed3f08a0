import json

import pytest
from matplotlib import image as matplotlib_image

import myoseg
from myoseg.errors import OutputError
from myoseg.quantification.agreement_case import CASE_MEASURES, SEGMENT_MEASURES
from myoseg.reporting.agreement_report import DRAWN, agree, title_of_measure


@pytest.fixture
def readers(write_ring, tmp_path):
    for case, first, second in (("a", 90, 60), ("b", 0, 0), ("c", 180, 200)):
        write_ring(f"one/{case}_seg.nii.gz", first)
        write_ring(f"two/{case}_gd.nii.gz", second)
    return tmp_path / "one", tmp_path / "two"


def test_tables_and_figures_of_the_key_measures_are_written(readers, tmp_path):
    out = tmp_path / "out"
    found = agree(*readers, out, names=("Kim", "model"))
    names = {path.name for path in out.iterdir()}
    assert names == {
        *("agreement.json", "agreement.csv", "cases.csv", "dice.csv", "flags.csv"),
        *(f"bland_altman_{measure}.png" for measure in DRAWN),
    }
    assert found.names == ("Kim", "model")
    picture = matplotlib_image.imread(out / "bland_altman_scar_mass_g.png")
    assert picture.shape[:2] == (660, 960)
    assert picture.std() > 0.05, "something is drawn"


def test_a_measure_without_a_pair_has_no_figure(readers, tmp_path):
    for case in "abc":
        groups = [["lv_blood_pool"], ["edema", "normal_myocardium", "scar"], ["rv_blood_pool"]]
        (readers[0] / f"{case}_stats.json").write_text(json.dumps({"groups": groups}))
    agree(*readers, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert "bland_altman_lv_mass_g.png" in names
    assert "bland_altman_scar_mass_g.png" not in names


def test_without_a_folder_nothing_is_written(readers, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert myoseg.agree(*readers).n_cases == 3
    assert sorted(tmp_path.rglob("*")) == before


def test_cases_are_watched_as_they_come(readers):
    seen = []

    def watch(cases, n):
        for case in cases:
            seen.append((case.case, n))
            yield case

    assert agree(*readers, watch=watch).n_cases == 3
    assert seen == [("a", 3), ("b", 3), ("c", 3)]


def test_a_file_in_place_of_the_folder_is_refused(readers, tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="cannot write"):
        agree(*readers, tmp_path / "out")


def test_every_measure_drawn_is_one_that_is_compared_and_has_a_title():
    compared = {*CASE_MEASURES, *SEGMENT_MEASURES}
    assert set(DRAWN) <= compared
    for measure in compared:
        assert "_" not in title_of_measure(measure)
