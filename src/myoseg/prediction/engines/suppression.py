"""Sets of boxes with their scores in, which of them remain beside surer ones out."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from myoseg.prediction.engines.engine import EngineChoice
from myoseg.prediction.engines.openvino import ANY, CompiledGraphs
from myoseg.prediction.engines.openvino_layers import ops, ov


class Suppression:
    """Non-maximum suppression as `torchvision.ops.nms`, of several sets at once.

    A box goes that overlaps a surer one, which itself remains, by more than the greatest share of
    their union. Boxes of negative score are not there.
    """

    def __init__(self, most_shared: float, n_threads: int | None) -> None:
        choice = EngineChoice("openvino", "cpu", "float32", n_threads)
        self.graphs: CompiledGraphs[None] = CompiledGraphs(lambda _: _graph(most_shared), choice)

    def __call__(
        self, boxes: Float32[np.ndarray, "set box 4"], scores: Float32[np.ndarray, "set box"]
    ) -> Bool[np.ndarray, "set box"]:
        """Whether each box remains."""
        kept, n_kept = self.graphs.answers(None, boxes, scores[:, None])
        remains = np.zeros(scores.shape, dtype=bool)
        sets, _, places = kept[: int(n_kept[0])].T
        remains[sets, places] = True
        return remains


def _graph(most_shared: float) -> Any:
    boxes = ops.parameter([ANY, ANY, 4], np.float32, name="boxes")
    scores = ops.parameter([ANY, 1, ANY], np.float32, name="scores")
    n_boxes = ops.gather(ops.shape_of(scores), np.array(2), np.array(0))
    # OpenVINO drops a box at its limit already, torchvision only beyond it.
    limit = np.nextafter(np.float32(most_shared), np.float32(1))
    kept = ops.non_max_suppression(
        *(boxes, scores, n_boxes, limit, np.float32(-0.5)),
        box_encoding="corner",
        sort_result_descending=False,
    )
    return ov.Model([kept.output(0), kept.output(2)], [boxes, scores], "suppression")
