"""A client of a fresh cluster for every test."""

from __future__ import annotations

import pytest

from tests.server.writing.stage import Caller, new_caller


@pytest.fixture
async def call() -> Caller:
    """A client of a cluster with the namespace default."""
    return await new_caller()
