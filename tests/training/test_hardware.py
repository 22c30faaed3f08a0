import pytest
import torch

from myoseg.errors import ConfigurationError
from myoseg.training import hardware
from myoseg.training.hardware import find_hardware


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [({"avx512_bf16": True}, "bf16-mixed"), ({"avx512_bf16": False}, "32-true"), ({}, "32-true")],
)
def test_without_a_gpu_auto_is_the_cpu_in_the_precision_it_multiplies(
    capabilities, precision, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    found = find_hardware()
    assert (found.name, found.precision) == ("cpu", precision)
    assert found.torch_device == torch.device("cpu")


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("asked", "devices"), [("auto", (0,)), ("gpu", (0,)), ("gpu:1", (1,)), ("gpu:0,1", (0, 1))]
)
def test_gpus_are_chosen_by_number_and_train_in_mixed_precision(asked, devices):
    found = find_hardware(asked)
    assert (found.accelerator, found.devices) == ("gpu", devices)
    assert found.precision == "bf16-mixed"
    assert find_hardware(asked, "float16").precision == "16-mixed"


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    "asked", ["gpu:2", "gpu:0,2", "gpu:0,0", "gpu:", "gpu:x", "cuda", "tpu", ""]
)
def test_a_device_that_is_not_there_is_named_with_those_that_are(asked):
    with pytest.raises(ConfigurationError, match=r"not on this machine, which has cpu.*gpu:1"):
        find_hardware(asked)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("asked", ["gpu", "gpu:0", "mps"])
def test_without_a_gpu_asking_for_one_is_an_error(asked):
    with pytest.raises(ConfigurationError, match="which has cpu"):
        find_hardware(asked)


def test_a_cpu_does_not_train_in_float16():
    with pytest.raises(ConfigurationError, match=r"float16.*use float32 or bfloat16"):
        find_hardware("cpu", "float16")
    assert find_hardware("cpu", "bfloat16").precision == "bf16-mixed"


@pytest.mark.parametrize(
    ("asked", "n_cores", "n_workers"),
    [("gpu", 16, 8), ("gpu", 6, 5), ("gpu:0,1", 6, 2), ("gpu", 1, 0), ("cpu", 16, 0)],
)
@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_does_not_wait_for_samples_that_other_cores_can_prepare(
    asked, n_cores, n_workers, monkeypatch
):
    monkeypatch.setattr(hardware, "n_cores", lambda: n_cores)
    found = find_hardware(asked)
    assert found.n_workers() == n_workers
    assert found.n_workers(3) == 3
    assert found.n_workers(0) == 0
