"""Memory that a training step frees is kept for the next step."""

import ctypes
import platform
from typing import Final

_LARGEST_PARAMETER: Final = 2**31 - 1
_PARAMETERS: Final = {-1: _LARGEST_PARAMETER, -2: 64 * 2**20, -4: 0}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_MAX (mallopt(3)): never trim, grow by 64 MiB at a
time, and take large blocks from the heap too."""


def keep_freed_memory() -> bool:
    """Stops glibc from giving every large block back at once; nothing happens elsewhere.

    Each step allocates the same maps again. Given back and taken anew, their pages are zeroed by
    the kernel each time. Memory that was once used stays with the process until it ends.

    Returns:
        Whether the allocator took the settings.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    taken = [bool(mallopt(name, value)) for name, value in _PARAMETERS.items()]
    return all(taken)
