"""Time for tests with real connections."""

from __future__ import annotations

import pytest
from trio.testing import MockClock


@pytest.fixture
def autojump_clock(autojump_clock: MockClock) -> MockClock:
    """Time passes only when all have been waiting for a moment: the kernel may take one to hand a packet over."""
    autojump_clock.autojump_threshold = 0.003
    return autojump_clock
