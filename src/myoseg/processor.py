"""How much of the processor this program may use."""

import os


def n_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_each(n_processes: int) -> int:
    """Threads for each process, so that all together use every core once."""
    return max(1, n_cores() // n_processes)
