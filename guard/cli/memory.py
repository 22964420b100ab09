"""Memory that is given back, kept for what is asked for next."""

from __future__ import annotations

import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of `mallopt` (malloc.h of glibc)."""
KEPT = 256 << 20
"""Bytes at the end of the heap from which on they go back to the system."""
LARGEST = 32 << 20
"""Bytes from which on a block is asked of the system by itself: as many as glibc lets one say."""


def keep_freed() -> None:
    """Have the allocator of C keep what this process gives back, up to KEPT.

    A scan asks for the same few megabytes again and again. To have each page of them from the system anew, zeroed, is a
    fortieth of the scan of a tree; no process is larger for it at its largest. Elsewhere than with glibc, nothing.
    """
    if sys.platform != "linux":
        return
    import ctypes  # loaded already where loops are

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGEST)
        mallopt(_TRIM_THRESHOLD, KEPT)
