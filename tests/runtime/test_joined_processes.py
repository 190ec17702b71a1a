"""Containers among the processes of others: how they end is theirs alone."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from kube_actors.node.runtime.agent_link import Tier

from .process_stage import ProcessStage, opened
from .test_process_containers import processes_with


@pytest.fixture(params=["A", "B"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ProcessStage]:
    """A node in each tier that has pid namespaces."""
    tier: Tier = request.param
    async with opened(tier, tmp_path) as stage:
        yield stage


@pytest.mark.parametrize("shared", [False, True])
async def test_each_ends_as_its_program_did(stage: ProcessStage, shared: bool) -> None:
    """With what it has left behind, and without the processes it was among."""
    await stage.runtime.create_sandbox(attrs.evolve(stage.sandbox(), share_process_namespace=shared))
    await stage.run("exec sleep 1000")
    mark = f"983{os.getpid()}"
    for code in (0, 3):
        name = f"debug-{code}"
        beside = {} if shared else {"processes_of": "main"}
        spec = await stage.run(f"(setsid sleep {mark} &) ; exit {code}", name=name, **beside)
        exited = await stage.next_exit()
        assert (exited.id, exited.exit_code) == (spec.id, code)
        assert not processes_with(mark)


async def test_the_first_that_shares_its_processes(stage: ProcessStage) -> None:
    """Its numbers are the smallest of all, which on the machine are others'."""
    await stage.runtime.create_sandbox(attrs.evolve(stage.sandbox(), share_process_namespace=True))
    for code in (0, 4):
        spec = await stage.run(f"exit {code}", name=f"first-{code}")
        exited = await stage.next_exit()
        assert (exited.id, exited.exit_code) == (spec.id, code)
