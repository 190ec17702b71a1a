"""The figures and their goals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Comparison = Literal["<=", ">="]


@dataclass(frozen=True)
class Figure:
    """One figure: `value op goal` is what we want. Figures of one `module` and `run` come out of the same process."""

    name: str
    unit: str
    goal: float
    op: Comparison
    module: str
    run: str = ""

    def met(self, value: float | None) -> bool | None:
        """Whether the goal is reached; None when there is no value."""
        if value is None:
            return None
        return value <= self.goal if self.op == "<=" else value >= self.goal


FIGURES = (
    Figure("start", "s", 0.5, "<=", "starting"),
    Figure("first_pod", "s", 15.0, "<=", "first_pod", "clone"),
    Figure("first_pod_after_install", "s", 1.5, "<=", "first_pod", "clone"),
    Figure("memory_runtime", "MiB", 80.0, "<=", "memory", "idle"),
    Figure("memory_helpers", "MiB", 25.0, "<=", "memory", "idle"),
    Figure("pods_100", "s", 2.0, "<=", "pods"),
    Figure("density_create", "pods/s", 500.0, ">=", "density", "deployment"),
    Figure("density_roll", "pods/s", 250.0, ">=", "density", "deployment"),
    Figure("density_delete", "pods/s", 500.0, ">=", "density", "deployment"),
    Figure("status_write", "us", 100.0, "<=", "writing"),
    Figure("tell", "messages/s", 150_000.0, ">=", "kernel"),
    Figure("ask", "asks/s", 50_000.0, ">=", "kernel"),
    Figure("service_pod", "ratio", 0.9, ">=", "services", "tier A"),
    Figure("service_host", "ratio", 0.9, ">=", "services", "tier A"),
    Figure("api_get", "requests/s", 8000.0, ">=", "api", "requests"),
    Figure("api_post", "requests/s", 4000.0, ">=", "api", "requests"),
    Figure("api_list", "requests/s", 100.0, ">=", "api", "requests"),
    Figure("api_get_p99", "ms", 20.0, "<=", "api", "requests"),
    Figure("api_fanout", "deliveries/s", 200_000.0, ">=", "api"),
    Figure("api_ready_first", "s", 1.0, "<=", "api_ready", "ready"),
    Figure("api_ready_again", "s", 0.5, "<=", "api_ready", "ready"),
    Figure("api_memory", "MiB", 90.0, "<=", "api_ready", "ready"),
    Figure("probes_cpu", "% of a core", 2.0, "<=", "idling"),
    Figure("rest_cpu", "% of a core", 0.5, "<=", "idling", "rest"),
    Figure("reconciles_at_rest", "reconciles", 0.0, "<=", "idling", "rest"),
)
