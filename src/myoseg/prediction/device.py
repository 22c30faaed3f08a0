"""A device's name as users give it in, PyTorch's name of it out."""

import torch

from myoseg.errors import ConfigurationError


def find_device(name: str) -> str:
    """PyTorch's name of the device asked for: auto, cpu, gpu, gpu:N or mps.

    Raises:
        ConfigurationError: an unknown name, or a device that this machine does not have.

    >>> find_device("cpu")
    'cpu'
    """
    n_gpus = torch.cuda.device_count()
    present = {"cpu": "cpu", "auto": "cpu"}
    if torch.backends.mps.is_available():
        present |= {"mps": "mps", "auto": "mps"}
    if n_gpus:
        present |= {f"gpu:{index}": f"cuda:{index}" for index in range(n_gpus)}
        present |= {"gpu": "cuda:0", "auto": "cuda:0"}
    if name not in present:
        raise ConfigurationError(
            f"device {name!r} is not on this machine; it has {', '.join(sorted(present))}."
        )
    return present[name]
