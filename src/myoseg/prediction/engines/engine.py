"""What every engine is to the rest, and which one runs where."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float32

from myoseg.errors import ConfigurationError
from myoseg.prediction.device import find_device

Images: TypeAlias = Float32[np.ndarray, "slice input row col"]
Probabilities: TypeAlias = Float32[np.ndarray, "slice output row col"]

EngineName: TypeAlias = Literal["pytorch", "openvino"]
Precision: TypeAlias = Literal["float32", "bfloat16"]
AUTO: Final = "auto"

Engine: TypeAlias = Callable[[Images], Probabilities]
"""A trained network, ready to be asked for the probability of each output at each pixel."""


@dataclass(frozen=True)
class EngineChoice:
    """An engine, where and how it computes.

    Attributes:
        engine: pytorch or openvino.
        device: PyTorch's name of the device; openvino runs on cpu alone.
        precision: of the products; sums, inputs and outputs are float32.
        n_threads: that compute; None for all cores.
    """

    engine: EngineName
    device: str
    precision: Precision
    n_threads: int | None = None

    def to_record(self) -> dict[str, Any]:
        """The choice as JSON values, for `run.json`."""
        return {
            "engine": self.engine,
            "device": self.device,
            "precision": self.precision,
            "n_threads": self.n_threads,
        }


REFERENCE: Final = EngineChoice("pytorch", "cpu", "float32")
"""What all others must agree with."""


def choose_engine(
    engine: str = AUTO,
    device: str = AUTO,
    precision: str = AUTO,
    n_threads: int | None = None,
) -> EngineChoice:
    """The fastest engine that is there, or the one that was asked for.

    Args:
        engine: auto (openvino on a CPU where it is installed, else pytorch), pytorch or openvino.
        device: auto, cpu, gpu, gpu:N or mps.
        precision: auto (float32), float32, or bfloat16: faster on a processor that multiplies it,
            but masks differ, small ones most (docs/performance.md).
        n_threads: that compute on a CPU; None for all cores.

    Raises:
        ConfigurationError: an unknown name, a device that is not there, an engine that is not
            installed or does not run on this device, or fewer than one thread.
    """
    if engine not in (AUTO, *get_args(EngineName)):
        raise ConfigurationError(
            f"engine {engine!r} is none of auto, {', '.join(get_args(EngineName))}."
        )
    if precision not in (AUTO, *get_args(Precision)):
        raise ConfigurationError(
            f"precision {precision!r} is none of auto, {', '.join(get_args(Precision))}."
        )
    if n_threads is not None and n_threads < 1:
        raise ConfigurationError(f"{n_threads} threads cannot compute; give 1 or more.")
    found, is_installed = find_device(device), find_spec("openvino") is not None
    if engine == "openvino":
        if not is_installed:
            raise ConfigurationError(
                "OpenVINO is not installed; `pip install openvino`, or use --engine pytorch."
            )
        if found != "cpu":
            raise ConfigurationError(
                f"OpenVINO runs on the CPU here, not on {found}; give --device cpu, or use "
                "--engine pytorch."
            )
    name: EngineName = "openvino" if found == "cpu" and is_installed else "pytorch"
    if engine != AUTO:
        name = engine  # type: ignore[assignment]
    chosen: Precision = "bfloat16" if precision == "bfloat16" else "float32"
    return EngineChoice(name, found, chosen, n_threads)
