"""Clusters of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .manifests import CLUSTER
from .stage import Stage, read_config, running


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Two nodes in the best tier the machine allows; nothing may be left of them."""
    async with running(read_config(CLUSTER), tmp_path / "state") as stage:
        yield stage
