import subprocess
import sys

import pytest

from myoseg.errors import ConfigurationError
from myoseg.prediction import device
from myoseg.prediction.device import find_device, may_have_accelerator


@pytest.fixture
def machine(monkeypatch):
    """A function that makes the machine one with so many GPUs, or an Apple."""

    def make(n_gpus=0, apple=False):
        monkeypatch.setattr(device, "may_have_accelerator", lambda: True)
        monkeypatch.setattr("torch.cuda.device_count", lambda: n_gpus)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: apple)

    return make


@pytest.mark.parametrize(
    ("n_gpus", "name", "found"),
    [
        (0, "auto", "cpu"),
        (0, "cpu", "cpu"),
        (2, "auto", "cuda:0"),
        (2, "gpu", "cuda:0"),
        (2, "gpu:1", "cuda:1"),
    ],
)
def test_devices_are_found_by_the_names_that_users_know(machine, n_gpus, name, found):
    machine(n_gpus)
    assert find_device(name) == found


def test_apples_device_is_found(machine):
    machine(apple=True)
    assert find_device("auto") == find_device("mps") == "mps"


@pytest.mark.parametrize("name", ["cuda", "gpu:1", "tpu", ""])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(machine, name):
    machine(n_gpus=1)
    with pytest.raises(ConfigurationError, match=r"it has auto, cpu, gpu, gpu:0\."):
        find_device(name)


@pytest.mark.parametrize(
    ("system", "torch_version", "driver", "may"),
    [
        ("Linux", "2.13.0+cpu", True, False),
        ("Linux", "2.13.0", True, True),
        ("Linux", "2.13.0", False, False),
        ("Darwin", "2.13.0", False, True),
    ],
)
def test_pytorch_is_asked_only_where_there_may_be_a_gpu(
    monkeypatch, system, torch_version, driver, may
):
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(device, "version", lambda package: torch_version)
    monkeypatch.setattr(device, "GPU_NODES", ())
    monkeypatch.setattr(device, "_loads", lambda library: driver)
    assert may_have_accelerator() is may


def test_the_shipped_model_predicts_on_a_cpu_without_importing_pytorch_or_reporting_its_use():
    program = """
import sys, numpy as np
from myoseg.prediction.model import load_model
from myoseg.prediction.segment import segment
from myoseg.cases.case import Case, Geometry
image = np.random.default_rng(0).random((2, 40, 40)).astype(np.float32)
case = Case("a", {"bssfp": image}, Geometry((2, 40, 40), np.diag([1.0, 1, 10, 1])))
segment(case, load_model("default", "cpu"))
print([name for name in sys.modules if name == "torch" or "telemetry" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
