"""The checkout's own virtual environment: made on first use, remade when pyproject.toml changes, else left alone.

Standard library only: this runs before anything is installed. A stamp file, written last, says what the environment
was made from, so an interrupted install is recognised and repaired.
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

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
STAMP = ENVIRONMENT / "kube-actors.json"
PYTHON = ENVIRONMENT / "bin" / "python"
MISSING = re.compile(
    r"No matching distribution found for (\S+)|Could not find a version that satisfies the requirement (\S+)"
)


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
    """What an environment depends on: the project's requirements and where the checkout stands."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    digest.update(str(ROOT).encode())
    return digest.hexdigest()


def is_current(extra: str | None) -> bool:
    """Whether the environment holds what pyproject.toml asks for, `extra` included."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    return stamp.get("made_from") == fingerprint() and (extra is None or extra in stamp["extras"]) and PYTHON.exists()


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two commands started at once install once."""
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    output = done.stdout + done.stderr
    missing = MISSING.search(output)
    if missing:
        raise CannotInstall(f"{what}: the package {missing[1] or missing[2]} cannot be had from the package index")
    if "ensurepip" in output:
        raise CannotInstall(f"{what}: this Python has no ensurepip; install the package python3-venv")
    raise CannotInstall(f"{what} failed:\n{output.strip()[-2000:]}")


def _made_before() -> set[str] | None:
    """The extras of a complete earlier install; None when there is none, or it was interrupted."""
    try:
        return set(json.loads(STAMP.read_text())["extras"])
    except (OSError, ValueError, KeyError):
        return None


def _make(base: str) -> None:
    """An empty environment in the place of whatever is there."""
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    _run([base, "-m", "venv", "--without-pip", str(ENVIRONMENT)], "making the virtual environment")


def _pip(base: str) -> list[str]:
    """The base interpreter's pip at work on the environment, which spares installing one there; or one of its own."""
    outside = [base, "-m", "pip", "--python", str(PYTHON)]
    if subprocess.run([*outside, "--version"], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0:
        return outside
    _run([str(PYTHON), "-m", "ensurepip", "--upgrade"], "installing pip")
    return [str(PYTHON), "-m", "pip"]


def install(extra: str | None) -> None:
    """Bring a complete environment up to pyproject.toml, or make one from nothing where none was completed."""
    print("kube-actors: making the environment in .venv (first use, or pyproject.toml changed) …", file=sys.stderr)
    base = find_python()
    before = _made_before()
    STAMP.unlink(missing_ok=True)
    if before is None or not PYTHON.exists():
        _make(base)
    extras = sorted((before or set()) | ({extra} if extra else set()))
    target = f".[{','.join(extras)}]" if extras else "."
    quietly = ["--disable-pip-version-check", "--no-input", "--quiet"]
    _run([*_pip(base), "install", *quietly, "--editable", target], "installing")
    temporary = STAMP.with_suffix(".new")
    temporary.write_text(json.dumps({"made_from": fingerprint(), "extras": extras}))
    temporary.replace(STAMP)


def ensure(extra: str | None = None) -> str:
    """The environment's interpreter, made ready first if need be. Raises CannotInstall."""
    if not is_current(extra):
        with only_one():
            if not is_current(extra):
                install(extra)
    return str(PYTHON)


def become(arguments: list[str], extra: str | None = None) -> None:
    """Replace this process by the environment's Python with these arguments; status 2 when there is none to be had."""
    try:
        python = ensure(extra)
    except CannotInstall as error:
        print(f"kube-actors: {error}", file=sys.stderr)
        sys.exit(2)
    sys.stdout.flush()
    os.execv(python, [python, *arguments])
