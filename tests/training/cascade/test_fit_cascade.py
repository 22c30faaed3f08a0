import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch

from myoseg.cases.phantom import SMALL, simulate_case
from myoseg.errors import ConfigurationError, InputError, ModelError, OutputError
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import segment
from myoseg.training.cascade import fit, train_stage
from myoseg.training.cascade.examples import SimulatedExamples
from myoseg.training.cascade.fit import train_cascade
from myoseg.training.cascade.fit_stage import fit_stage
from myoseg.training.cascade.labelled_slices import LabelledExamples
from myoseg.training.cascade.recipe import load_cascade_recipe
from myoseg.training.hardware import Hardware
from myoseg.training.interruption import TrainingInterruptedError

CPU = torch.device("cpu")


def quiet(recipe, out, **options):
    return train_cascade(recipe, out, device="cpu", progress=False, n_workers=0, **options)


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    """So that stages are trained in turn, in this process; see test_side_by_side.py."""
    monkeypatch.setattr(fit, "n_cores", lambda: 1)


def weights_of(folder, stage):
    return safetensors.torch.load_file(folder / f"{stage}.safetensors")


@pytest.fixture
def fitted(tiny_recipe, tmp_path):
    return quiet(tiny_recipe, tmp_path / "run")


def test_a_trained_cascade_segments_a_case(fitted):
    model = load_model(fitted, "cpu")
    segmentation = segment(simulate_case(1, SMALL), model)
    assert segmentation.labels.not_assessed == ()
    assert set(segmentation.probabilities) == {block.name for block in model.table.blocks}
    record = json.loads((fitted / "model.json").read_text())
    assert all(stage["finished"] for stage in record["stages"])
    assert not list(fitted.rglob("*_state.safetensors"))
    assert (fitted / "anatomy" / "curve.csv").read_text().count("\n") == 3


def test_a_run_that_was_stopped_ends_in_the_weights_of_one_that_was_not(tiny_recipe, tmp_path):
    (stage, _), settings = tiny_recipe.built_stages, tiny_recipe.stages["anatomy"]
    examples = SimulatedExamples(stage, settings, tiny_recipe.simulation, 0)

    def fit_into(folder, **options):
        return fit_stage(
            stage, examples, settings.schedule, folder, seed=0, device=CPU, n_workers=0, **options
        )

    whole = fit_into(tmp_path / "whole").state_dict()
    asked = iter([False, False, True])
    with pytest.raises(TrainingInterruptedError, match="after step 3"):
        fit_into(tmp_path / "stopped", should_stop=lambda: next(asked))
    resumed = fit_into(tmp_path / "stopped").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_an_unfinished_run_says_so_and_how_it_goes_on(tiny_recipe, tmp_path, monkeypatch):
    stopped = TrainingInterruptedError("training was stopped after step 3")

    def stop(*_arguments, **_options):
        raise stopped

    monkeypatch.setattr(train_stage, "fit_stage", stop)
    run = tmp_path / "run"
    with pytest.raises(TrainingInterruptedError, match=r"step 3\. Continue the run in .* --resume"):
        quiet(tiny_recipe, run)
    with pytest.raises(ModelError, match="not finished; continue it with"):
        load_model(run, "cpu")


def test_a_run_whose_record_of_data_is_lost_is_not_resumed(tiny_recipe, fitted):
    (fitted / "data.json").unlink()
    with pytest.raises(ModelError, match=r"data\.json cannot be read"):
        quiet(tiny_recipe, fitted, resume=True)


def test_several_gpus_are_refused_since_one_is_used(tiny_recipe, tmp_path, monkeypatch):
    both = Hardware("gpu:0,1", "gpu", (0, 1), "bf16-mixed")
    monkeypatch.setattr(fit, "find_hardware", lambda _device: both)
    with pytest.raises(ConfigurationError, match="names 2 GPUs"):
        quiet(tiny_recipe, tmp_path / "run")


def test_what_is_done_already_stays_as_it_is(tiny_recipe, fitted):
    before = weights_of(fitted, "anatomy")
    (fitted / "pathology.safetensors").unlink()
    quiet(tiny_recipe, fitted, resume=True)
    after = weights_of(fitted, "anatomy")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert load_model(fitted, "cpu").table.blocks


def test_a_folder_in_use_or_of_other_settings_is_refused(tiny_recipe, fitted):
    with pytest.raises(OutputError, match="--resume"):
        quiet(tiny_recipe, fitted)
    other = tiny_recipe.model_copy(update={"seed": 5})
    with pytest.raises(ConfigurationError, match="seed was 0 and is 5"):
        quiet(other, fitted, resume=True)
    with pytest.raises(InputError, match="other data"):
        quiet(tiny_recipe, fitted, resume=True, cases=[simulate_case(0, SMALL)])


def test_labelled_cases_train_the_same_networks(tiny_recipe, tmp_path):
    cases = [simulate_case(seed, SMALL) for seed in range(2)]
    run = quiet(tiny_recipe, tmp_path / "run", cases=cases)
    assert {block.name for block in load_model(run, "cpu").table.blocks} == {
        block.name for block in tiny_recipe.table.blocks
    }


def test_cases_without_labels_teach_nothing(tiny_recipe, tmp_path):
    case = simulate_case(0, SMALL)
    bare = type(case)(case.name, case.images, case.geometry)
    with pytest.raises(InputError, match="no case has labels and sequences"):
        quiet(tiny_recipe, tmp_path / "run", cases=[bare])


def test_a_labelled_example_shows_the_heart_in_its_frame():
    recipe = load_cascade_recipe("default", ["stages.anatomy.slices.unframed_share=0.0"])
    anatomy = recipe.built_stages[0]
    cases = [simulate_case(3, SMALL)]
    samples = LabelledExamples(cases, anatomy, recipe.stages["anatomy"], recipe.simulation, seed=0)
    epicardia = [samples[number][1][2].sum() for number in range(20)]
    diameter_px = 2 * np.sqrt(int(max(epicardia)) / np.pi)
    assert 0.25 < diameter_px / anatomy.size_px < 0.65
    assert all(torch.isfinite(samples[number][0]).all() for number in range(5))


def test_a_labelled_example_keeps_its_contrast_beside_padding():
    """Of slices of a fine matrix, grey all over, whose border was filled up with zeros."""
    plain = {"texture": 0, "bias": 0, "blur_px": 0.2, "noise": 0.005, "gamma": 0}
    changes = [f"simulation.appearance.{name}={value}" for name, value in plain.items()]
    recipe = load_cascade_recipe(
        "default",
        [
            *changes,
            "simulation.appearance.cut_probability=0",
            "stages.anatomy.slices.unframed_share=1.0",
        ],
    )
    anatomy, settings = recipe.built_stages[0], recipe.stages["anatomy"]
    case = simulate_case(3, SMALL)
    assert case.labels is not None
    labels = replace(case.labels, codes=fine(case.labels.codes))
    grey = {s: 100 + fine(volume) / volume.max() for s, volume in case.images.items()}
    n_slices, rows, cols = labels.codes.shape
    added = np.ones((rows, cols), dtype=bool)
    added[rows // 8 : -rows // 8, cols // 8 : -cols // 8] = False
    filled = {s: np.where(added, 0, volume).astype(np.float32) for s, volume in grey.items()}
    geometry = replace(case.geometry, shape=(n_slices, rows, cols))
    padded = replace(case, images=filled, labels=labels, geometry=geometry)
    samples = LabelledExamples([padded], anatomy, settings, recipe.simulation, seed=0)
    for number in range(8):
        middle = samples[number][0].amax(dim=0)[36:60, 36:60]
        low, high = np.percentile(middle, (10, 90))
        assert high - low > 0.1  # 0.01 where the zeros count as image


def fine(stack):
    """The same on eight times as many rows and columns."""
    return np.repeat(np.repeat(stack, 8, axis=1), 8, axis=2)


def test_too_few_examples_are_refused(tiny_recipe, tmp_path):
    (stage, _), settings = tiny_recipe.built_stages, tiny_recipe.stages["anatomy"]
    examples = SimulatedExamples(stage, settings, tiny_recipe.simulation, 0)
    longer = settings.schedule.model_copy(update={"n_steps": 50})
    with pytest.raises(InputError, match="needs 100 examples"):
        fit_stage(stage, examples, longer, tmp_path, seed=0, device=CPU, n_workers=0)
