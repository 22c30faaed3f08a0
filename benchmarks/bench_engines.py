"""Networks of one case: each engine against PyTorch eager in float32, at its defaults."""

import argparse
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from interleaved import print_table, time_in_turn
from myoseg.networks.stage_network import build_stage
from myoseg.networks.unet import UNet
from myoseg.networks.unet_body import UNetBody
from myoseg.prediction.engines.engine import Engine, EngineChoice, Images, Precision
from myoseg.prediction.engines.openvino import OpenVINOEngine
from myoseg.prediction.engines.openvino_unet import unet_graph
from myoseg.prediction.engines.pytorch import PyTorchEngine
from myoseg.training.cascade.recipe import load_cascade_recipe
from roofline import Peak, measured_peak, operations_of, values_moved_of

EAGER = "PyTorch eager, float32"


@dataclass(frozen=True)
class Work:
    """A network and the slices of one case."""

    title: str
    body: UNetBody
    images: Images


def main() -> None:
    """Prints a table for each network: times, ratios, differences, and the part of the peak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="more rounds")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    for work in _works():
        _compare(work, asked.threads, rounds=25 if asked.full else 7)


def _works() -> list[Work]:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    works = [
        Work(
            "The paper's U-Net, 4 slices of 256 x 256",
            UNet(1).body,
            rng.standard_normal((4, 1, 256, 256)).astype(np.float32),
        )
    ]
    for stage in load_cascade_recipe().built_stages:
        size = stage.size_px
        images = rng.standard_normal((10, stage.n_inputs, size, size)).astype(np.float32)
        title = f"Default model, {stage.name}, 10 slices of {size} x {size}"
        works.append(Work(title, build_stage(stage), images))
    return works


def _compare(work: Work, n_threads: int, rounds: int) -> None:
    engines = _engines(work.body.eval(), n_threads)
    answers = {name: engine(work.images) for name, engine in engines.items()}
    seconds = time_in_turn(
        {name: lambda e=engine: e(work.images) for name, engine in engines.items()},
        rounds=rounds,
        calls={},
    )
    best = min(seconds, key=lambda name: median(seconds[name]))
    print_table(f"{work.title}, {n_threads} threads", seconds, best)
    peak = measured_peak()
    operations = operations_of(work.body, torch.from_numpy(work.images))
    moved = values_moved_of(work.body, torch.from_numpy(work.images))
    print(
        f"\n{operations / 1e9:.2f} G operations, {moved / 1e6:.0f} M values read and written; peak "
        f"{_said(peak)}. At these operations take {_at_peak(operations, moved, peak, 'float32')} "
        f"in float32, {_at_peak(operations, moved, peak, 'bfloat16')} in bfloat16.\n"
    )
    print("| | G operations/s | of the peak | times faster than eager | largest difference |")
    print("|---|---|---|---|---|")
    for name, values in seconds.items():
        rate = operations / median(values)
        part = rate / peak.of("bfloat16" if "bfloat16" in name else "float32")
        ratio = median(seconds[EAGER]) / median(values)
        off = float(np.abs(answers[name] - answers[EAGER]).max())
        print(f"| {name} | {rate / 1e9:.0f} | {part:.2f} | {ratio:.2f} | {off:.1e} |")


def _engines(body: UNetBody, n_threads: int) -> dict[str, Engine]:
    network = torch.nn.Sequential(body, torch.nn.Sigmoid())
    weights = {name: tensor.detach().numpy() for name, tensor in body.state_dict().items()}

    def openvino(precision: Precision) -> Engine:
        choice = EngineChoice("openvino", "cpu", precision, n_threads)
        graph = lambda shape: unet_graph(weights, body.normalisation, shape, precision)  # noqa: E731
        return OpenVINOEngine(graph, choice)

    return {
        EAGER: PyTorchEngine(network, EngineChoice("pytorch", "cpu", "float32", n_threads)),
        "PyTorch eager, bfloat16": PyTorchEngine(
            network, EngineChoice("pytorch", "cpu", "bfloat16", n_threads)
        ),
        "OpenVINO, float32": openvino("float32"),
        "OpenVINO, bfloat16": openvino("bfloat16"),
    }


def _at_peak(operations: int, moved: int, peak: Peak, precision: Precision) -> str:
    """How long the operations take, and moving all values, each at the rate that was measured."""
    n_bytes = moved * (2 if precision == "bfloat16" else 4)
    computing, moving = operations / peak.of(precision), n_bytes / peak.bytes_a_second
    return f"{1e3 * computing:.1f} ms and moving {1e3 * moving:.1f} ms"


def _said(peak: Peak) -> str:
    return (
        f"{peak.float32 / 1e9:.0f} G operations/s in float32, {peak.bfloat16 / 1e9:.0f} in "
        f"bfloat16, memory {peak.bytes_a_second / 1e9:.1f} GB/s"
    )


if __name__ == "__main__":
    main()
