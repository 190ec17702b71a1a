"""What this process keeps of the machine's memory after a flood."""

from __future__ import annotations

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # mallopt(3)
_LARGE: Final = 512 << 10
"""Bytes of a block that is worth a mapping of its own: twice what a connection sends at a time."""


def map_large_blocks() -> None:
    """Have the C library map each large block by itself, so that the system has it back when it is freed.

    By itself glibc does so only until the first one is freed, and from then on takes blocks of up to 32 MiB out of its
    heap, which never shrinks below what lies on top. Nothing happens with other C libraries.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
