"""memory_runtime, memory_helpers: PSS ten seconds after the quickstart's URL answered, with nothing happening."""

from __future__ import annotations

import time

from benchmarks.measured import CannotMeasure, Values
from benchmarks.processes import kube_actors_run, pss_mebibytes
from benchmarks.starting import QUICKSTART

SETTLING = 10.0


def measure(names: list[str]) -> Values:
    """Both figures."""
    with kube_actors_run(QUICKSTART) as run:
        run.wait_for_url()
        time.sleep(SETTLING)
        helpers = run.helpers()
        if len(helpers) < 2:
            raise CannotMeasure("keeper and agent were not found")
        return {"memory_runtime": pss_mebibytes([run.process.pid]), "memory_helpers": pss_mebibytes(helpers)}
