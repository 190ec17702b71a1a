"""Commands as a user who has no privileges, for tests that root runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
ROOT = Path(__file__).parents[2]
# What a test run of the project's own loads; an interpreter of another version cannot load the compiled ones.
IMPORTS = "import attrs, hypothesis, orjson, pytest_trio, ruamel.yaml, trio"


def as_nobody(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command without privileges. Raises PermissionError when they may not run it."""
    path = os.pathsep.join([str(ROOT), *(entry for entry in sys.path if "site-packages" in entry)])
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # only what these tests need
    }
    return subprocess.run(
        command,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env=environment,
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )


def interpreter() -> str:
    """A Python an unprivileged user may run, with the project's packages; the test is skipped without one."""
    if os.geteuid():
        pytest.skip("needs root, to give it up")
    system = f"/usr/bin/python3.{sys.version_info.minor}"
    for name in (sys.executable, system, shutil.which("python3") or sys.executable):
        try:
            if as_nobody(name, "-c", IMPORTS).returncode == 0:
                return name
        except (PermissionError, FileNotFoundError):
            continue
    pytest.skip("no interpreter that an unprivileged user may run")


def passes_for_nobody(chosen: str, *files: Path) -> None:
    """Run the tests that `-k chosen` picks of these files as nobody; where they are skipped, so is this one."""
    python = interpreter()
    plugins = ("-p", "pytest_trio.plugin", "-p", "no:cacheprovider")
    with _directory() as place:
        done = as_nobody(
            python, "-m", "pytest", "-q", *plugins, f"--basetemp={place}/t", "-k", chosen, *map(str, files)
        )
    assert done.returncode == 0, done.stdout + done.stderr
    if "passed" not in done.stdout:
        pytest.skip(f"not possible here: {done.stdout.strip().splitlines()[-1]}")


@contextmanager
def _directory() -> Iterator[str]:
    """A directory of theirs: pytest's own are root's alone."""
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, NOBODY, NOBODY)
        yield place
