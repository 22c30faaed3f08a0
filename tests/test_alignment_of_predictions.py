import json

import nibabel as nib
import numpy as np
import pytest

import myoseg
from myoseg.block_tables import PHYSIOLOGICAL
from myoseg.cases.case_files import case_files
from myoseg.cohort import CaseOutcome, PredictOptions, predict_cohort
from myoseg.prediction.ensemble_model import EnsembleModel
from myoseg.slices.normalisation import Preprocessing

FINE = np.diag([1.5, 1.5, 10.0, 1.0])
COARSE = np.diag([3.0, 3.0, 10.0, 1.0])


@pytest.fixture
def model():
    """One that takes no training."""
    predictors = {
        block.name: (lambda images: np.clip(images[:, 0], 0, 1),) for block in PHYSIOLOGICAL.blocks
    }
    return EnsembleModel(PHYSIOLOGICAL, Preprocessing(32), predictors)


@pytest.fixture
def paths(tmp_path):
    """LGE of four slices; bSSFP and T2 of three, with pixels twice as large."""
    rng = np.random.default_rng(0)
    shapes = {"bssfp": (24, 24, 3), "lge": (48, 48, 4), "t2": (24, 24, 3)}
    written = {}
    for name, shape in shapes.items():
        written[name] = tmp_path / f"p1_{name}.nii.gz"
        values = rng.uniform(0, 100, shape).astype(np.float32)
        nib.save(nib.Nifti1Image(values, FINE if name == "lge" else COARSE), written[name])
    return written


def test_what_is_found_lies_on_the_grid_of_lge_and_says_how_images_came_there(
    paths, model, tmp_path
):
    options = PredictOptions(align="geometry")
    assert list(predict_cohort([case_files(**paths, name="p1")], model, tmp_path, options)) == [
        CaseOutcome("p1")
    ]
    mask = nib.load(tmp_path / "p1_seg.nii.gz")
    assert mask.shape == (48, 48, 4)
    np.testing.assert_allclose(mask.affine, FINE)
    stats = json.loads((tmp_path / "p1_stats.json").read_text())
    told = stats["alignment"]
    assert (told["mode"], told["reference"]) == ("geometry", "lge")
    assert [each["source_index"] for each in told["sequences"]["t2"]["slices"]] == [0, 1, 2, None]
    names = {flag["name"] for flag in stats["quality"]["flags"]}
    assert {"bssfp_not_covered", "t2_not_covered"} <= names


def test_off_refuses_a_case_on_two_grids_and_names_the_remedy(paths, model, tmp_path):
    options = PredictOptions(align="off")
    (outcome,) = predict_cohort([case_files(**paths, name="p1")], model, tmp_path, options)
    assert "resample both to one grid" in outcome.error


def test_images_on_one_grid_have_no_alignment_to_tell(paths, model, tmp_path):
    both = {name: paths[name] for name in ("bssfp", "t2")}
    result = myoseg.segment(**both, model=model)
    assert result.alignment is None
    assert "alignment" not in result.stats


def test_from_python_images_on_two_grids_are_aligned(paths, model, tmp_path):
    result = myoseg.segment(**paths, model=model, align="geometry")
    assert result.labels.shape == (48, 48, 4)
    assert result.stats["alignment"]["mode"] == "geometry"
    result.save(tmp_path / "out")
    (stats,) = (tmp_path / "out").glob("*_stats.json")
    assert json.loads(stats.read_text())["alignment"] == result.stats["alignment"]
