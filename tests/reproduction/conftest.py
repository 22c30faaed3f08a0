"""Experiments of U-Nets alone, which train in seconds."""

import json
import shutil
from dataclasses import replace

import pytest

from myoseg.block_tables import PHYSIOLOGICAL
from myoseg.reproduction import experiment
from myoseg.reproduction.methods import methods_of
from myoseg.training.recipe import load_recipe


@pytest.fixture(scope="session")
def two_blocks(unet_only):
    """Leaves of a block table those that edema and scar need, with U-Net as the only voter."""

    def make(table):
        return replace(unet_only(table), blocks=unet_only(table).blocks[-2:])

    return make


@pytest.fixture(scope="session")
def unet_recipe(unet_settings, two_blocks):
    """Makes the recipe of the smallest experiment."""
    table = json.dumps(two_blocks(PHYSIOLOGICAL).to_record())

    def make(*changes):
        return load_recipe("demo", (*unet_settings, f"table={table}", *changes))

    return make


@pytest.fixture(scope="session")
def unet_methods(two_blocks):
    """The three methods with two blocks each; the first two share the network of the scar."""

    def make(proposed):
        return tuple(
            replace(method, table=two_blocks(method.table)) for method in methods_of(proposed)
        )

    return make


@pytest.fixture
def run_experiment(monkeypatch, unet_methods, unet_recipe, phantom_data, tmp_path):
    """Runs the smallest experiment into `out`."""
    monkeypatch.setattr(experiment, "methods_of", unet_methods)
    monkeypatch.setattr(experiment, "estimate_seconds", lambda *_, **__: 1.0)

    def run(*changes, data=phantom_data, device="cpu", n_folds=5):
        out, recipe = tmp_path / "out", unet_recipe(*changes)
        return experiment.reproduce(
            data, recipe, out, device=device, n_folds=n_folds, progress=False
        )

    return run


@pytest.fixture(scope="session")
def finished_once(unet_methods, unet_recipe, phantom_data, tmp_path_factory):
    """The folder of the smallest experiment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "methods_of", unet_methods)
        patch.setattr(experiment, "estimate_seconds", lambda *_, **__: 1.0)
        return experiment.reproduce(
            phantom_data,
            unet_recipe(),
            tmp_path_factory.mktemp("experiment") / "out",
            device="cpu",
            progress=False,
        )


@pytest.fixture
def finished(finished_once, tmp_path):
    """A copy of it as `out`, where `run_experiment` finds it."""
    return shutil.copytree(finished_once, tmp_path / "out")
