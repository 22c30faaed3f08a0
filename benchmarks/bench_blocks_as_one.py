"""Three of the paper's U-Nets that read one sequence: asked in turn, as one graph, as one network.

One network has the channels of all three side by side and convolutions in three groups; it is set
beside plain U-Nets of the same form, as `myoseg` does some layers of its own in other ways.
"""

import argparse
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import openvino
import torch
from torch import Tensor, nn

from interleaved import time_in_turn
from myoseg.networks.unet import UNet
from myoseg.prediction.engines.engine import EngineChoice, Precision
from myoseg.prediction.engines.openvino import ANY, CompiledGraphs
from myoseg.prediction.engines.openvino_unet import unet_graph

N_NETWORKS, SHAPE = 3, (4, 1, 256, 256)
CHANNELS = UNet(1).body.channels
WAYS = "in turn", "one graph", "plain, in turn", "plain, one network"


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="more rounds")
    asked = parser.parse_args()
    print(f"\n## {N_NETWORKS} U-Nets on one input {SHAPE}, {asked.threads} threads\n")
    print(f"| | {' | '.join(f'{way}, ms' for way in WAYS)} | one graph, network: times as fast |")
    print("|---" * (len(WAYS) + 2) + "|")
    for precision in ("float32", "bfloat16"):
        choice = EngineChoice("openvino", "cpu", precision, asked.threads)
        seconds = time_in_turn(_ways(choice), 25 if asked.full else 7, {})
        each = [median(seconds[way]) for way in WAYS]
        cells = " | ".join(f"{1e3 * value:.1f}" for value in each)
        print(f"| {precision} | {cells} | {each[0] / each[1]:.2f}, {each[2] / each[3]:.2f} |")


def _ways(choice: EngineChoice) -> dict[str, Callable[[], object]]:
    images = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    networks = [_drawn(UNet(1), seed) for seed in range(N_NETWORKS)]
    graphs = [
        CompiledGraphs(lambda _, n=network: _graph(n, choice.precision), choice)
        for network in networks
    ]
    one_graph = CompiledGraphs(lambda _: _joined(networks, choice.precision), choice)
    plain = CompiledGraphs(lambda _: _converted(Grouped(1)), choice)
    one_network = CompiledGraphs(lambda _: _converted(Grouped(N_NETWORKS)), choice)
    return {
        WAYS[0]: lambda: [graph.answers(None, images) for graph in graphs],
        WAYS[1]: lambda: one_graph.answers(None, images),
        WAYS[2]: lambda: [plain.answers(None, images) for _ in graphs],
        WAYS[3]: lambda: one_network.answers(None, images),
    }


def _drawn(network: UNet, seed: int) -> UNet:
    torch.manual_seed(seed)
    return network.eval()


def _graph(network: UNet, precision: Precision) -> Any:
    weights = {name: tensor.numpy() for name, tensor in network.body.state_dict().items()}
    return unet_graph(weights, network.normalisation, (ANY, *SHAPE[1:]), precision)


def _joined(networks: list[UNet], precision: Precision) -> Any:
    """Their graphs behind one input."""
    first, *others = (_graph(network, precision) for network in networks)
    images = first.get_parameters()[0]
    for other in others:
        for reader in other.get_parameters()[0].output(0).get_target_inputs():
            reader.replace_source_output(images.output(0))
    results = [graph.get_results()[0] for graph in (first, *others)]
    return openvino.Model(results, [images], "joined")


def _converted(network: nn.Module) -> Any:
    return openvino.convert_model(network.eval(), example_input=torch.zeros(SHAPE), input=[SHAPE])


class Grouped(nn.Module):
    """So many U-Nets of the paper as one: each convolution in as many groups."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        self.first = nn.Conv2d(1, CHANNELS[0] * n, 3, padding=1)
        self.second = self._convolution(CHANNELS[0], CHANNELS[0])
        pairs = list(pairwise(CHANNELS))
        self.down = nn.ModuleList(self._block(wide, deep) for wide, deep in pairs)
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(deep * n, wide * n, 2, 2, groups=n) for wide, deep in pairs[::-1]
        )
        self.up = nn.ModuleList(self._block(2 * wide, wide) for wide, _ in pairs[::-1])
        self.last = nn.Conv2d(CHANNELS[0] * n, n, 1, groups=n)

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities, one channel for each network."""
        maps = torch.relu(self.second(torch.relu(self.first(images))))
        skipped = []
        for block in self.down:
            skipped.append(maps)
            maps = block(torch.max_pool2d(maps, 2))
        for enlarge, block in zip(self.enlarge, self.up, strict=True):
            maps = block(self._side_by_side(skipped.pop(), enlarge(maps)))
        return torch.sigmoid(self.last(maps))

    def _convolution(self, n_in: int, n_out: int) -> nn.Conv2d:
        return nn.Conv2d(n_in * self.n, n_out * self.n, 3, padding=1, groups=self.n)

    def _block(self, n_in: int, n_out: int) -> nn.Sequential:
        first, second = self._convolution(n_in, n_out), self._convolution(n_out, n_out)
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

    def _side_by_side(self, one: Tensor, other: Tensor) -> Tensor:
        """Joined within each group."""
        parts = [each.unflatten(1, (self.n, -1)) for each in (one, other)]
        return torch.cat(parts, 2).flatten(1, 2)


if __name__ == "__main__":
    main()
