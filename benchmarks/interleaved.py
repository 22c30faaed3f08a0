"""Competitors timed in turn, so that a machine whose speed drifts is fair to all of them."""

import platform
import time
from collections.abc import Callable, Mapping
from statistics import median

import cv2
import torch

from myoseg.training.allocator import keep_freed_memory


def use_one_thread() -> None:
    """One thread for every library; freed memory stays with the process, as in training."""
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    threadpool_limits(1)
    keep_freed_memory()


def time_in_turn(
    competitors: Mapping[str, Callable[[], object]],
    rounds: int,
    calls: Mapping[str, int],
    *,
    most_rounds: Mapping[str, int] | None = None,
    warmed_up: bool = True,
) -> dict[str, list[float]]:
    """Seconds a call of each competitor in each round, after one call that is not counted.

    Args:
        competitors: what to call, by name.
        rounds: how often each has its turn.
        calls: calls in one turn, by name; 1 where not given.
        most_rounds: those that take longest drop out after so many, by name.
        warmed_up: whether there is a call that is not counted; whole processes need none.
    """
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    for call in competitors.values() if warmed_up else ():
        call()
    for number in range(rounds):
        for name, call in competitors.items():
            if number >= (most_rounds or {}).get(name, rounds):
                continue
            n_calls = calls.get(name, 1)
            began = time.perf_counter()
            for _ in range(n_calls):
                call()
            seconds[name].append((time.perf_counter() - began) / n_calls)
    return seconds


def print_table(title: str, seconds: Mapping[str, list[float]], ours: str) -> None:
    """A Markdown table: median and range of each, and how many times `ours` is faster."""
    print(f"\n## {title}\n\n{platform.machine()}, Python {platform.python_version()}\n")
    print("| | median ms | lowest - highest | times slower than ours |")
    print("|---|---|---|---|")
    reference = median(seconds[ours])
    for name, values in seconds.items():
        spread = f"{min(values) * 1e3:.2f} - {max(values) * 1e3:.2f}"
        ratio = median(values) / reference
        print(f"| {name} | {median(values) * 1e3:.2f} | {spread} | {ratio:.3g} |")
