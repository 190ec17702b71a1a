"""What holds for every test."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Failed assertions are explained in modules that tests share, too.
AREAS = sorted(package.parent.name for package in Path(__file__).parent.glob("*/__init__.py"))
pytest.register_assert_rewrite(*(f"tests.{area}" for area in AREAS))

# A busy machine is no failure.
settings.register_profile("busy-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy-machine")

# In the background of a script, or under nohup, these are ignored, and the programs that tests start would inherit it.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """pytest-trio skips without the reason when a skip comes out of a nursery: the reason is what was skipped for."""
    try:
        return (yield)
    except pytest.skip.Exception as skipped:
        groups = [skipped.__context__] if not skipped.msg else []
        while groups:
            match groups.pop():
                case BaseExceptionGroup(exceptions=inner):
                    groups += inner
                case pytest.skip.Exception() as reason:
                    raise reason from None
        raise
