"""The fast engine on a CPU: a graph that OpenVINO compiles for this processor."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
import openvino as ov

from myoseg.errors import ModelError
from myoseg.prediction.engines.engine import EngineChoice, Images, Probabilities

SLICES_AT_ONCE: Final = 16
"""How many slices go through a network together; bounds memory for long stacks."""

ANY: Final = -1
"""As a number of slices: whatever comes."""

_PRECISIONS: Final = {"float32": "f32", "bfloat16": "bf16"}

Graph = Callable[[tuple[int, int, int, int]], ov.Model]
"""From slices at once, inputs, rows and columns to the graph for them."""


class OpenVINOEngine:
    """A graph, compiled once for each size of image."""

    def __init__(self, graph: Graph, choice: EngineChoice) -> None:
        self.graph = graph
        self.options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _PRECISIONS[choice.precision],
        }
        if choice.n_threads is not None:
            self.options["INFERENCE_NUM_THREADS"] = choice.n_threads
        self.compiled: dict[tuple[int, int, int], ov.CompiledModel] = {}

    def compile_for(self, size: tuple[int, int, int]) -> ov.CompiledModel:
        """The compiled graph for images of so many inputs, rows and columns.

        Raises:
            ModelError: the graph cannot be made of these weights, or not for this size.
        """
        if size not in self.compiled:
            try:
                graph = self.graph((ANY, *size))
                self.compiled[size] = _core().compile_model(graph, "CPU", self.options)
            except RuntimeError as error:
                raise ModelError(f"OpenVINO cannot run the network: {error}") from error
        return self.compiled[size]

    def __call__(self, images: Images) -> Probabilities:
        """The graph's answers, batch by batch."""
        ask = self.compile_for(images.shape[1:])
        parts = [
            np.array(ask(np.ascontiguousarray(images[first : first + SLICES_AT_ONCE]))[0])
            for first in range(0, len(images), SLICES_AT_ONCE)
        ]
        return np.concatenate(parts)


@cache
def _core() -> ov.Core:
    return ov.Core()
