"""The checkout's environment: made on first use, repaired, left alone; what is read when it cannot be made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kube_actors.records import frozen

SOURCE = Path(__file__).resolve().parents[2] / "tools" / "environment.py"
PATIENCE = 200.0
MADE_WITH = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
PYTHON = str(MADE_WITH) if MADE_WITH.exists() else sys.executable
"""Not the environment's own: that one has no pip, and getting it takes seconds each time."""

PROGRAM = """
import sys
from environment import become
become(["-c", "import toy; print('ran', toy.__file__)", *sys.argv[1:]])
"""

# A project that needs nothing from anywhere: its build backend stands in it, and writes down each use.
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "toy"
version = "1"
dependencies = []
"""

BACKEND = """
import os, time, zipfile

def build_editable(directory, config_settings=None, metadata_directory=None):
    with open("builds", "a") as log:
        log.write("build\\n")
    while os.path.exists("hold"):
        time.sleep(0.05)
    name = "toy-1-py3-none-any.whl"
    info = "toy-1.dist-info"
    files = {
        "toy.pth": os.path.join(os.getcwd(), "source") + "\\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(f"{path},,\\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)
    return name
"""


@frozen
class Checkout:
    """A clone of a small project that uses the environment as this one does."""

    root: Path

    def start(self, **variables: str) -> subprocess.Popen[str]:
        """Start its program, which pip cannot help with any package from anywhere."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        return subprocess.Popen(
            [PYTHON, str(self.root / "tools" / "program")],
            env={**kept, "PIP_NO_INDEX": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Its program from start to end."""
        with self.start(**variables) as process:
            output, errors = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def runs(self) -> str:
        """Run its program, which must work; answers what it said on stderr."""
        done = self.run()
        assert done.stdout == f"ran {self.root}/source/toy.py\n", done.stderr
        return done.stderr

    @property
    def stamp(self) -> dict[str, Any]:
        """What the environment says of itself."""
        found: dict[str, Any] = json.loads((self.root / ".venv" / "kube-actors.json").read_text())
        return found

    @property
    def builds(self) -> int:
        """How often the project was installed."""
        return len((self.root / "builds").read_text().splitlines())


@pytest.fixture(scope="module")
def installer() -> None:
    """Something to install with, or a reason to skip."""
    if not any(
        subprocess.run([PYTHON, "-c", f"import {name}"], capture_output=True).returncode == 0
        for name in ("pip", "ensurepip")
    ):
        pytest.skip(f"{PYTHON} has neither pip nor ensurepip")


@pytest.fixture
def checkout(tmp_path: Path, installer: None) -> Checkout:
    """Nothing is installed yet, and the path has a space."""
    root = tmp_path / "a clone"
    (root / "tools").mkdir(parents=True)
    (root / "source").mkdir()
    shutil.copy(SOURCE, root / "tools")
    (root / "tools" / "program").write_text(PROGRAM)
    (root / "source" / "toy.py").write_text("")
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "backend.py").write_text(BACKEND)
    return Checkout(root)


def test_made_on_first_use_then_left_alone(checkout: Checkout) -> None:
    """Later starts install nothing and say nothing; a changed project is installed again, in the same environment."""
    assert "making the environment in .venv" in checkout.runs()
    assert checkout.runs() == ""
    assert checkout.builds == 1
    (checkout.root / ".venv" / "kept").touch()
    (checkout.root / "pyproject.toml").write_text(PROJECT + "# another\n")
    assert "making the environment in .venv" in checkout.runs()
    assert checkout.builds == 2
    assert (checkout.root / ".venv" / "kept").exists()


def test_killed_in_the_middle_of_an_install(checkout: Checkout) -> None:
    """The next start begins anew; what half an install left is not trusted."""
    hold, builds = checkout.root / "hold", checkout.root / "builds"
    hold.touch()
    process = checkout.start()
    end = time.monotonic() + PATIENCE
    while not builds.exists():
        assert time.monotonic() < end, "nothing was installed"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert (checkout.root / ".venv").exists()
    hold.unlink()
    checkout.runs()
    assert checkout.builds == 2
    assert checkout.runs() == ""


@pytest.mark.parametrize("lost", ["bin/python", "lib", "kube-actors.json", "pyvenv.cfg"])
def test_half_deleted(checkout: Checkout, lost: str) -> None:
    """Whatever is missing of it, it is made anew."""
    checkout.runs()
    gone = checkout.root / ".venv" / lost
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    assert "making the environment" in checkout.runs()
    assert checkout.runs() == ""


def test_half_a_stamp(checkout: Checkout) -> None:
    """Nothing is known of what stands there: it is made anew."""
    checkout.runs()
    (checkout.root / ".venv" / "kube-actors.json").write_text('{"root": "')
    assert "making the environment" in checkout.runs()


def test_a_checkout_that_was_moved(checkout: Checkout) -> None:
    """Its programs name the old place: it is made anew."""
    checkout.runs()
    moved = Checkout(checkout.root.with_name("elsewhere"))
    checkout.root.rename(moved.root)
    assert "making the environment" in moved.runs()
    assert moved.stamp["root"] == str(moved.root)


def test_two_at_once_install_once(checkout: Checkout) -> None:
    """The second waits for the first."""
    both = [checkout.start(), checkout.start()]
    said = [process.communicate(timeout=PATIENCE) for process in both]
    assert [output for output, _ in said] == [f"ran {checkout.root}/source/toy.py\n"] * 2, said
    assert sorted(bool(errors) for _, errors in said) == [False, True]
    assert checkout.builds == 1


def test_a_package_that_cannot_be_had_is_named(checkout: Checkout) -> None:
    """One line and status 2, not pip's page of text; and it works as soon as the package is there."""
    (checkout.root / "pyproject.toml").write_text(PROJECT.replace("requires = []", 'requires = ["wanted-by-toy>=3"]'))
    done = checkout.run()
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("kube-actors: installing: the package wanted-by-toy>=3 is missing")
    assert "Traceback" not in done.stderr
    (checkout.root / "pyproject.toml").write_text(PROJECT)
    checkout.runs()


def test_an_index_out_of_reach(checkout: Checkout) -> None:
    """The package that was wanted first is named, and that the index did not answer."""
    (checkout.root / "pyproject.toml").write_text(PROJECT.replace("requires = []", 'requires = ["wanted-by-toy"]'))
    nowhere = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    done = checkout.run(**nowhere, PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 2
    assert "the package wanted-by-toy is missing, and the package index cannot be reached" in done.stderr


def test_a_checkout_that_cannot_be_written(checkout: Checkout) -> None:
    """Said in one line, with the place."""
    (checkout.root / ".venv.lock").mkdir()
    done = checkout.run()
    assert done.returncode == 2
    assert done.stderr.startswith(f"kube-actors: the environment cannot be made in {checkout.root}")
    assert len(done.stderr.splitlines()) == 1


def test_interrupted_by_the_keyboard(checkout: Checkout) -> None:
    """Status 130 without a traceback."""
    hold, builds = checkout.root / "hold", checkout.root / "builds"
    hold.touch()
    process = checkout.start()
    end = time.monotonic() + PATIENCE
    while not builds.exists():
        assert time.monotonic() < end, "nothing was installed"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in errors
