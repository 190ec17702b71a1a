"""Without any privilege: the contract of tier B once more, as a user who has none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NOBODY = 65534
TESTS = Path(__file__).parent


def as_nobody(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command without privileges. Raises PermissionError when they may not run it."""
    path = os.pathsep.join([str(TESTS.parent.parent), *(entry for entry in sys.path if "site-packages" in entry)])
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
        cwd=TESTS.parent.parent,
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
            if as_nobody(name, "-c", "import trio, pytest_trio, attrs").returncode == 0:
                return name
        except (PermissionError, FileNotFoundError):
            continue
    pytest.skip("no interpreter that an unprivileged user may run")


def test_tier_b_without_privileges() -> None:
    """All of tier B's contract holds for a user without privileges."""
    chosen = "TestTierB or test_any_user_without_root"
    files = [str(TESTS / name) for name in ("test_process.py", "test_process_containers.py")]
    plugins = ("-p", "pytest_trio.plugin", "-p", "no:cacheprovider")
    python = interpreter()
    with tempfile.TemporaryDirectory() as place:  # pytest's own directories are root's alone
        os.chown(place, NOBODY, NOBODY)
        options = ("-q", *plugins, f"--basetemp={place}/t", "-k", chosen)
        done = as_nobody(python, "-m", "pytest", *options, *files)
    assert done.returncode == 0, done.stdout + done.stderr
    if "passed" not in done.stdout:
        pytest.skip(f"tier B is not possible here: {done.stdout.strip().splitlines()[-1]}")
