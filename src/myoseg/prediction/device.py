"""What the machine has: a device's name as users give it in, PyTorch's name of it out."""

import ctypes.util
import platform
from importlib.metadata import PackageNotFoundError, version

from myoseg.errors import ConfigurationError


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
    if may_have_accelerator():
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
    drivers = ("cuda", "nvcuda", "amdhip64")
    return any(ctypes.util.find_library(driver) for driver in drivers)


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
