"""Requests at a steady rate from a process of their own, counting those that fail."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from kube_actors.records import define

CLIENT = Path(__file__).with_name("load_client.py")


@define
class Load:
    """What came of the requests, once the load is over: answers by version and pod, and what failed."""

    answered: int = 0
    failed: list[str] = attrs.field(factory=list)
    versions: dict[str, int] = attrs.field(factory=dict)
    pods: dict[str, int] = attrs.field(factory=dict)
    seconds: float = 0.0


@asynccontextmanager
async def load(host: str, port: int, *, rate: float, kept: bool) -> AsyncIterator[Load]:
    """`rate` requests a second for as long as the block; the result is filled in at its end."""
    result = Load()
    command = [sys.executable, "-S", str(CLIENT), host, str(port), str(rate), str(int(kept))]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield result
    finally:
        with trio.CancelScope(shield=True):
            await process.stdin.aclose()
            told = b"".join([data async for data in process.stdout])
            await process.wait()
    for name, value in json.loads(told).items():
        setattr(result, name, value)
