"""A training step of the paper's five U-Nets on a CPU: as `myoseg train` takes it, and eager.

Each way has a process of its own, since memory allocators cannot be set back; they step in turn.
"""

import argparse
import multiprocessing as mp
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median

import torch

from interleaved import print_table, time_in_turn
from myoseg.networks.unet import UNet
from myoseg.training.allocator import keep_freed_memory
from myoseg.training.hardware import has_bfloat16
from myoseg.training.recipe import load_recipe
from paper_run import members_of_paper, seconds_to_prepare

ALL_NETWORKS, SOME_NETWORKS = 5, 2
"""Networks of a step; the short form takes fewer, one after the other all the same."""

BATCH, SIZE_PX = 8, 256
EAGER = "PyTorch eager, float32"


@dataclass(frozen=True)
class Way:
    """How a step is taken."""

    layout: torch.memory_format = torch.contiguous_format
    low_precision: bool = False
    keeps_memory: bool = False


def main() -> None:
    """Prints a table of milliseconds for a step of each network, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="five networks, more rounds")
    asked = parser.parse_args()
    n_networks = ALL_NETWORKS if asked.full else SOME_NETWORKS
    fast = has_bfloat16(torch.device("cpu"))
    last = torch.channels_last
    ways = {
        EAGER: Way(),
        "channels last": Way(last),
        "channels last, memory kept": Way(last, keeps_memory=True),
        "contiguous, bfloat16, memory kept": Way(low_precision=fast, keeps_memory=True),
        "ours": Way(last, low_precision=fast, keeps_memory=True),
    }
    context = mp.get_context("spawn")
    steppers, processes = {}, []
    for name, way in ways.items():
        here, there = context.Pipe()
        process = context.Process(
            target=_serve, args=(there, way, n_networks, asked.threads), daemon=True
        )
        process.start()
        processes.append(process)
        steppers[name] = lambda pipe=here: (pipe.send("step"), pipe.recv())
    seconds = time_in_turn(steppers, rounds=9 if asked.full else 3, calls={})
    title = f"Step of {n_networks} U-Nets, {BATCH} slices of {SIZE_PX} x {SIZE_PX}"
    print_table(f"{title}, {asked.threads} threads", seconds, "ours")
    ratio = median(seconds[EAGER]) / median(seconds["ours"])
    print(f"\nOurs {'in bfloat16' if fast else 'in float32'}: {ratio:.2f} times as fast as eager.")
    for process in processes:
        process.terminate()
    recipe = load_recipe("paper")
    preparing = seconds_to_prepare(members_of_paper(recipe)[0], recipe, n_workers=0)
    share = preparing / (median(seconds["ours"]) / n_networks)
    print(f"Preparing a batch takes {preparing * 1e3:.1f} ms, {share:.3f} of a network's step.")


def _serve(pipe: Connection, way: Way, n_networks: int, n_threads: int) -> None:
    """Takes a step of all networks whenever it is asked to."""
    torch.set_num_threads(n_threads)
    if way.keeps_memory:
        keep_freed_memory()
    torch.manual_seed(0)
    networks = [UNet(1).to(memory_format=way.layout) for _ in range(n_networks)]
    optimisers = [torch.optim.Adam(network.parameters(), lr=1e-3) for network in networks]
    images = torch.randn(BATCH, 1, SIZE_PX, SIZE_PX).to(memory_format=way.layout)
    masks = torch.rand(BATCH, 1, SIZE_PX, SIZE_PX) > 0.9
    while pipe.recv():
        for network, optimiser in zip(networks, optimisers, strict=True):
            optimiser.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=way.low_precision):
                loss = network.loss(images, masks)
            loss.backward()
            optimiser.step()
        pipe.send("done")


if __name__ == "__main__":
    main()
