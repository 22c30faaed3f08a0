"""The fast engine on a CPU: a graph that OpenVINO compiles for this processor."""

import threading
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Final, Generic, TypeVar

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

Size = TypeVar("Size", bound=Hashable)


class CompiledGraphs(Generic[Size]):
    """A graph, compiled once for each size that it is made for, and asked by any thread."""

    def __init__(self, graph: Callable[[Size], Any], choice: EngineChoice) -> None:
        self.graph = graph
        self.options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _PRECISIONS[choice.precision],
            # Pinned, processes side by side would all compute on the same first cores.
            "ENABLE_CPU_PINNING": False,
        }
        if choice.n_threads is not None:
            self.options["INFERENCE_NUM_THREADS"] = choice.n_threads
        self.compiled: dict[Size, Any] = {}
        self.compiling = threading.Lock()
        self.of_thread = threading.local()

    def compile_for(self, size: Size) -> Any:
        """The compiled graph of that size.

        Raises:
            ModelError: the graph cannot be made of these weights, or not for this size.
        """
        with self.compiling:
            if size not in self.compiled:
                try:
                    graph = self.graph(size)
                    self.compiled[size] = _core().compile_model(graph, "CPU", self.options)
                except RuntimeError as error:
                    raise ModelError(f"OpenVINO cannot run the network: {error}") from error
            return self.compiled[size]

    def answers(self, size: Size, *inputs: np.ndarray) -> list[np.ndarray]:
        """All outputs for these inputs, in memory of their own."""
        given = [np.ascontiguousarray(each) for each in inputs]
        found = self._request_of_thread(size).infer(given, share_inputs=True)
        return [np.array(found[place]) for place in range(len(found))]

    def _request_of_thread(self, size: Size) -> Any:
        """A request holds the buffers of one answer, so each thread has its own."""
        requests: dict[Any, Any] = self.of_thread.__dict__
        if size not in requests:
            requests[size] = self.compile_for(size).create_infer_request()
        return requests[size]


class OpenVINOEngine:
    """A graph from images to probabilities, compiled once for each size of image."""

    def __init__(
        self, graph: Graph, choice: EngineChoice, slices_at_once: int | None = None
    ) -> None:
        """Takes fewer slices at once than the others where `slices_at_once` says so."""
        self.slices_at_once = slices_at_once
        self.graphs: CompiledGraphs[tuple[int, int, int]] = CompiledGraphs(
            lambda size: graph((ANY, *size)), choice
        )

    def compile_for(self, size: tuple[int, int, int]) -> None:
        """Makes the graph for images of so many inputs, rows and columns ready beforehand.

        Raises:
            ModelError: the graph cannot be made of these weights, or not for this size.
        """
        self.graphs.compile_for(size)

    def __call__(self, images: Images) -> Probabilities:
        """The graph's answers, batch by batch."""
        step = self.slices_at_once or SLICES_AT_ONCE
        parts = [
            self.graphs.answers(images.shape[1:], images[first : first + step])[0]
            for first in range(0, len(images), step)
        ]
        return np.concatenate(parts)


@cache
def _core() -> Any:
    return load_openvino().Core()
