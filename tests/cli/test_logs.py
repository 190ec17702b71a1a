"""Log lines: for people, for programs, and never for the terminal to obey."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from kube_actors.cli.logs import set_up_logs
set_up_logs(*sys.argv[1:])
assert "structlog" not in sys.modules, "there is nothing to say yet"
from kube_actors.log import Log
log = Log("x")
log.info("started \\x1b[31m", name="a b", count=3, path="plain")
try:
    1 / 0
except ZeroDivisionError as error:
    log.error("failed", exc_info=error)
print("rich" in sys.modules)
"""


def lines(level: str, form: str) -> list[str]:
    """What a process that logs prints on stderr; on stdout nothing of it."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, level, form], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    return done.stderr.splitlines()


def test_for_people() -> None:
    """Time, level, event and what belongs to it; a traceback is indented below."""
    first, second, *trace = lines("info", "console")
    assert first[8:] == " info started \\e[31m name='a b' count=3 path=plain"
    assert second[8:] == " error failed"
    assert trace[-1] == "    ZeroDivisionError: division by zero"


def test_for_programs() -> None:
    """Every line is JSON, with the same fields first."""
    first, second = map(json.loads, lines("info", "json"))
    assert list(first)[:3] == ["time", "level", "event"]
    assert {key: first[key] for key in ("level", "event", "name", "count")} == {
        "level": "info",
        "event": "started \x1b[31m",
        "name": "a b",
        "count": 3,
    }
    assert "ZeroDivisionError" in second["traceback"]


@pytest.mark.parametrize(("level", "count"), [("debug", 2), ("info", 2), ("warning", 1), ("error", 1)])
def test_levels(level: str, count: int) -> None:
    """What is below the level is not printed."""
    assert len(lines(level, "json")) == count
