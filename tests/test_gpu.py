"""What runs on a GPU, against the CPU; on a machine without one these tests are skipped.

Convolutions on a GPU round to TensorFloat-32, as PyTorch has it by default.
"""

import json

import numpy as np
import pytest
import safetensors.torch
import torch

from myoseg.anatomy import REGIONS
from myoseg.blocks import Architecture
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.networks.build import build_segmenter
from myoseg.prediction.engines.engine import EngineChoice, choose_engine
from myoseg.prediction.engines.pytorch import PyTorchEngine
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import segment
from myoseg.training.cascade.fit import train_cascade
from myoseg.training.cascade.recipe import load_cascade_recipe
from myoseg.training.duration import estimate_seconds
from myoseg.training.fit import train
from myoseg.training.hardware import find_hardware
from myoseg.training.recipe import load_recipe

GPU = "gpu"
TOLERANCE = {"float32": 0.02, "bfloat16": 0.06}
LEAST_CORRELATION = LEAST_DICE = 0.999
CASE = PhantomConfig(matrix=(128, 128), spacing_mm=(2.0, 2.0), n_slices=(6, 6), n_sub_slices=2)

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no GPU here: PyTorch finds none"
)
several = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there are no two GPUs here")


def network_of(architecture):
    """With drawn weights; its answers, all near .5 else, are spread out."""
    torch.manual_seed(0)
    network = build_segmenter(architecture, 1).eval().requires_grad_(False)
    if architecture is not Architecture.MASK_RCNN:
        last = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)][-1]
        last.weight.mul_(40)
    return network


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", [Architecture.UNET, Architecture.UNET_PLUS_PLUS])
def test_a_network_says_the_same_on_the_gpu(architecture, precision):
    images = np.random.default_rng(0).normal(size=(3, 1, 64, 64)).astype(np.float32)
    reference = PyTorchEngine(network_of(architecture), EngineChoice("pytorch", "cpu", "float32"))
    expected = reference(images)
    choice = choose_engine(device=GPU, precision=precision)
    assert (choice.engine, torch.device(choice.device).type) == ("pytorch", "cuda")
    found = PyTorchEngine(network_of(architecture), choice)(images)
    assert expected.std() > 0.05
    np.testing.assert_allclose(found, expected, atol=TOLERANCE[precision])
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > LEAST_CORRELATION


def test_a_detector_answers_on_the_gpu():
    """Which of two boxes is kept may turn on the last digit; nearly all pixels are the same."""
    images = np.random.default_rng(0).normal(size=(2, 1, 64, 64)).astype(np.float32)
    reference = PyTorchEngine(
        network_of(Architecture.MASK_RCNN), EngineChoice("pytorch", "cpu", "float32")
    )
    found = PyTorchEngine(network_of(Architecture.MASK_RCNN), choose_engine(device=GPU))(images)
    assert np.mean(np.abs(found - reference(images)) < 0.01) > 0.95


def test_the_default_model_draws_the_same_masks_on_the_gpu():
    case = simulate_case(3, CASE)
    on_cpu, on_gpu = (
        segment(case, load_model("default", device)).labels for device in ("cpu", GPU)
    )
    for region in REGIONS.values():
        one, other = on_cpu.mask(region), on_gpu.mask(region)
        total = one.sum() + other.sum()
        assert not total or 2 * (one & other).sum() / total >= LEAST_DICE


@pytest.fixture
def cases():
    return [simulate_case(seed, CASE) for seed in range(4)]


def recipe_of(*changes):
    blocks = (
        "{name: pool, inputs: [bssfp], target: [lv_blood_pool]}",
        "{name: scar, inputs: [lge], target: [scar], networks: [unet, mask_rcnn, unet_plus_plus]}",
    )
    small = [
        f"networks.{name}.{setting}"
        for name in ("unet", "mask_rcnn", "unet_plus_plus")
        for setting in ("epochs=2", "steps_per_epoch=3", "batch_size=2")
    ]
    table = f"table={{name: two, blocks: [{', '.join(blocks)}]}}"
    return load_recipe("quick", [table, "preprocessing.size_px=64", *small, *changes])


@pytest.mark.parametrize("precision", ["auto", "float32", "float16"])
def test_all_architectures_learn_on_the_gpu_and_answer_on_the_cpu(cases, tmp_path, precision):
    run = train(
        cases, recipe_of(f"precision={precision}"), tmp_path / "run", device=GPU, progress=False
    )
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["device"].startswith("gpu:0")
    weights = [safetensors.torch.load_file(path) for path in run.rglob("weights.safetensors")]
    assert len(weights) == 4
    assert all(t.isfinite().all() for each in weights for t in each.values())
    assert segment(cases[0], load_model(run, "cpu")).labels.codes.shape == (6, 128, 128)


def test_samples_prepared_by_other_processes_give_the_same_first_loss(cases, tmp_path):
    """Later ones differ, as sums on a GPU are taken in no fixed order."""
    losses = []
    for n_workers in (0, 2):
        out = tmp_path / str(n_workers)
        recipe = recipe_of("networks.unet.epochs=1", "networks.unet.steps_per_epoch=1")
        train(cases, recipe, out, device=GPU, progress=False, n_workers=n_workers)
        lines = (out / "pool" / "unet" / "metrics.csv").read_text().splitlines()
        losses.append(dict(zip(lines[0].split(","), lines[1].split(","), strict=True)))
    one, other = (float(each["train_loss"]) for each in losses)
    assert one == pytest.approx(other, rel=1e-3)


def test_a_stopped_run_goes_on_on_the_gpu(cases, tmp_path):
    run = train(cases, recipe_of(), tmp_path / "run", device=GPU, progress=False)
    for name in ("weights.safetensors", "network.json"):
        (run / "scar" / "unet" / name).unlink()
    resumed = train(cases, recipe_of(), run, device=GPU, progress=False, resume=True)
    assert (resumed / "scar" / "unet" / "weights.safetensors").is_file()


def test_the_default_recipe_learns_on_the_gpu(tmp_path):
    changes = [
        f"stages.{stage}.{setting}"
        for stage in ("anatomy", "pathology")
        for setting in (
            *("size_px=32", "channels=[4, 8]", "schedule.n_steps=4", "schedule.batch_size=2"),
            "schedule.saved_every=2",
        )
    ]
    recipe = load_cascade_recipe("default", changes)
    run = train_cascade(recipe, tmp_path / "run", device=GPU, progress=False, n_workers=1)
    model = load_model(run, GPU)
    assert segment(simulate_case(0, CASE), model).labels.codes.shape == (6, 128, 128)


def test_how_long_a_training_takes_is_measured_on_the_gpu(cases):
    assert 0 < estimate_seconds(cases, recipe_of(), device=GPU) < 3600


@several
def test_two_gpus_learn_together(cases, tmp_path):
    assert find_hardware("gpu:0,1").devices == (0, 1)
    run = train(cases, recipe_of(), tmp_path / "run", device="gpu:0,1", progress=False)
    assert len(list(run.rglob("weights.safetensors"))) == 4
