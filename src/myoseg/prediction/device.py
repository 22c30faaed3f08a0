"""What the machine has: a device's name as users give it in, PyTorch's name of it out."""

import ctypes
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from myoseg.errors import ConfigurationError

GPU_NODES: Final = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
GPU_DRIVERS: Final = ("libcuda.so.1", "nvcuda.dll", "amdhip64.dll")


def find_device(name: str) -> str:
    """PyTorch's name of the device asked for: auto, cpu, gpu, gpu:N or mps.

    Where a look at the machine shows that there can be no other device than the CPU, PyTorch, which
    takes long to import, is not asked.

    Raises:
        ConfigurationError: an unknown name, or a device that this machine does not have.

    >>> find_device("cpu")
    'cpu'
    """
    if name == "cpu":
        return name
    present = {"cpu": "cpu", "auto": "cpu"}
    if name != "auto" or may_have_accelerator():
        present |= _accelerators()
    if name not in present:
        raise ConfigurationError(
            f"device {name!r} is not on this machine; it has {', '.join(sorted(present))}."
        )
    return present[name]


def may_have_accelerator() -> bool:
    """False where the installed PyTorch is for CPUs alone, or no driver of a GPU is there."""
    if platform.system() == "Darwin":
        return True
    try:
        if version("torch").endswith("+cpu"):
            return False
    except PackageNotFoundError:
        return False
    return any(Path(node).exists() for node in GPU_NODES) or any(map(_loads, GPU_DRIVERS))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _accelerators() -> dict[str, str]:
    import torch

    n_gpus = torch.cuda.device_count()
    found: dict[str, str] = {}
    if torch.backends.mps.is_available():
        found |= {"mps": "mps", "auto": "mps"}
    if n_gpus:
        found |= {f"gpu:{index}": f"cuda:{index}" for index in range(n_gpus)}
        found |= {"gpu": "cuda:0", "auto": "cuda:0"}
    return found
