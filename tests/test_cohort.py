import errno
import json
import os
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.block_tables import PHYSIOLOGICAL
from myoseg.cases.case_files import case_files
from myoseg.cases.layouts import find_cases
from myoseg.cohort import CaseOutcome, PredictOptions, predict_cohort
from myoseg.errors import OutputError
from myoseg.prediction.ensemble_model import EnsembleModel
from myoseg.slices.normalisation import Preprocessing


def bright(images):
    return np.clip(images[:, 0], 0, 1)


@pytest.fixture
def model():
    """One that takes no training."""
    predictors = {block.name: (bright,) for block in PHYSIOLOGICAL.blocks}
    return EnsembleModel(PHYSIOLOGICAL, Preprocessing(32), predictors)


@pytest.fixture
def test_cases(phantom_data):
    return [files for files in find_cases(phantom_data) if files.role == "test"]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_each_case_gets_a_mask_statistics_and_a_preview(test_cases, model, tmp_path):
    outcomes = list(predict_cohort(test_cases, model, tmp_path))
    assert outcomes == [CaseOutcome(files.name) for files in test_cases]
    assert names_in(tmp_path) == sorted(
        f"{files.name}_{kind}"
        for files in test_cases
        for kind in ("seg.nii.gz", "stats.json", "preview.png")
    )
    for files in test_cases:
        mask = nib.load(tmp_path / f"{files.name}_seg.nii.gz")
        image = nib.load(files.images[Sequence.LGE])
        assert mask.shape == image.shape
        np.testing.assert_allclose(mask.affine, image.affine, atol=1e-5)
        assert set(np.unique(mask.dataobj)) <= {0, 200, 500, 600, 1220, 2221}
        stats = json.loads((tmp_path / f"{files.name}_stats.json").read_text())
        assert stats["not_assessed"] == []


def test_consecutive_codes_are_written_if_asked_for(test_cases, model, tmp_path):
    list(predict_cohort(test_cases[:1], model, tmp_path, PredictOptions(consecutive=True)))
    mask = nib.load(tmp_path / f"{test_cases[0].name}_seg.nii.gz")
    assert set(np.unique(mask.dataobj)) <= {0, 1, 2, 3, 4, 5}


def test_probabilities_are_written_for_each_block_if_asked_for(test_cases, model, tmp_path):
    list(predict_cohort(test_cases[:1], model, tmp_path, PredictOptions(probabilities=True)))
    name = test_cases[0].name
    assert names_in(tmp_path / "probabilities") == sorted(
        f"{name}_{block.name}.nii.gz" for block in PHYSIOLOGICAL.blocks
    )
    stored = nib.load(tmp_path / "probabilities" / f"{name}_lvms.nii.gz")
    image = nib.load(test_cases[0].images[Sequence.LGE])
    assert stored.get_data_dtype() == np.float32
    assert stored.shape == image.shape
    np.testing.assert_allclose(stored.affine, image.affine, atol=1e-5)
    assert 0 < np.asarray(stored.dataobj).max() <= 1


def test_statistics_tell_the_quality(test_cases, model, tmp_path):
    list(predict_cohort(test_cases[:1], model, tmp_path))
    stats = json.loads((tmp_path / f"{test_cases[0].name}_stats.json").read_text())
    assert 0 <= stats["quality"]["confidence"] <= 1
    assert set(stats["quality"]["expected_dice"]) == {b.name for b in PHYSIOLOGICAL.blocks}


def test_cases_are_read_as_they_are_asked_for_and_one_ahead(test_cases, model, tmp_path):
    taken = []
    many = (taken.append(k) or replace(test_cases[0], name=f"case{k}") for k in range(6))
    outcomes = predict_cohort(many, model, tmp_path)
    assert names_in(tmp_path) == []
    next(outcomes)
    assert taken == [0, 1, 2]
    assert (tmp_path / "case0_seg.nii.gz").is_file()


def test_a_case_that_fails_does_not_stop_the_others(test_cases, model, tmp_path, caplog):
    bad = case_files(lge=tmp_path / "gone.nii.gz", name="bad")
    out = tmp_path / "out"
    outcomes = list(predict_cohort([bad, *test_cases], model, out))
    assert [outcome.error is None for outcome in outcomes] == [False, True, True]
    assert "gone.nii.gz does not exist; give the path" in outcomes[0].error
    assert "bad: " in caplog.text
    assert "Traceback" not in caplog.text
    assert not [name for name in names_in(out) if name.startswith(("bad", "."))]


def test_what_nobody_expected_is_told_with_its_traceback(test_cases, model, tmp_path, caplog):
    def broken(images):
        raise ZeroDivisionError("oh")

    table = PHYSIOLOGICAL
    predictors = {block.name: (broken,) for block in table.blocks}
    broken_model = EnsembleModel(table, model.preprocessing, predictors)
    (outcome,) = predict_cohort(test_cases[:1], broken_model, tmp_path)
    assert outcome.error == "ZeroDivisionError: oh"
    assert "Traceback" in caplog.text


def test_a_full_disk_ends_the_cohort_and_leaves_no_half_file(
    test_cases, model, tmp_path, monkeypatch
):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"stats\.json: No space left.*free some space"):
        list(predict_cohort(test_cases, model, tmp_path / "out"))
    assert names_in(tmp_path / "out") == []


def test_no_cases_are_no_work(model, tmp_path):
    assert list(predict_cohort([], model, tmp_path / "out")) == []
    assert not (tmp_path / "out").exists()


def test_a_name_that_no_file_could_have_fails_alone(test_cases, model, tmp_path):
    long = replace(test_cases[0], name="n" * 230)
    outcomes = list(predict_cohort([long, *test_cases], model, tmp_path))
    assert "230 bytes" in outcomes[0].error
    assert not any(outcome.error for outcome in outcomes[1:])
