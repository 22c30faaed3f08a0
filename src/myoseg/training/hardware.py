"""A device's name as users give it in, what Lightning's trainer takes out."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import torch

from myoseg.errors import ConfigurationError
from myoseg.processor import n_cores

Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]

_LIGHTNING_PRECISION: Final = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
    "float16": "16-mixed",
}

MOST_WORKERS: Final = 8
"""Processes that prepare samples for one GPU where their number was not asked for."""


@dataclass(frozen=True)
class Hardware:
    """Where a run trains.

    Attributes:
        name: cpu, mps, gpu:0, or gpu:0,1 for several.
        accelerator: Lightning's name of the kind of device.
        devices: which of them; one process trains on each.
        precision: Lightning's name of the precision.
    """

    name: str
    accelerator: Literal["cpu", "gpu", "mps"]
    devices: tuple[int, ...]
    precision: str

    @property
    def torch_device(self) -> torch.device:
        """The first device."""
        kind = {"cpu": "cpu", "mps": "mps", "gpu": f"cuda:{self.devices[0]}"}
        return torch.device(kind[self.accelerator])

    def n_workers(self, asked: int | None = None) -> int:
        """Processes that prepare samples for each device: as many as asked for, or as fit.

        A GPU would wait without; a CPU prepares and learns with the same cores, so there are none.
        """
        if asked is not None:
            return asked
        n_others = n_cores() // len(self.devices) - 1
        return 0 if self.accelerator != "gpu" else max(0, min(MOST_WORKERS, n_others))


def find_hardware(device: str = "auto", precision: Precision = "auto") -> Hardware:
    """The device that was asked for.

    Args:
        device: auto (a GPU if there is one, then mps, then cpu), cpu, mps, gpu, gpu:N, or gpu:N,M
            for several GPUs together.
        precision: auto is mixed with bfloat16 where the device multiplies it, else with float16
            on a GPU and float32 on cpu and mps.

    Raises:
        ConfigurationError: an unknown device, one that this machine does not have, or float16 on a
            CPU.
    """
    name = _resolved(device)
    if name in ("cpu", "mps"):
        if precision == "float16" and name == "cpu":
            raise ConfigurationError(
                "precision is float16, which a CPU cannot train in; use float32 or bfloat16."
            )
        fastest: Precision = "bfloat16" if has_bfloat16(torch.device(name)) else "float32"
        chosen = fastest if precision == "auto" else precision
        return Hardware(name, name, (0,), _LIGHTNING_PRECISION[chosen])  # type: ignore[arg-type]
    devices = tuple(int(index) for index in name.removeprefix("gpu:").split(","))
    mixed: Precision = "bfloat16" if has_bfloat16(torch.device("cuda")) else "float16"
    chosen_for_gpu = mixed if precision == "auto" else precision
    return Hardware(name, "gpu", devices, _LIGHTNING_PRECISION[chosen_for_gpu])


def has_bfloat16(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 in hardware, so that mixed precision pays."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _resolved(device: str) -> str:
    """The device's full name, after a look at what the machine has."""
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    if device == "auto":
        return "gpu:0" if n_gpus else "mps" if has_mps else "cpu"
    wanted = device.removeprefix("gpu:").split(",") if device != "gpu" else ["0"]
    if device.startswith("gpu") and wanted and all(index.isdecimal() for index in wanted):
        present = len(set(wanted)) == len(wanted) and all(int(index) < n_gpus for index in wanted)
        if present:
            return f"gpu:{','.join(wanted)}"
    elif device == "cpu" or (device == "mps" and has_mps):
        return device
    there = ["cpu", *(["mps"] if has_mps else []), *(f"gpu:{index}" for index in range(n_gpus))]
    raise ConfigurationError(
        f"device {device!r} is not on this machine, which has {', '.join(there)}; give one of "
        "these, gpu:0,1 for several GPUs, or auto."
    )
