import inspect
import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

import myoseg
from myoseg.anatomy import Sequence
from myoseg.cases.case import Case
from myoseg.cases.layouts import find_cases
from myoseg.cases.phantom import SMALL
from myoseg.errors import ConfigurationError, GeometryError, InputError, ModelError, OutputError

OBLIQUE = np.array(
    [
        [4.2, -0.5, 3.0, -80.0],
        [0.6, 4.1, -4.0, 12.5],
        [-0.2, 0.7, 9.0, 101.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


@pytest.fixture(scope="session")
def model(trained_run):
    return myoseg.load_model(trained_run, "cpu")


@pytest.fixture
def test_case(phantom_data):
    """Files of the first test case."""
    return next(files for files in find_cases(phantom_data) if files.role == "test")


@pytest.fixture
def arrays():
    """Three sequences of 3 slices of 30 rows and 27 columns, with the axes of NIfTI."""
    rng = np.random.default_rng(0)
    return {str(s): rng.normal(100, 20, (27, 30, 3)).astype(np.float32) for s in Sequence}


def test_the_public_names_are_these():
    names = [
        "Result",
        "__version__",
        "agree",
        "evaluate",
        "load_model",
        "phantom",
        "segment",
        "train",
    ]
    assert myoseg.__all__ == dir(myoseg) == names
    for name in names:
        assert getattr(myoseg, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = myoseg.nonsense


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("segment", ["bssfp", "lge", "t2", "model", "affine", "name", "device", "align"]),
        (
            "train",
            [
                "data",
                "out",
                "recipe",
                "layout",
                "device",
                "fold",
                "resume",
                "progress",
                "n_workers",
            ],
        ),
        ("phantom", ["seed", "config"]),
        ("load_model", ["model", "device", "engine", "precision", "n_threads"]),
    ],
)
def test_the_public_parameters_are_these(name, parameters):
    assert list(inspect.signature(getattr(myoseg, name)).parameters) == parameters


@pytest.mark.parametrize(
    "code", ["import myoseg", "import myoseg; myoseg.__version__; dir(myoseg)"]
)
def test_importing_the_package_loads_none_of_the_heavy_libraries(code):
    heavy = {"torch", "lightning", "pandas", "matplotlib", "scipy", "nibabel", "numpy"}
    script = f"{code}\nimport sys\nprint(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_segmenting_images_on_one_grid_loads_neither_pytorch_nor_simpleitk():
    pytest.importorskip("openvino")
    script = """
import sys, numpy, myoseg
image = myoseg.phantom(seed=0).images
result = myoseg.segment(
    **{str(s): volume[:2].T for s, volume in image.items()}, affine=numpy.diag([1.25, 1.25, 8, 1]),
    device="cpu",
)
print(*sorted({"torch", "lightning", "SimpleITK", "matplotlib"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_paths_images_and_arrays_give_one_result(test_case, model):
    paths = {str(sequence): path for sequence, path in test_case.images.items()}
    images = {name: nib.load(path) for name, path in paths.items()}
    affine = images["lge"].affine
    of_paths = myoseg.segment(**paths, model=model)
    of_texts = myoseg.segment(**{name: str(path) for name, path in paths.items()}, model=model)
    of_images = myoseg.segment(**images, model=model)
    stored = {name: np.asarray(image.dataobj) for name, image in images.items()}
    of_arrays = myoseg.segment(**stored, affine=affine, model=model)
    for result in (of_paths, of_texts, of_images, of_arrays):
        assert result.labels.shape == images["lge"].shape
        np.testing.assert_array_equal(result.labels, of_paths.labels)
        np.testing.assert_allclose(result.affine, affine, atol=1e-5)


def test_labels_have_the_axes_and_the_affine_of_the_arrays(arrays, model):
    result = myoseg.segment(**arrays, affine=OBLIQUE, model=model)
    assert result.labels.shape == (27, 30, 3)
    assert result.labels.dtype == np.int16
    np.testing.assert_array_equal(result.affine, OBLIQUE)
    np.testing.assert_array_equal(result.labels, result.segmentation.labels.codes.T)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float16, np.float64, ">i2"])
def test_arrays_of_any_real_type_are_taken(arrays, model, dtype):
    whole = np.round(arrays["lge"] > 100).astype(dtype)
    result = myoseg.segment(lge=whole, affine=OBLIQUE, model=model)
    expected = myoseg.segment(lge=whole.astype(np.float32), affine=OBLIQUE, model=model)
    np.testing.assert_array_equal(result.labels, expected.labels)


def test_the_given_arrays_stay_as_they_are(arrays, model):
    arrays["lge"][0, 0, 0] = np.nan
    before = arrays["lge"].copy()
    myoseg.segment(lge=arrays["lge"], affine=OBLIQUE, model=model)
    np.testing.assert_array_equal(arrays["lge"], before)


def test_statistics_say_what_was_not_assessed(arrays, model):
    stats = myoseg.segment(lge=arrays["lge"], affine=OBLIQUE, model=model).stats
    assert "edema" in stats["not_assessed"]
    assert stats["volumes_ml"]["edema"] is None
    assert stats["volumes_ml"]["scar"] is not None
    assert stats["shape"] == [3, 30, 27]
    json.dumps(stats, allow_nan=False)


def test_a_result_is_saved_as_predict_saves_it(arrays, model, tmp_path):
    result = myoseg.segment(**arrays, affine=OBLIQUE, model=model, name="mine")
    result.save(tmp_path / "new" / "out")
    names = sorted(path.name for path in (tmp_path / "new" / "out").iterdir())
    assert names == ["mine_preview.png", "mine_seg.nii.gz", "mine_stats.json"]
    saved = nib.load(tmp_path / "new" / "out" / "mine_seg.nii.gz")
    np.testing.assert_array_equal(np.asarray(saved.dataobj), result.labels)
    np.testing.assert_allclose(saved.affine, OBLIQUE, atol=1e-5)
    result.save(str(tmp_path / "consecutive"), consecutive=True)
    saved = nib.load(tmp_path / "consecutive" / "mine_seg.nii.gz")
    assert np.asarray(saved.dataobj).max() <= 5


def test_probabilities_have_the_axes_of_the_arrays_and_are_saved_if_asked_for(
    arrays, model, tmp_path
):
    result = myoseg.segment(**arrays, affine=OBLIQUE, model=model, name="mine")
    assert set(result.probabilities) == {block.name for block in model.table.blocks}
    scar = result.probabilities["lvms"]
    assert scar.shape == (27, 30, 3)
    assert scar.dtype == np.float32
    result.save(tmp_path, probabilities=True)
    saved = nib.load(tmp_path / "probabilities" / "mine_lvms.nii.gz")
    np.testing.assert_array_equal(np.asarray(saved.dataobj), scar)
    np.testing.assert_allclose(saved.affine, OBLIQUE, atol=1e-5)


def test_statistics_say_how_far_to_rely_on_them(arrays, model):
    quality = myoseg.segment(**arrays, affine=OBLIQUE, model=model).stats["quality"]
    assert 0 <= quality["confidence"] <= 1
    assert set(quality["expected_dice"]) == {block.name for block in model.table.blocks}


def test_saving_where_nothing_can_be_written_is_refused(arrays, model, tmp_path):
    (tmp_path / "taken").write_text("a file")
    result = myoseg.segment(**arrays, affine=OBLIQUE, model=model)
    with pytest.raises(OutputError, match=r"cannot write .*taken.*another output folder"):
        result.save(tmp_path / "taken")


def test_a_model_is_taken_by_its_folder(arrays, trained_run, model):
    by_path = myoseg.segment(**arrays, affine=OBLIQUE, model=trained_run, device="cpu")
    by_text = myoseg.segment(**arrays, affine=OBLIQUE, model=str(trained_run), device="cpu")
    loaded = myoseg.segment(**arrays, affine=OBLIQUE, model=model)
    np.testing.assert_array_equal(by_path.labels, loaded.labels)
    np.testing.assert_array_equal(by_text.labels, loaded.labels)


def test_a_device_that_is_not_there_is_refused(arrays, trained_run):
    with pytest.raises(ConfigurationError, match=r"'tpu' is not on this machine; it has"):
        myoseg.segment(lge=arrays["lge"], affine=OBLIQUE, model=trained_run, device="tpu")


def test_errors_of_segment_name_the_fault_and_the_remedy(arrays, model, tmp_path):
    def refused(error, match, **arguments):
        with pytest.raises(error, match=match):
            myoseg.segment(**{"model": model, "affine": OBLIQUE} | arguments)

    lge = arrays["lge"]
    refused(InputError, r"has no sequence; give one of bssfp, lge, t2")
    refused(InputError, r"lge image is an array.*give `affine`", lge=lge, affine=None)
    refused(InputError, r"all as paths, or all as images", lge=lge, t2="t2.nii.gz")
    refused(
        InputError, r"gone\.nii\.gz does not exist; give the path", lge=tmp_path / "gone.nii.gz"
    )
    refused(InputError, r"complex64 values, not of real numbers", lge=lge.astype(np.complex64))
    refused(InputError, r"lge image is 4-D \(27x30x3x2\)", lge=np.stack([lge, lge], axis=3))
    refused(InputError, r"lge image is 27x30x0 and holds no slice", lge=lge[..., :0])
    refused(InputError, r"lge image is NaN or infinite throughout", lge=np.full_like(lge, np.nan))
    flat = OBLIQUE * [1, 1, 0, 1]
    for affine in (np.zeros((4, 4)), np.full((4, 4), np.nan)):
        refused(InputError, r"`affine` is .*give the 4 x 4 matrix", lge=lge, affine=affine)
    refused(InputError, r"affine that maps no grid|`affine` is", lge=lge, affine=flat)
    refused(
        GeometryError,
        r"t2 image is 27x30x2 but .*lge image is 27x30x3.*resample",
        lge=lge,
        t2=lge[..., :2],
        align="off",
    )
    refused(InputError, r"no alignment 'most'", lge=lge, align="most")
    refused(ModelError, r"holds no model", lge=lge, model=tmp_path)


def test_what_is_no_image_is_refused_where_types_are_not_checked():
    script = "import myoseg; myoseg.segment({'lge': 'lge.nii.gz'})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith(
        "InputError: the bssfp image is of type dict; "
        "give a path, a NIfTI image of nibabel or an array."
    )


def test_a_phantom_is_a_case_with_labels_that_its_seed_decides():
    case = myoseg.phantom(seed=3, config=SMALL)
    assert isinstance(case, Case)
    assert case.sequences == tuple(Sequence)
    assert case.labels is not None
    again = myoseg.phantom(seed=3, config=SMALL)
    np.testing.assert_array_equal(case.images[Sequence.LGE], again.images[Sequence.LGE])
    other = myoseg.phantom(seed=4, config=SMALL)
    assert case.images[Sequence.LGE].tobytes() != other.images[Sequence.LGE].tobytes()


def test_cases_meant_for_testing_are_left_out_of_training(trained_run):
    assert json.loads((trained_run / "model.json").read_text())["n_cases"] == 4


def test_training_takes_a_recipe_file_and_refuses_a_preset_that_is_none(phantom_data, tmp_path):
    with pytest.raises(ConfigurationError, match=r"phisiological.*did you mean physiological"):
        myoseg.train(phantom_data, tmp_path / "run", recipe="phisiological")
    assert not (tmp_path / "run").exists()


def test_evaluating_a_data_set_against_itself_is_perfect(phantom_data):
    evaluation = myoseg.evaluate(phantom_data, phantom_data)
    assert evaluation.n_cases == 6
    assert {score.dice for score in evaluation.scores} <= {1.0, None}


def test_the_shipped_model_is_used_where_none_is_named(arrays, shipped_default):
    unnamed = myoseg.segment(lge=arrays["lge"], affine=OBLIQUE, device="cpu")
    named = myoseg.segment(lge=arrays["lge"], affine=OBLIQUE, model="default", device="cpu")
    np.testing.assert_array_equal(unnamed.labels, named.labels)
    with pytest.raises(ModelError, match=r"no model 'best'.*shipped model: default"):
        myoseg.segment(lge=arrays["lge"], affine=OBLIQUE, model="best")
