"""The process runtime keeps the runtime contract, in every tier the machine allows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("contract", "process_stage")

from contract import IsolationContract, ProgramContract
from process_stage import ProcessStage, possible

from kube_actors.node.runtime.agent_link import Tier


async def opened(tier: Tier, directory: Path) -> AsyncIterator[ProcessStage]:
    """A stage in that tier, or a skipped test."""
    await possible(tier, directory)
    async with ProcessStage(directory, tier).opened() as stage:
        yield stage


class TestTierA(IsolationContract):
    """Root: everything."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        """A node in tier A."""
        async for stage in opened("A", tmp_path):
            yield stage


class TestTierB(IsolationContract):
    """A user namespace of our own."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        """A node in tier B."""
        async for stage in opened("B", tmp_path):
            yield stage


class TestTierC(ProgramContract):
    """Plain processes."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        """A node in tier C."""
        async for stage in opened("C", tmp_path):
            yield stage
