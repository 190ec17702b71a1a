"""api_ready_first, api_ready_again: from the command until /readyz answers 200, without state (keys are made) and with
state from before, quickstart; medians of five. api_memory: PSS of the runtime ten seconds later, with the API on.
"""

from __future__ import annotations

import http
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.api_clients import entrance_of
from benchmarks.measured import CannotMeasure, Values
from benchmarks.processes import LONGEST_START, Run, kube_actors_run, pss_mebibytes
from benchmarks.starting import QUICKSTART

RUNS = 5
SETTLING = 10.0


def _ready(run: Run, directory: Path) -> float:
    """Seconds from the start until /readyz says ok."""
    connection = None
    while run.seconds < LONGEST_START:
        try:
            connection = connection or entrance_of(run.home, directory).connection()
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            answer.read()
            if answer.status == http.HTTPStatus.OK:
                return run.seconds
        except (OSError, CannotMeasure):  # not yet
            if connection is not None:
                connection.close()
        if run.process.poll() is not None:
            raise CannotMeasure(f"kube-actors run ended with status {run.process.returncode}")
        time.sleep(0.002)
    raise CannotMeasure("the API did not get ready")


def measure(names: list[str]) -> Values:
    """All of them."""
    first, again, memory = [], [], 0.0
    for number in range(RUNS + 1):
        with tempfile.TemporaryDirectory(prefix="kube-actors-bench-") as name:
            home = Path(name)
            with kube_actors_run(QUICKSTART, home=home) as run:
                first.append(_ready(run, home))
            with kube_actors_run(QUICKSTART, home=home) as run:
                again.append(_ready(run, home))
                if number == RUNS:
                    time.sleep(SETTLING)
                    memory = pss_mebibytes([run.process.pid])
    # The first time warms up bytecode and page cache.
    found = {
        "api_ready_first": statistics.median(first[1:]),
        "api_ready_again": statistics.median(again[1:]),
        "api_memory": memory,
    }
    return {name: found[name] for name in names}
