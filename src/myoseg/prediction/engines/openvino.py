"""The fast engine on a CPU: a graph that OpenVINO compiles for this processor."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np

from myoseg.errors import ModelError
from myoseg.prediction.engines.engine import EngineChoice, Images, Probabilities
from myoseg.prediction.engines.quiet_openvino import load_openvino

SLICES_AT_ONCE: Final = 16
"""How many slices go through a network together; bounds memory for long stacks."""

ANY: Final = -1
"""As a number of slices: whatever comes."""

_PRECISIONS: Final = {"float32": "f32", "bfloat16": "bf16"}

Graph = Callable[[tuple[int, int, int, int]], Any]
"""From slices at once, inputs, rows and columns to the `openvino.Model` for them."""


class OpenVINOEngine:
    """A graph, compiled once for each size of image."""

    def __init__(self, graph: Graph, choice: EngineChoice) -> None:
        self.graph = graph
        self.options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _PRECISIONS[choice.precision],
            # Pinned, processes side by side would all compute on the same first cores.
            "ENABLE_CPU_PINNING": False,
        }
        if choice.n_threads is not None:
            self.options["INFERENCE_NUM_THREADS"] = choice.n_threads
        self.compiled: dict[tuple[int, int, int], Any] = {}
        self.compiling = threading.Lock()
        self.of_thread = threading.local()

    def compile_for(self, size: tuple[int, int, int]) -> Any:
        """The compiled graph for images of so many inputs, rows and columns.

        Raises:
            ModelError: the graph cannot be made of these weights, or not for this size.
        """
        with self.compiling:
            if size not in self.compiled:
                try:
                    graph = self.graph((ANY, *size))
                    self.compiled[size] = _core().compile_model(graph, "CPU", self.options)
                except RuntimeError as error:
                    raise ModelError(f"OpenVINO cannot run the network: {error}") from error
            return self.compiled[size]

    def __call__(self, images: Images) -> Probabilities:
        """The graph's answers, batch by batch."""
        request = self._request_of_thread(images.shape[1:])
        parts = []
        for first in range(0, len(images), SLICES_AT_ONCE):
            part = np.ascontiguousarray(images[first : first + SLICES_AT_ONCE])
            parts.append(np.array(request.infer([part])[0]))
        return np.concatenate(parts)

    def _request_of_thread(self, size: tuple[int, int, int]) -> Any:
        """A request holds the buffers of one answer, so each thread has its own."""
        requests: dict[Any, Any] = self.of_thread.__dict__
        if size not in requests:
            requests[size] = self.compile_for(size).create_infer_request()
        return requests[size]


@cache
def _core() -> Any:
    return load_openvino().Core()
