"""What several test modules share."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from myoseg.cli import main

settings.register_profile(
    "myoseg", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("myoseg")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real development scans beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _two_threads() -> None:
    """Tests run side by side; none takes the whole machine."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def phantom_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four training and two test cases of two slices of 32 x 32 pixels, as MyoPS 2020 has them."""
    from myoseg.cases.phantom import PhantomConfig
    from myoseg.cases.phantom.data_set import write_phantoms

    tiny = PhantomConfig(
        matrix=(32, 32),
        spacing_mm=(5.0, 5.0),
        n_slices=(2, 2),
        infarct_probability=1.0,
        edema_probability=1.0,
        supersampling=1,
        n_sub_slices=1,
    )
    folder = tmp_path_factory.mktemp("phantoms") / "data"
    write_phantoms(folder, n_training=4, n_test=2, seed=0, config=tiny)
    return folder


@pytest.fixture(scope="session")
def unet_only() -> Callable[[Any], Any]:
    """Makes of a block table the same with U-Net as the only voter."""
    from myoseg.blocks import BlockTable

    def make(table: BlockTable) -> BlockTable:
        record = table.to_record()
        for block in record["blocks"]:
            block["networks"] = ["unet"]
        return BlockTable.from_record(record)

    return make


@pytest.fixture(scope="session")
def smallest_settings() -> tuple[str, ...]:
    """What makes of the preset `demo` the least that trains: one epoch of one step."""
    networks = ("unet", "mask_rcnn", "unet_plus_plus")
    steps = ("epochs=1", "steps_per_epoch=1", "batch_size=2")
    return (
        "preprocessing.size_px=64",
        "augmentation.n_warps=2",
        *(f"networks.{network}.{setting}" for network in networks for setting in steps),
        "networks.unet.options.channels=[4, 8]",
        "networks.unet_plus_plus.options.decoder_channels=[16, 8, 8, 4, 4]",
        "networks.mask_rcnn.options.width=16",
    )


@pytest.fixture(scope="session")
def unet_settings(
    smallest_settings: tuple[str, ...], unet_only: Callable[[Any], Any]
) -> tuple[str, ...]:
    """The same with U-Nets alone, in the blocks of the table `physiological`."""
    from myoseg.block_tables import PHYSIOLOGICAL

    table = json.dumps(unet_only(PHYSIOLOGICAL).to_record())
    return (*smallest_settings, "preprocessing.size_px=32", f"table={table}")


@pytest.fixture(scope="session")
def trained_run(
    tmp_path_factory: pytest.TempPathFactory, phantom_data: Path, unet_settings: tuple[str, ...]
) -> Path:
    """A run folder of the smallest U-Nets; copy it before you alter it."""
    from myoseg.api import train
    from myoseg.training.recipe import load_recipe

    run = tmp_path_factory.mktemp("trained") / "run"
    recipe = load_recipe("demo", unet_settings)
    return train(phantom_data, run, recipe=recipe, device="cpu", progress=False)


@pytest.fixture(scope="session")
def cascade_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `default` of the smallest cascade, its weights as drawn; copy it to alter it."""
    import safetensors.torch
    import torch

    from myoseg.block_tables import CASCADE
    from myoseg.files import sha256_of, write_json
    from myoseg.networks.stage import Stage
    from myoseg.networks.stage_network import build_stage

    folder = tmp_path_factory.mktemp("models") / "default"
    folder.mkdir()
    stages = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for name, blocks, share in (
            ("anatomy", CASCADE.blocks[:3], 0.4),
            ("pathology", CASCADE.blocks[3:], 0.7),
        ):
            stage = Stage(name, blocks, 32, share, (4, 8))
            weights = folder / f"{name}.safetensors"
            safetensors.torch.save_file(build_stage(stage).state_dict(), weights)
            stages.append(
                {
                    "stage": stage.to_record(),
                    "weights": weights.name,
                    "weights_sha256": sha256_of(weights),
                    "finished": True,
                }
            )
    record = {"format": 1, "kind": "cascade", "name": "default", "table": CASCADE.to_record()}
    write_json(folder / "model.json", record | {"stages": stages, "card": {"version": "0.0.1"}})
    return folder


@pytest.fixture
def shipped_default(cascade_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, shipped as the only model of the package in place of those there are."""
    from myoseg.prediction import shipped

    root = tmp_path / "shipped"
    monkeypatch.setattr(shipped, "models_root", lambda: root)
    return shutil.copytree(cascade_folder, root / "default")


@pytest.fixture
def write_ring(tmp_path: Path) -> Callable[..., Path]:
    """Writes labels of three slices of a ring, 2 mm pixels 10 mm apart, with scar in a sector.

    The wall lies between 8 and 12 pixels from the middle, the RV at its left; scar fills the wall
    from 0 to `scar_degrees`, counted from the right downward.
    """
    import nibabel as nib
    import numpy as np

    def write(where: str, scar_degrees: float = 0.0, *, shape: tuple[int, int] = (48, 48)) -> Path:
        rows, cols = np.mgrid[: shape[0], : shape[1]] - np.array([23.5, 27.5])[:, None, None]
        radius, angle = np.hypot(rows, cols), np.degrees(np.arctan2(rows, cols)) % 360
        stored = np.zeros(shape, np.int16)
        stored[(np.hypot(rows / 1.1, cols + 13) < 9) & (radius > 12)] = 600
        stored[radius < 12] = np.where(angle < scar_degrees, 2221, 200)[radius < 12]
        stored[radius < 8] = 500
        path = tmp_path / where
        path.parent.mkdir(parents=True, exist_ok=True)
        volume = np.stack([stored] * 3).T
        nib.save(nib.Nifti1Image(volume, np.diag([-2.0, -2.0, 10.0, 1.0])), path)
        return path

    return write


@pytest.fixture
def group_is_alive() -> Callable[[int], bool]:
    """Tells whether any process of a group is left."""

    def ask(group: int) -> bool:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        return True

    return ask


@pytest.fixture(scope="session")
def dciodvfy() -> Callable[[Path], tuple[list[str], list[str]]]:
    """Gives the errors and the warnings that dciodvfy has of a file, each different line once."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy is not installed (Debian's dicom3tools)")

    def check(path: Path) -> tuple[list[str], list[str]]:
        done = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
        lines = list(dict.fromkeys((done.stdout + done.stderr).splitlines()))
        errors = [line for line in lines if line.startswith("Error")]
        return errors, [line for line in lines if line.startswith("Warning")]

    return check


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed, boxes and line breaks taken out."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs the command in this process, with a log of its own as in a process of its own."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")
    loggers = [logging.getLogger(), logging.getLogger("myoseg")]

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["myoseg", *map(str, arguments)])
        before = [(logger.handlers[:], logger.level) for logger in loggers]
        loggers[0].handlers = []
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            for logger, (handlers, level) in zip(loggers, before, strict=True):
                logger.handlers = handlers
                logger.setLevel(level)
        printed = capsys.readouterr()
        return Outcome(code, _plain(printed.out), _plain(printed.err))

    return run


@pytest.fixture
def command(cli: Callable[..., Outcome]) -> Callable[..., tuple[int, str]]:
    """As `cli`; gives the exit code and what was printed as errors alone."""

    def run(*arguments: object) -> tuple[int, str]:
        done = cli(*arguments)
        return done.code, done.err

    return run


def _plain(text: str) -> str:
    return " ".join(text.replace("\u2502", " ").split())
