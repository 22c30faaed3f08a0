"""What the machine does at best: a large matrix product, and a copy of memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

MATRIX_SIDE = 2048
COPIED_BYTES = 256 * 2**20
N_TRIES = 5


@dataclass(frozen=True)
class Peak:
    """Operations a second in either precision, and bytes a second read plus written."""

    float32: float
    bfloat16: float
    bytes_a_second: float

    def of(self, precision: str) -> float:
        """Operations a second; a multiplication and an addition are two."""
        return self.bfloat16 if precision == "bfloat16" else self.float32


def measured_peak() -> Peak:
    """The best of some tries, with as many threads as PyTorch is set to."""
    rates = []
    for kind in (torch.float32, torch.bfloat16):
        one, other = (torch.rand(MATRIX_SIDE, MATRIX_SIDE).to(kind) for _ in range(2))
        seconds = _shortest(lambda one=one, other=other: torch.mm(one, other))
        rates.append(2 * MATRIX_SIDE**3 / seconds)
    source = torch.rand(COPIED_BYTES // 4)
    target = torch.empty_like(source)
    copying = _shortest(lambda: target.copy_(source))
    return Peak(rates[0], rates[1], 2 * COPIED_BYTES / copying)


def operations_of(network: torch.nn.Module, images: torch.Tensor) -> int:
    """Operations of convolutions and matrix products in one forward pass."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(images)
    return counter.get_total_flops()


def _shortest(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(N_TRIES):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
