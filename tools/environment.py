"""The checkout's own virtual environment: made on first use, remade when pyproject.toml changes, else left alone.

Standard library only: this runs before anything is installed. A stamp file, written last, says what the environment
was made from and how many files it had, so that an interrupted install and a half-deleted environment are recognised.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "kube-actors.json"
PYTHON = ENVIRONMENT / "bin" / "python"
MISSING = re.compile(
    r"No matching distribution found for (\S+)|Could not find a version that satisfies the requirement (\S+)"
)


UNREACHABLE = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|connection broken")
WARM = "import kube_actors.cli.main, kube_actors.cli.running, kube_actors.console.server"


class CannotInstall(Exception):
    """The environment could not be made; the message says what to do."""


def find_python() -> str:
    """An interpreter new enough: this one, or the newest `python3.N` on PATH."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise CannotInstall(f"kube-actors needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")


def fingerprint() -> str:
    """What an environment depends on: the project's requirements."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()


def count_files() -> int:
    """How many files the environment has, bytecode and the stamp apart; takes some 10 ms."""
    found = (name for _, _, names in os.walk(ENVIRONMENT) for name in names)
    return sum(not name.endswith(".pyc") and name != STAMP.name for name in found)


def is_current(extra: str | None) -> bool:
    """Whether the environment holds what pyproject.toml asks for, `extra` included, and nothing was taken from it."""
    made = _made_before()
    return made is not None and made["made_from"] == fingerprint() and (extra is None or extra in made["extras"])


def _made_before() -> dict[str, Any] | None:
    """The stamp of a whole install: `root`, `made_from`, `extras`, `files`. None when interrupted, damaged or moved."""
    try:
        stamp: dict[str, Any] = json.loads(STAMP.read_text())
        complete = stamp["root"] == str(ROOT) and stamp["files"] <= count_files() and PYTHON.exists()
        return stamp if complete and {"made_from", "extras"} <= stamp.keys() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def only_one() -> Iterator[int]:
    """Two commands started at once install once. Yields the lock, for the programs that do it: it lasts as they do."""
    lock = os.open(ROOT / ".venv.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def _run(command: list[str], what: str, lock: int) -> None:
    # pip installs for the environment even where it is told to install for the user.
    variables = {**os.environ, "PIP_USER": "0"}
    done = subprocess.run(
        command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, pass_fds=[lock]
    )
    if done.returncode == 0:
        return
    output = done.stdout + done.stderr
    missing = MISSING.search(output)
    if missing:
        why = "cannot be reached" if UNREACHABLE.search(output) else "does not have it"
        raise CannotInstall(f"{what}: the package {missing[1] or missing[2]} is missing, and the package index {why}")
    if "ensurepip" in output:
        raise CannotInstall(f"{what}: this Python has no ensurepip; install the package python3-venv")
    raise CannotInstall(f"{what} failed:\n{output.strip()[-2000:]}")


def _make(base: str, lock: int) -> None:
    """An empty environment in the place of whatever is there."""
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    _run([base, "-m", "venv", "--without-pip", str(ENVIRONMENT)], "making the virtual environment", lock)


def _pip(base: str, lock: int) -> list[str]:
    """The base interpreter's pip at work on the environment, which spares installing one there; or one of its own."""
    outside = [base, "-m", "pip", "--python", str(PYTHON)]
    if subprocess.run([*outside, "--version"], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0:
        return outside
    _run([str(PYTHON), "-m", "ensurepip", "--upgrade"], "installing pip", lock)
    return [str(PYTHON), "-m", "pip"]


def install(extra: str | None, lock: int) -> None:
    """Bring a complete environment up to pyproject.toml, or make one from nothing where none was completed."""
    print("kube-actors: making the environment in .venv (first use, or pyproject.toml changed) …", file=sys.stderr)
    base = find_python()
    before = _made_before()
    STAMP.unlink(missing_ok=True)
    if before is None:
        _make(base, lock)
    extras = sorted({*(before["extras"] if before else ()), *([extra] if extra else ())})
    target = f".[{','.join(extras)}]" if extras else "."
    # Bytecode is made for what is imported only: now, so that the first start is as fast as later ones.
    options = ["--disable-pip-version-check", "--no-input", "--quiet", "--no-compile"]
    made_from = fingerprint()
    _run([*_pip(base, lock), "install", *options, "--editable", target], "installing", lock)
    subprocess.run([str(PYTHON), "-c", WARM], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True)
    stamp = {"root": str(ROOT), "made_from": made_from, "extras": extras, "files": count_files()}
    temporary = STAMP.with_suffix(".new")
    temporary.write_text(json.dumps(stamp))
    temporary.replace(STAMP)


def ensure(extra: str | None = None) -> str:
    """The environment's interpreter, made ready first if need be. Raises CannotInstall."""
    if is_current(extra):
        return str(PYTHON)
    try:
        with only_one() as lock:
            if not is_current(extra):
                install(extra, lock)
    except OSError as error:
        raise CannotInstall(f"the environment cannot be made in {ROOT} (it needs to be written to): {error}") from None
    return str(PYTHON)


def become(arguments: list[str], extra: str | None = None) -> None:
    """Replace this process by the environment's Python with these arguments; status 2 when there is none to be had."""
    try:
        python = ensure(extra)
    except CannotInstall as error:
        print(f"kube-actors: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.stdout.flush()
    # The environment is ours: without its bytecode, which pip was not waited for to make, every start would take twice
    # as long as it has to.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    os.execve(python, [python, *arguments], environment)
