"""first_pod: `tools/run configs/quickstart.yaml` in a fresh clone until the URL answers, and once more when installed.

The clone is of what is committed. pip's own cache is used as it is; a first installation fills it if need be.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measured import CannotMeasure, Values, median_of
from benchmarks.processes import kube_actors_run

ROOT = Path(__file__).resolve().parent.parent.parent


def _clone(directory: str, name: str) -> Path:
    clone = Path(directory) / name
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    return clone


def _first_pod(clone: Path) -> float:
    command = [sys.executable, str(clone / "tools" / "run")]
    with kube_actors_run(clone / "configs" / "quickstart.yaml", command) as run:
        return run.wait_for_url()


def measure(names: list[str]) -> Values:
    """Both figures."""
    with tempfile.TemporaryDirectory(prefix="kube-actors-bench-") as directory:
        try:
            _first_pod(_clone(directory, "warming"))
            clone = _clone(directory, "measured")
            found = {"first_pod": _first_pod(clone)}
        except subprocess.CalledProcessError as error:
            raise CannotMeasure(f"no clone could be made: {error}") from None
        if "first_pod_after_install" in names:
            found["first_pod_after_install"] = median_of(3, lambda: _first_pod(clone))
        return {name: found[name] for name in names}
