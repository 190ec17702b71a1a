"""The process runtime keeps the runtime contract, in every tier the machine allows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .contract import IsolationContract, ProgramContract
from .process_stage import ProcessStage, opened


class TestTierA(IsolationContract):
    """Root: everything."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        """A node in tier A."""
        async with opened("A", tmp_path) as stage:
            yield stage


class TestTierB(IsolationContract):
    """A user namespace of our own."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        """A node in tier B."""
        async with opened("B", tmp_path) as stage:
            yield stage


class TestTierC(ProgramContract):
    """Plain processes."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[ProcessStage]:
        """A node in tier C."""
        async with opened("C", tmp_path) as stage:
            yield stage
