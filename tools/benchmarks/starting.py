"""start: from the command until the console has answered `get nodes`, quickstart; the median of five after one more."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measured import Values, median_of
from benchmarks.processes import kube_actors_run

QUICKSTART = Path(__file__).resolve().parent.parent.parent / "configs" / "quickstart.yaml"


def _start() -> float:
    with kube_actors_run(QUICKSTART) as run:
        return run.wait_for_console()


def measure(names: list[str]) -> Values:
    """`start`."""
    _start()  # bytecode and page cache are warm from here on
    return {"start": median_of(5, _start)}
