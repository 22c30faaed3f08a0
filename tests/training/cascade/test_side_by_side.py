"""Stages in processes of their own."""

import os
import signal
import subprocess
import sys
import time

import pytest
import safetensors.torch
import torch

from myoseg.errors import ModelError
from myoseg.prediction.model import load_model
from myoseg.training.cascade import fit
from myoseg.training.cascade.fit import train_cascade
from myoseg.training.cascade.recipe import cascade_to_yaml
from myoseg.training.interruption import StopRequest, TrainingInterruptedError


def trained(recipe, out, n_cores, monkeypatch, **options):
    monkeypatch.setattr(fit, "n_cores", lambda: n_cores)
    return train_cascade(recipe, out, device="cpu", progress=False, n_workers=0, **options)


@pytest.fixture(autouse=True)
def one_thread():
    """As each of two processes on two cores has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def one_thread_each(monkeypatch):
    monkeypatch.setattr(fit, "threads_each", lambda _n: 1)


def test_side_by_side_ends_in_the_weights_of_one_after_the_other(
    tiny_recipe, tmp_path, monkeypatch, one_thread_each
):
    in_turn = trained(tiny_recipe, tmp_path / "in_turn", 1, monkeypatch)
    side_by_side = trained(tiny_recipe, tmp_path / "side_by_side", 2, monkeypatch)
    for stage in ("anatomy", "pathology"):
        one, other = (
            safetensors.torch.load_file(run / f"{stage}.safetensors")
            for run in (in_turn, side_by_side)
        )
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert (side_by_side / stage / "curve.csv").is_file()
    assert load_model(side_by_side, "cpu").table.blocks
    assert not list(side_by_side.rglob("*_state.safetensors"))


def test_a_stop_saves_every_stage_and_both_go_on(
    tiny_recipe, tmp_path, monkeypatch, one_thread_each
):
    stop = StopRequest()
    stop.came = True

    class AlreadyAsked:
        def __enter__(self):
            return stop

        def __exit__(self, *_error):
            return None

    whole = trained(tiny_recipe, tmp_path / "whole", 2, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(fit, "stopping_on_signals", AlreadyAsked)
        with pytest.raises(TrainingInterruptedError, match="with --resume"):
            trained(_longer(tiny_recipe), tmp_path / "run", 2, patch)
    resumed = trained(_longer(tiny_recipe), tmp_path / "run", 2, monkeypatch, resume=True)
    assert load_model(resumed, "cpu").table == load_model(whole, "cpu").table


def test_what_went_wrong_is_told_and_not_that_others_were_stopped_for_it(
    tiny_recipe, tmp_path, monkeypatch, one_thread_each
):
    run = trained(tiny_recipe, tmp_path / "run", 1, monkeypatch)
    for stage in ("anatomy", "pathology"):
        (run / f"{stage}.safetensors").unlink()
    (run / "pathology" / "pathology_state.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"pathology_state\.safetensors"):
        trained(tiny_recipe, run, 2, monkeypatch, resume=True)


def test_a_stage_that_is_left_alone_ends_in_the_same_weights(
    tiny_recipe, tmp_path, monkeypatch, one_thread_each
):
    run = trained(tiny_recipe, tmp_path / "run", 2, monkeypatch)
    before = safetensors.torch.load_file(run / "pathology.safetensors")
    (run / "pathology.safetensors").unlink()
    trained(tiny_recipe, run, 2, monkeypatch, resume=True)
    after = safetensors.torch.load_file(run / "pathology.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_children_end_when_their_parent_is_killed(tiny_recipe, tmp_path, group_is_alive):
    (tmp_path / "recipe.yaml").write_text(cascade_to_yaml(_longer(tiny_recipe, 100_000)))
    program = "from myoseg.cli import main; main()"
    command = [sys.executable, "-c", program, "train", "-o", str(tmp_path / "run"), "-q"]
    command += ["--config", str(tmp_path / "recipe.yaml"), "--device", "cpu"]
    parent = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until = time.monotonic() + 120
        while len(list(tmp_path.rglob("*_state.safetensors"))) < 2:
            assert time.monotonic() < until
            assert parent.poll() is None
            time.sleep(0.2)
        parent.kill()
        parent.wait()
        until = time.monotonic() + 60
        while group_is_alive(parent.pid):
            assert time.monotonic() < until, "children go on"
            time.sleep(0.2)
    finally:
        if group_is_alive(parent.pid):
            os.killpg(parent.pid, signal.SIGKILL)


def _longer(recipe, n_steps=400):
    stages = {
        name: settings.model_copy(
            update={"schedule": settings.schedule.model_copy(update={"n_steps": n_steps})}
        )
        for name, settings in recipe.stages.items()
    }
    return recipe.model_copy(update={"stages": stages})
