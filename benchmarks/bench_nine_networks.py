"""The paper's nine networks on one case: each engine against PyTorch eager.

A case has four slices, in the short form two.

Weights are drawn, not trained, so that every detector finds as many regions as it may: the most
work that it can have. Trained ones find few: `--detections 4`.
"""

import argparse
from statistics import median

import numpy as np
import torch
from torch.nn import Module, Sequential

from interleaved import print_table, time_in_turn
from myoseg.block_tables import PHYSIOLOGICAL
from myoseg.blocks import Architecture
from myoseg.networks.build import build_segmenter
from myoseg.networks.segmenter import Segmenter
from myoseg.prediction.engines.engine import Engine, EngineChoice, choose_engine
from myoseg.prediction.engines.pytorch import PyTorchEngine
from myoseg.prediction.ensemble_model import engine_for
from roofline import measured_peak, operations_of

ALL_SLICES, SOME_SLICES, SIZE_PX = 4, 2, 256
EAGER = "PyTorch eager, float32"
PARTS = (Architecture.UNET, Architecture.UNET_PLUS_PLUS, Architecture.MASK_RCNN)


def main() -> None:
    """Prints a table for all nine and one for each architecture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="four slices, more rounds")
    parser.add_argument("--detections", type=int, default=100, help="most a slice")
    asked = parser.parse_args()
    n_slices = ALL_SLICES if asked.full else SOME_SLICES
    torch.set_num_threads(asked.threads)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((n_slices, 1, SIZE_PX, SIZE_PX)).astype(np.float32)
    seconds: dict[Architecture, dict[str, list[float]]] = {}
    counts: dict[Architecture, int] = {}
    for architecture in PARTS:
        counts[architecture] = sum(architecture in b.networks for b in PHYSIOLOGICAL.blocks)
        torch.manual_seed(0)
        options = (
            {"n_detections": asked.detections} if architecture is Architecture.MASK_RCNN else {}
        )
        network = build_segmenter(architecture, 1, **options).eval().requires_grad_(False)
        engines = _engines(network, asked.threads)
        seconds[architecture] = time_in_turn(
            {name: lambda e=engine: e(images) for name, engine in engines.items()},
            rounds=5 if asked.full else 2,
            calls={},
        )
        default = next(name for name in engines if name.endswith(", float32") and name != EAGER)
        print_table(f"{architecture}, {n_slices} slices", seconds[architecture], default)
        operations = _operations(architecture, n_slices, asked.detections)
        print(f"\n{operations / 1e9:.0f} G operations.")
    _print_total(seconds, counts, asked.threads)


def _operations(architecture: Architecture, n_slices: int, n_detections: int) -> int:
    """Of convolutions and products of matrices in one case; a detector's parts are summed."""
    with torch.device("meta"):
        network = build_segmenter(architecture, 1).eval()
        if architecture is not Architecture.MASK_RCNN:
            return operations_of(network, torch.empty(n_slices, 1, SIZE_PX, SIZE_PX))
        detector = network.detector
        heads, options = detector.roi_heads, network.detector_options
        width, n_boxes = options.width, n_slices * options.n_proposals
        proposing = Sequential(detector.backbone, Values(), detector.rpn.head)
        boxes = Sequential(heads.box_head, heads.box_predictor)
        masks = Sequential(heads.mask_head, heads.mask_predictor)
        return (
            operations_of(proposing, torch.empty(n_slices, 3, SIZE_PX, SIZE_PX))
            + operations_of(boxes, torch.empty(n_boxes, width, 7, 7))
            + operations_of(masks, torch.empty(n_slices * n_detections, width, 14, 14))
        )


class Values(Module):
    """What the pyramid names, without the names."""

    def forward(self, maps: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """As a list."""
        return list(maps.values())


def _engines(network: Segmenter, n_threads: int) -> dict[str, Engine]:
    default = choose_engine(device="cpu", n_threads=n_threads)
    fast = choose_engine(device="cpu", precision="bfloat16", n_threads=n_threads)
    eager = EngineChoice("pytorch", "cpu", "float32", n_threads)
    return {
        EAGER: PyTorchEngine(network, eager),
        f"ours, {default.engine}, float32": engine_for(network, default),
        f"ours, {fast.engine}, bfloat16": engine_for(network, fast),
    }


def _print_total(
    seconds: dict[Architecture, dict[str, list[float]]],
    counts: dict[Architecture, int],
    n_threads: int,
) -> None:
    """All nine as the sum of the medians, each times how many blocks it votes on."""
    peak = measured_peak()
    print(f"\n## All nine networks, {n_threads} threads\n")
    print(f"Peak {peak.float32 / 1e9:.0f} G operations/s in float32.\n")
    print(f"| | {' | '.join(f'{n} x {a}' for a, n in counts.items())} | seconds | times faster |")
    print("|---" * (3 + len(counts)) + "|")
    totals = {
        name: [n * median(seconds[a][name]) for a, n in counts.items()]
        for name in seconds[Architecture.UNET]
    }
    for name, parts in totals.items():
        cells = " | ".join(f"{part:.2f}" for part in parts)
        print(f"| {name} | {cells} | {sum(parts):.2f} | {sum(totals[EAGER]) / sum(parts):.2f} |")


if __name__ == "__main__":
    main()
