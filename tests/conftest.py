"""What holds for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Failed assertions are explained in modules that tests share, too.
AREAS = sorted(package.parent.name for package in Path(__file__).parent.glob("*/__init__.py"))
pytest.register_assert_rewrite(*(f"tests.{area}" for area in AREAS))

# A busy machine is no failure.
settings.register_profile("busy-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy-machine")
