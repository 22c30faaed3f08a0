"""What the machine does at best: a large matrix product, and a copy of memory."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier

import torch
from torch.utils.flop_counter import FlopCounterMode

MATRIX_SIDE, MATRIX_SIDE_ON_GPU = 2048, 8192
COPIED_BYTES, COPIED_BYTES_ON_GPU = 256 * 2**20, 2**30
N_TRIES = 5
SECONDS_SIDE_BY_SIDE = 4.0


@dataclass(frozen=True)
class Peak:
    """Operations a second in either precision, and bytes a second read plus written."""

    float32: float
    bfloat16: float
    bytes_a_second: float

    def of(self, precision: str) -> float:
        """Operations a second; a multiplication and an addition are two."""
        return self.bfloat16 if precision == "bfloat16" else self.float32


def measured_peak(device: torch.device | str = "cpu") -> Peak:
    """The best of some tries; on a CPU with as many threads as PyTorch is set to."""
    on_gpu = torch.device(device).type == "cuda"
    side = MATRIX_SIDE_ON_GPU if on_gpu else MATRIX_SIDE
    n_bytes = COPIED_BYTES_ON_GPU if on_gpu else COPIED_BYTES
    wait = (lambda: torch.cuda.synchronize(device)) if on_gpu else (lambda: None)
    rates = []
    for kind in (torch.float32, torch.bfloat16):
        one, other = (torch.rand(side, side, device=device).to(kind) for _ in range(2))
        seconds = _shortest(lambda one=one, other=other: (torch.mm(one, other), wait()))
        rates.append(2 * side**3 / seconds)
    source = torch.rand(n_bytes // 4, device=device)
    target = torch.empty_like(source)
    copying = _shortest(lambda: (target.copy_(source), wait()))
    return Peak(rates[0], rates[1], 2 * n_bytes / copying)


def products_a_second(n_processes: int) -> float:
    """Matrix products a second of so many processes at once, one thread each, all together.

    What cores share, such as units, caches, memory and clock, is shared here too: other work in as
    many processes cannot be expected to scale better.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(n_processes)
    with context.Pool(n_processes, _share_barrier, (barrier,)) as pool:
        return sum(pool.map(_products_a_second, range(n_processes), chunksize=1))


def _share_barrier(barrier: Barrier) -> None:
    globals()["_barrier"] = barrier
    torch.set_num_threads(1)


def _products_a_second(_: int) -> float:
    one, other = (torch.rand(MATRIX_SIDE // 2, MATRIX_SIDE // 2) for _ in range(2))
    torch.mm(one, other)
    globals()["_barrier"].wait()
    n, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < SECONDS_SIDE_BY_SIDE:
        torch.mm(one, other)
        n += 1
    return n / passed


def operations_of(network: torch.nn.Module, images: torch.Tensor) -> int:
    """Operations of convolutions and matrix products in one forward pass."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(images)
    return counter.get_total_flops()


def values_moved_of(network: torch.nn.Module, images: torch.Tensor) -> int:
    """Values that convolutions and matrix products read and write in one forward pass, each once.

    That is what has to be moved if no map stays in a cache from one layer to the next.
    """
    moved = []

    def count(layer: torch.nn.Module, given: tuple[torch.Tensor, ...], made: torch.Tensor) -> None:
        weights = sum(weight.numel() for weight in layer.parameters())
        moved.append(given[0].numel() + made.numel() + weights)

    kinds = torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear
    hooks = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, kinds)
    ]
    with torch.inference_mode():
        network(images)
    for hook in hooks:
        hook.remove()
    return sum(moved)


def _shortest(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(N_TRIES):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
