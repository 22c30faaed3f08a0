import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from myoseg.errors import (
    ConfigurationError,
    InputError,
    ModelError,
    MyosegError,
    OutputError,
)
from myoseg.files import sha256_of
from myoseg.networks.build import build_segmenter
from myoseg.networks.checkpoint import load_network, read_card
from myoseg.training.duration import estimate_seconds
from myoseg.training.fit import train
from myoseg.training.interruption import TrainingInterruptedError
from myoseg.training.recipe import load_recipe, recipe_to_yaml

REPOSITORY = Path(__file__).parents[2]
MEMBER = "disc/unet"


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def cases(disc_case):
    return [disc_case(number) for number in range(5)]


@pytest.fixture
def fit(cases, tmp_path):
    def run(recipe, name="run", cases=cases, **arguments):
        return train(cases, recipe, tmp_path / name, device="cpu", progress=False, **arguments)

    return run


def rows_of(run):
    with (run / MEMBER / "metrics.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_a_run_holds_what_is_documented(fit, tiny_recipe):
    recipe = tiny_recipe()
    run = fit(recipe)
    names = {path.name for path in (run / MEMBER).iterdir()}
    events = {name for name in names if name.startswith("events.out.tfevents")}
    assert len(events) == 1
    assert names - events == {"weights.safetensors", "network.json", "metrics.csv"}
    assert {path.name for path in run.iterdir()} == {
        "config.yaml",
        "model.json",
        "run.json",
        "disc",
    }
    assert load_recipe(run / "config.yaml") == recipe
    model = json.loads((run / "model.json").read_text())
    assert model["finished"]
    assert [member["folder"] for member in model["members"]] == [MEMBER]
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["hashes"]["data"] == model["data_fingerprint"]


def test_the_kept_network_is_that_of_the_best_epoch(fit, tiny_recipe):
    run = fit(tiny_recipe("networks.unet.epochs=5", "networks.unet.learning_rate=0.01"))
    rows = rows_of(run)
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row["step"] for row in rows] == [str(8 * epoch) for epoch in range(1, 6)]
    _, card = load_network(run / MEMBER)
    scores = [float(row["validation_dice"]) for row in rows]
    assert card.validation_dice == max(scores)
    assert card.best_epoch == scores.index(max(scores)) + 1
    assert card.finished


def test_no_patients_name_is_written(fit, tiny_recipe):
    run = fit(tiny_recipe("networks.unet.epochs=1"))
    for path in run.rglob("*"):
        assert not path.is_file() or b"case" not in path.read_bytes().replace(b"n_cases", b"")


def test_dice_and_cross_entropy_learns_a_disc(fit, tiny_recipe):
    settings = ("epochs=8", "learning_rate=0.01", "options.normalisation=batch")
    run = fit(tiny_recipe(*(f"networks.unet.{setting}" for setting in settings)))
    card = read_card(run / MEMBER)
    assert card.validation_dice > 0.9
    assert not card.collapsed


def test_one_seed_gives_one_result_whatever_was_drawn_before(fit, tiny_recipe):
    recipe = tiny_recipe()
    torch.manual_seed(1)
    first = fit(recipe, "first")
    torch.rand(7)
    state = torch.get_rng_state()
    second = fit(recipe, "second")
    other = fit(tiny_recipe("seed=1"), "other")
    hashes = [sha256_of(run / MEMBER / "weights.safetensors") for run in (first, second, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert torch.equal(torch.get_rng_state(), state)


def test_a_finished_run_that_is_resumed_stays_as_it_is(fit, tiny_recipe):
    recipe = tiny_recipe("networks.unet.epochs=1")
    run = fit(recipe)
    before = {path: path.stat().st_mtime_ns for path in (run / MEMBER).iterdir()}
    assert fit(recipe, resume=True) == run
    assert {path: path.stat().st_mtime_ns for path in (run / MEMBER).iterdir()} == before


def test_only_the_network_that_is_missing_is_trained_again(fit, tiny_recipe):
    block = "name: {}, inputs: [bssfp], target: [lv_blood_pool]"
    table = ", ".join(f"{{{block.format(name)}}}" for name in ("disc", "second"))
    recipe = tiny_recipe(f"table={{name: two, blocks: [{table}]}}")
    run = fit(recipe)
    weights = [run / name / "unet" / "weights.safetensors" for name in ("disc", "second")]
    before = [sha256_of(path) for path in weights]
    assert before[0] != before[1]
    weights[1].with_name("network.json").unlink()
    fit(recipe, resume=True)
    assert [sha256_of(path) for path in weights] == before


def test_a_folder_in_use_is_refused_with_the_remedy(fit, tiny_recipe, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"is not empty.*--resume, or give another folder"):
        fit(tiny_recipe())
    with pytest.raises(OutputError, match=r"holds no training run.*no config\.yaml"):
        fit(tiny_recipe(), resume=True)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_resuming_with_other_settings_names_them(fit, tiny_recipe):
    fit(tiny_recipe("networks.unet.epochs=1"))
    with pytest.raises(ConfigurationError, match=r"networks\.unet\.epochs was 1 and is 2"):
        fit(tiny_recipe(), resume=True)


def test_resuming_with_other_data_or_another_fold_is_refused(fit, tiny_recipe, cases):
    recipe = tiny_recipe("networks.unet.epochs=1")
    fit(recipe)
    changed = {sequence: image + np.float32(1) for sequence, image in cases[0].images.items()}
    with pytest.raises(InputError, match="trained on other data"):
        fit(recipe, cases=[replace(cases[0], images=changed), *cases[1:]], resume=True)
    with pytest.raises(InputError, match="holds out fold None, but fold 1"):
        fit(recipe, fold=1, resume=True)


def test_a_damaged_state_is_refused_by_name(fit, tiny_recipe):
    run = fit(tiny_recipe("networks.unet.epochs=1"))
    (run / MEMBER / "network.json").unlink()
    (run / MEMBER / "last.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"last\.safetensors cannot be read.*delete"):
        fit(tiny_recipe("networks.unet.epochs=1"), resume=True)


def test_a_block_without_its_sequence_is_left_out_and_said(fit, tiny_recipe):
    blocks = "{name: disc, inputs: [bssfp], target: [lv_blood_pool]}, "
    blocks += "{name: scar, inputs: [lge], target: [scar]}"
    run = fit(tiny_recipe(f"table={{name: two, blocks: [{blocks}]}}", "networks.unet.epochs=1"))
    model = json.loads((run / "model.json").read_text())
    assert model["skipped"] == {"scar": "no labelled case has lge"}
    assert [member["block"] for member in model["members"]] == ["disc"]
    assert len(model["table"]["blocks"]) == 2


def test_what_cannot_be_built_is_refused_before_anything_is_written(fit, tmp_path):
    recipe = load_recipe(
        "quick",
        [
            "table={name: one, blocks: [{name: disc, inputs: [bssfp], target: [lv_blood_pool], "
            "networks: [unet_plus_plus]}]}",
            "networks.unet_plus_plus.options.pretrained=imagenet",
            "networks.unet_plus_plus.options.pretrained_file=nowhere.pth",
        ],
    )
    with pytest.raises(ModelError, match=r"nowhere\.pth is not there"):
        fit(recipe)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def built_with_last_bias(monkeypatch):
    """Lets networks be built with a last bias that decides every pixel."""
    place = "myoseg.training.fit_network.build_segmenter"

    def fix(bias):
        def build(*arguments, **options):
            segmenter = build_segmenter(*arguments, **options)
            torch.nn.init.constant_(segmenter.body.last.bias, bias)
            return segmenter

        monkeypatch.setattr(place, build)

    return fix


def test_a_network_that_only_sees_empty_masks_trains(fit, tiny_recipe, disc_case):
    empty = [disc_case(number, empty=True) for number in range(3)]
    run = fit(tiny_recipe("networks.unet.epochs=1"), cases=empty)
    assert not read_card(run / MEMBER).collapsed


def test_a_collapse_into_the_empty_mask_is_warned_of_and_recorded(
    fit, tiny_recipe, caplog, built_with_last_bias
):
    built_with_last_bias(-50.0)
    run = fit(tiny_recipe("networks.unet.epochs=6", "networks.unet.learning_rate=1e-6"))
    assert read_card(run / MEMBER).collapsed
    assert "predicts nothing on any validation slice since epoch 1" in caplog.text
    assert json.loads((run / "model.json").read_text())["members"][0]["collapsed"]


def test_a_loss_that_is_no_number_ends_training_with_the_remedy(
    fit, tiny_recipe, built_with_last_bias
):
    built_with_last_bias(float("nan"))
    with pytest.raises(MyosegError, match=r"diverged in epoch 1.*networks\.unet\.learning_rate"):
        fit(tiny_recipe())


def test_ctrl_c_leaves_a_run_that_resumes_to_the_same_weights(fit, tiny_recipe):
    recipe = tiny_recipe("networks.unet.epochs=12")
    whole = fit(recipe, "whole")
    handler = signal.getsignal(signal.SIGINT)
    state = whole.with_name("run") / MEMBER / "last.safetensors"

    def interrupt():
        while not state.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(TrainingInterruptedError, match=r"interrupted in epoch.*with --resume"):
        fit(recipe)
    thread.join()
    assert signal.getsignal(signal.SIGINT) is handler
    assert state.exists()
    run = fit(recipe, resume=True)
    assert sha256_of(run / MEMBER / "weights.safetensors") == sha256_of(
        whole / MEMBER / "weights.safetensors"
    )
    assert [row["epoch"] for row in rows_of(run)] == [str(epoch) for epoch in range(1, 13)]
    assert [row["train_loss"] for row in rows_of(run)] == [
        row["train_loss"] for row in rows_of(whole)
    ]
    assert not state.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killed_runs_resume_to_the_weights_of_an_uninterrupted_one():
    script = REPOSITORY / "benchmarks" / "kill_and_resume.py"
    command = [sys.executable, str(script), "--kills", "3", "--networks", "unet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_duration_is_estimated_by_epochs_and_steps(cases, tiny_recipe):
    few = estimate_seconds(cases, tiny_recipe("networks.unet.steps_per_epoch=1"), device="cpu")
    many = estimate_seconds(cases, tiny_recipe("networks.unet.steps_per_epoch=1000"), device="cpu")
    assert 0 < few < many


@pytest.mark.parametrize("schedule", ["cosine", "polynomial"])
def test_a_falling_rate_ends_at_zero(fit, tiny_recipe, schedule):
    run = fit(tiny_recipe(f"networks.unet.schedule={schedule}"))
    rates = [float(row["learning_rate"]) for row in rows_of(run)]
    half_way = {"cosine": 0.5, "polynomial": 0.5**0.9}[schedule]
    assert rates == pytest.approx([half_way * 1e-3, 0])


def test_a_damaged_description_of_a_run_is_refused_by_name(fit, tiny_recipe):
    run = fit(tiny_recipe("networks.unet.epochs=1"))
    (run / "model.json").write_text("{")
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        fit(tiny_recipe("networks.unet.epochs=1"), resume=True)


def test_a_run_killed_before_its_description_starts_anew(fit, tiny_recipe, tmp_path):
    run = tmp_path / "run"
    (run / MEMBER).mkdir(parents=True)
    recipe = tiny_recipe("networks.unet.epochs=1")
    (run / "config.yaml").write_text(recipe_to_yaml(recipe))
    (run / MEMBER / ".0a1b2c3d-weights.safetensors").write_bytes(b"half")
    (run / MEMBER / "network.json").write_text("{}")
    fit(recipe, resume=True)
    assert load_network(run / MEMBER)[1].finished
    assert not list(run.rglob(".*"))


def test_a_file_in_place_of_the_folder_is_refused(fit, tiny_recipe, tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OutputError, match="is a file; give a folder"):
        fit(tiny_recipe())


TWO_PROCESSES = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
import kill_and_resume
from myoseg.training import fit
from myoseg.training.hardware import Hardware
torch.set_num_threads(1)
fit.find_hardware = lambda *asked: Hardware("two CPUs", "cpu", (0, 1), "32-true")
cases = [kill_and_resume.disc_case(number) for number in range(5)]
recipe = kill_and_resume.tiny_recipe(["unet"])
fit.train(cases, recipe, Path(sys.argv[2]), progress=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="PyTorch for Windows lacks the back end")
def test_several_devices_share_each_epoch_and_write_once(tmp_path):
    script, run = tmp_path / "two.py", tmp_path / "run"
    script.write_text(TWO_PROCESSES)
    command = [sys.executable, str(script), str(REPOSITORY / "benchmarks"), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    member = run / MEMBER
    with (member / "metrics.csv").open() as stream:
        steps = [int(row["step"]) for row in csv.DictReader(stream)]
    assert steps == [4 * epoch for epoch in range(1, 9)]
    assert load_network(member)[1].finished
    assert len(list(member.glob("events*"))) == 1


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
@pytest.mark.parametrize("workers_run", [False, True])
def test_ctrl_c_at_a_terminal_reaches_workers_too_and_the_run_still_goes_on(
    workers_run, tmp_path, phantom_data
):
    """Ctrl-C goes to all processes of the terminal: while workers start, and while they work."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "myoseg", "train", str(phantom_data), "-o", str(out)]
    few = ("preprocessing.size_px=64", "networks.unet.epochs=200", "networks.unet.batch_size=2")
    changes = [part for change in few for part in ("--set", change)]
    process = subprocess.Popen(
        [*command, "--preset", "quick", "-d", "cpu", "-q", "--workers", "2", *changes],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        begun = "*/*/metrics.csv" if workers_run else "run.json"
        until = time.monotonic() + 120
        while not any(out.glob(begun)) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.0 if workers_run else 1.0)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert "Traceback" not in said
