"""Two runs from one seed are the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from kube_actors.kernel import random_for, seeded_scheduling

PROGRAM = Path(__file__).with_name("deterministic_run.py")


def trace_of(hash_seed: str, seed: str) -> str:
    """What a fresh process prints."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), seed], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_runs_are_identical_whatever_the_hash_seed() -> None:
    """A crowd of actors that gossip, roll dice, fail and time out writes the same trace in two processes; another seed
    writes another."""
    first = trace_of("1", "7")
    assert first.count("\n") > 2000
    assert trace_of("2", "7") == first
    assert trace_of("3", "8") != first


def test_seeded_scheduling_orders_tasks_by_seed_and_is_undone() -> None:
    """Inside, two runs in one process order their tasks alike; outside, trio is as it was."""

    async def order() -> list[str]:
        ran: list[str] = []

        async def task(name: str) -> None:
            for _ in range(3):
                await trio.lowlevel.checkpoint()
                ran.append(name)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(task, str(number), name=f"/task-{number}")
        return ran

    from trio._core import _run

    before = (_run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r)
    with seeded_scheduling(5):
        one, two = trio.run(order), trio.run(order)
    with seeded_scheduling(6):
        other = trio.run(order)
    assert one == two
    assert one != other
    assert (_run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r) == before


@pytest.mark.parametrize(("seed", "path", "number"), [(0, "/a", 69), (0, "/b", 39), (1, "/a", 7)])
def test_streams_are_the_same_in_every_version(seed: int, path: str, number: int) -> None:
    """A seed noted in a bug report means the same on every machine."""
    assert random_for(seed, path).randrange(100) == number
