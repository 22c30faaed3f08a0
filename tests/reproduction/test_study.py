import json

import pytest

from myoseg.cases.layouts import find_cases
from myoseg.cases.phantom import PhantomConfig
from myoseg.errors import ModelError
from myoseg.quantification.region_score import RegionScore
from myoseg.reproduction.study import SimulatedStudy, in_plain_words, run_study

TINY = PhantomConfig(
    matrix=(32, 32), spacing_mm=(5.0, 5.0), n_slices=(2, 2), supersampling=1, n_sub_slices=1
)


def test_a_study_is_simulated_segmented_measured_scored_and_drawn(shipped_default, tmp_path):
    study = run_study(tmp_path / "study", seed=3, device="cpu", config=TINY)
    files = {path.name for path in (tmp_path / "study").iterdir()}
    name = study.case.name
    assert name == "phantom_00003"
    assert {
        f"{name}_seg.nii.gz",
        f"{name}_stats.json",
        study.preview.name,
        study.report.name,
    } < files
    assert {study.comparison.name, "metrics.csv", "metrics.json", "run.json", "input"} < files
    manifest = json.loads((tmp_path / "study" / "run.json").read_text())
    assert (manifest["seed"], len(manifest["hashes"]["model"])) == (3, 64)
    (files_of_case,) = find_cases(tmp_path / "study" / "input")
    assert len(files_of_case.images) == 3
    assert files_of_case.labels is not None
    words = in_plain_words(study)
    assert str(study.preview.resolve()) in words
    assert str(study.report.resolve()) in words
    assert "2 slices of bSSFP, LGE, T2" in words
    assert "LV blood pool: found " in words


def test_what_was_found_is_said_in_plain_words(shipped_default, tmp_path):
    case = run_study(tmp_path, device="cpu", config=TINY)
    scores = (
        RegionScore("a", "scar", 0.805, 0.67, 1.0, 0.5, 11.0, 12.34),
        RegionScore("a", "edema+scar", None, None, None, None, 0.0, 0.0),
        RegionScore("a", "myocardium", None, None, None, None, 90.0, None),
    )
    words = in_plain_words(SimulatedStudy(case.case, case.segmentation, scores, tmp_path))
    assert "scar: found 12.3 ml, true are 11.0 ml; the overlap (Dice) is 80 %" in words
    assert "edema + scar: found 0.0 ml, true are 0.0 ml\n" in words
    assert "myocardium: not assessed" in words
    assert "For research only" in words


def test_without_the_default_model_nothing_is_written(shipped_default, tmp_path):
    (shipped_default / "model.json").unlink()
    with pytest.raises(ModelError, match=r"no model 'default'"):
        run_study(tmp_path / "study", config=TINY)
    assert not (tmp_path / "study").exists()
