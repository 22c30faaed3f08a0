import csv
import json
import shutil
from collections import Counter

import nibabel as nib
import pytest

from myoseg.cases.layouts import find_cases
from myoseg.errors import ConfigurationError, InputError, MyosegError
from myoseg.files import sha256_of
from myoseg.reproduction import experiment
from myoseg.reproduction.experiment import in_words, reproduce
from myoseg.training import fit as fit_module
from myoseg.training.interruption import TrainingInterruptedError
from myoseg.training.recipe import load_recipe

METHODS = ("unet", "proposed_without_linear", "proposed")
SHARED = ("lv_blood_pool", "rv_blood_pool", "normal_myocardium", "scar")


def weights_in(out):
    return {
        path.relative_to(out).as_posix(): (path.stat().st_mtime_ns, sha256_of(path))
        for path in out.rglob("weights.safetensors")
    }


def masks_in(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob("*_seg.nii.gz")}


@pytest.fixture
def trained(monkeypatch):
    """Which networks are trained rather than found or taken over."""
    folders = []
    fit_network = fit_module.fit_network

    def noted(member, recipe, folder, *rest, **options):
        folders.append(folder)
        return fit_network(member, recipe, folder, *rest, **options)

    monkeypatch.setattr(fit_module, "fit_network", noted)
    return folders


def test_the_papers_experiment_from_data_to_table_and_figures(
    phantom_data, smallest_settings, tmp_path, trained, caplog
):
    """All three methods with all three networks; then once more, when nothing is left to do."""
    recipe = load_recipe("demo", smallest_settings)
    out = tmp_path / "out"
    caplog.set_level("INFO", logger="myoseg")

    assert reproduce(phantom_data, recipe, out, device="cpu", progress=False) == out

    assert "4 training and 2 test cases, 1 fold(s), preset demo: training takes at most" in (
        caplog.text
    )
    for name in ("table1.md", "table1.csv", "wilcoxon.csv"):
        assert (out / name).read_text(encoding="utf-8").strip()
    for number in (3, 4, 5):
        assert (out / f"figure{number}.png").read_bytes().startswith(b"\x89PNG")
    networks = Counter(name.split("/")[0] for name in weights_in(out))
    assert networks == {"unet": 5, "proposed_without_linear": 9, "proposed": 9}
    assert len(trained) == 5 + 9 + 9 - len(SHARED)
    for method in METHODS:
        assert json.loads((out / method / "metrics.json").read_text())["n_cases"] == 2
        assert len(list((out / method / "predicted").glob("*_seg.nii.gz"))) == 2
    for block in SHARED:
        theirs, ours = (
            out / method / "networks" / "test" / block / "unet" for method in METHODS[:2]
        )
        assert sha256_of(theirs / "weights.safetensors") == sha256_of(ours / "weights.safetensors")
        card = json.loads((ours / "network.json").read_text())
        expected = ["unet", "mask_rcnn", "unet_plus_plus"] if block == "scar" else ["unet"]
        assert card["block"]["networks"] == expected

    before = weights_in(out), masks_in(out)
    trained.clear()
    reproduce(phantom_data, recipe, out, device="cpu", progress=False)
    assert (weights_in(out), masks_in(out)) == before
    assert trained == []


def test_other_settings_or_cases_are_refused(run_experiment, finished, phantom_data, tmp_path):
    out = finished
    before = weights_in(out)
    with pytest.raises(ConfigurationError, match=r"other settings or other cases \(see .*json\)"):
        run_experiment("seed=1")
    fewer = shutil.copytree(phantom_data, tmp_path / "fewer")
    for path in find_cases(fewer)[0].paths:
        path.unlink()
    with pytest.raises(ConfigurationError, match="give another output folder"):
        run_experiment(data=fewer)
    (out / "experiment.json").write_text("{")
    with pytest.raises(ConfigurationError, match="give another output folder"):
        run_experiment()
    assert weights_in(out) == before


def test_an_experiment_that_was_stopped_between_methods_goes_on(
    run_experiment, monkeypatch, trained, tmp_path
):
    calls = []
    train = fit_module.train

    def stopped(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise TrainingInterruptedError("stopped.")
        return train(*arguments, **options)

    monkeypatch.setattr(experiment, "train", stopped)
    with pytest.raises(TrainingInterruptedError):
        run_experiment()
    out = tmp_path / "out"
    first = weights_in(out)
    assert len(first) == 2
    assert not (out / "table1.md").exists()
    trained.clear()

    run_experiment()

    assert weights_in(out).items() >= first.items()
    assert not any("/unet/networks/" in path.as_posix() for path in trained)
    assert (out / "table1.md").is_file()
    assert not list(out.rglob(".*"))


def test_a_method_that_was_killed_within_goes_on(run_experiment, finished, trained):
    """Its description and its last network are gone, as after a kill, with a copy half done."""
    out = finished
    run = out / "proposed_without_linear" / "networks" / "test"
    before = {name: sha for name, (_, sha) in weights_in(out).items()}
    shutil.copytree(run / "scar" / "unet", run / "scar" / ".0a1b2c3d-unet")
    shutil.rmtree(run / "scar" / "unet")
    (run / "model.json").unlink()
    run_experiment()
    assert {name: sha for name, (_, sha) in weights_in(out).items()} == before
    assert trained == []
    assert not list(out.rglob(".*"))


def test_predictions_that_are_gone_are_made_again(run_experiment, finished):
    out = finished
    before = weights_in(out)
    mask = next((out / "proposed" / "predicted").glob("*_seg.nii.gz"))
    content = mask.read_bytes()
    mask.unlink()
    run_experiment()
    assert mask.read_bytes() == content
    assert weights_in(out) == before


def test_without_a_labelled_test_set_patients_are_cross_validated(
    run_experiment, phantom_data, tmp_path
):
    """Each case is predicted once, by networks that did not see it."""
    data = shutil.copytree(phantom_data, tmp_path / "training_only")
    for files in find_cases(data):
        if files.role == "test":
            files.labels.unlink()
    out = run_experiment(data=data, n_folds=2)
    names = {files.name for files in find_cases(data) if files.role != "test"}
    for method in METHODS:
        predicted = (out / method / "predicted").glob("*_seg.nii.gz")
        assert {path.name.removesuffix("_seg.nii.gz") for path in predicted} == names
        folds = {path.name for path in (out / method / "networks").iterdir()}
        assert folds == {"fold-0", "fold-1"}
    record = json.loads((out / "experiment.json").read_text())
    for fold in record["folds"]:
        assert not set(fold["training"]) & set(fold["test"])
    with (out / "proposed" / "metrics.csv").open() as stream:
        assert {row["case"] for row in csv.DictReader(stream)} == names


def test_too_few_patients_are_refused_before_anything_is_written(
    run_experiment, phantom_data, tmp_path
):
    data = shutil.copytree(phantom_data, tmp_path / "few")
    for files in find_cases(data):
        if files.role == "test":
            files.labels.unlink()
    with pytest.raises(InputError, match="4 labelled patients are too few for 5 folds; give more"):
        run_experiment(data=data)
    assert not (tmp_path / "out").exists()


def test_a_test_case_that_cannot_be_segmented_is_named(run_experiment, phantom_data, tmp_path):
    """Its images are damaged; its labels can be read, and it is no part of training."""
    data = shutil.copytree(phantom_data, tmp_path / "damaged")
    case = next(files for files in find_cases(data) if files.role == "test")
    for path in case.images.values():
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(MyosegError, match=rf"1 of 2 test cases.*the first: {case.name}: "):
        run_experiment(data=data)
    assert not (tmp_path / "out" / "table1.md").exists()


def test_several_devices_train_and_the_first_predicts(run_experiment, finished, monkeypatch):
    asked = []

    def on_cpu(function):
        def noted(*arguments, device, **options):
            asked.append(device)
            return function(*arguments, device="cpu", **options)

        return noted

    monkeypatch.setattr(experiment, "train", on_cpu(experiment.train))
    load_model = on_cpu(experiment.load_model)
    monkeypatch.setattr(experiment, "load_model", lambda run, name: load_model(run, device=name))
    run_experiment(device="gpu:1,0")
    assert asked == ["gpu:1,0", "gpu:1"] * 3


def test_masks_lie_on_the_grid_of_their_test_cases(finished, phantom_data):
    for files in find_cases(phantom_data):
        if files.role == "test":
            mask = nib.load(finished / "proposed" / "predicted" / f"{files.name}_seg.nii.gz")
            assert mask.shape == nib.load(files.labels).shape


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.0, "1 minute"), (150.0, "2 minutes"), (3600.0, "1.0 hours"), (86400.0 * 26, "26.0 days")],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert in_words(seconds) == words
