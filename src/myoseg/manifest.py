"""What a run was: program versions, machine, seed, hashes and arguments, for its `run.json`."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

PACKAGES: Final = (
    "myoseg",
    "torch",
    "torchvision",
    "lightning",
    "segmentation-models-pytorch",
    "numpy",
    "opencv-python-headless",
    "nibabel",
    "openvino",
    "safetensors",
)
"""The packages whose versions can change a result."""


def software_versions() -> dict[str, str]:
    """Versions of Python and of `PACKAGES`, as far as they are installed; imports none of them."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def run_manifest(
    command: str,
    *,
    device: str,
    seed: int | None,
    hashes: Mapping[str, str],
    arguments: Mapping[str, Any],
) -> dict[str, Any]:
    """The contents of a `run.json`.

    Args:
        command: what ran: train, predict, ...
        device: where it ran, as the user would ask for it.
        seed: the seed that decided every draw; None where nothing was drawn.
        hashes: SHA-256 of what went in or came out, by name.
        arguments: what the user asked for, as JSON values; no patient's name among them.
    """
    return {
        "command": command,
        "versions": software_versions(),
        "platform": platform.platform(),
        "device": device,
        "seed": seed,
        "hashes": dict(hashes),
        "arguments": dict(arguments),
    }


def environment_record() -> dict[str, Any]:
    """What a report of a defect should hold: versions, machine and the devices PyTorch finds."""
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "versions": software_versions(),
        "platform": platform.platform(),
        "cpu_threads": torch.get_num_threads(),
        "gpus": gpus,
        "mps": torch.backends.mps.is_available(),
    }
