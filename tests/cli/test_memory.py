"""What the process keeps of the machine's memory."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

FLOOD = """
from kube_actors.cli.memory import map_large_blocks
import resource

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() >> 20

map_large_blocks()
bytearray(b"x") * (2 << 20)  # the C library learns from the first one that is freed
before = resident()
blocks = [bytearray(b"x") * (2 << 20) for _ in range(40)]
during, last = resident(), blocks.pop()
del blocks
print(during - before, resident() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_large_blocks_are_given_back() -> None:
    """Also when one that came after them is still in use."""
    done = subprocess.run([sys.executable, "-c", FLOOD], capture_output=True, text=True, check=True)
    during, after = map(int, done.stdout.split())
    assert during > 70
    assert after < 20
