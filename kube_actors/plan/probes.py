"""One probe of one running container: when it is due, and what its results amount to.

A startup probe keeps the other two waiting: begin them (`probe_begins`) when it has succeeded. A verdict changes only
after as many equal results in a row as its threshold asks for. After a failed liveness or startup verdict the probe
rests: the container is about to be restarted, which brings a new state.
"""

from __future__ import annotations

from enum import Enum

import attrs

from kube_actors.api.views.containers import Probe
from kube_actors.records import frozen


class ProbeKind(Enum):
    """What a probe is asked for."""

    STARTUP = "startup"
    LIVENESS = "liveness"
    READINESS = "readiness"


class Verdict(Enum):
    """What is known of a container by a probe."""

    UNKNOWN = "unknown"
    SUCCESS = "success"
    FAILURE = "failure"


# What holds before the first verdict: alive until shown otherwise, not ready until shown otherwise.
INITIAL = {
    ProbeKind.STARTUP: Verdict.UNKNOWN,
    ProbeKind.LIVENESS: Verdict.SUCCESS,
    ProbeKind.READINESS: Verdict.FAILURE,
}


@frozen
class ProbeState:
    """A probe in progress. `due_at` (epoch seconds) is when to ask next; None means never again for this container."""

    kind: ProbeKind
    probe: Probe
    verdict: Verdict
    due_at: float | None
    last_result: bool | None = None
    run: int = 0

    def observe(self, passed: bool, now: float) -> tuple[ProbeState, Verdict | None]:
        """The state after one result, and the new verdict if this result changed it.

        An attempt that could not be made at all (the runtime was out of reach) is not a result: see `skip`.
        """
        run = self.run + 1 if passed == self.last_result else 1
        threshold = self.probe.success_threshold if passed else self.probe.failure_threshold
        reached = Verdict.SUCCESS if passed else Verdict.FAILURE
        verdict = reached if run >= max(1, threshold) else self.verdict
        after = attrs.evolve(self, last_result=passed, run=run, verdict=verdict, due_at=self._next(verdict, now))
        return after, verdict if verdict is not self.verdict else None

    def skip(self, now: float) -> ProbeState:
        """The state after an attempt that could not be made: nothing is learnt, the next one is due a period later."""
        return attrs.evolve(self, due_at=self._next(self.verdict, now))

    def _next(self, verdict: Verdict, now: float) -> float | None:
        if self.kind is ProbeKind.STARTUP and verdict is not Verdict.UNKNOWN:
            return None
        if self.kind is ProbeKind.LIVENESS and verdict is Verdict.FAILURE:
            return None
        period = max(1, self.probe.period_seconds)
        due = now if self.due_at is None else self.due_at
        # Keep the rhythm: a slow answer does not move later probes, one slower than a period skips the missed ones.
        return due + period * (int(max(0.0, now - due) // period) + 1)


def probe_begins(kind: ProbeKind, probe: Probe, container_started_at: float, now: float) -> ProbeState:
    """The state of a probe that may begin now: first due when `initialDelaySeconds` after the start have passed."""
    due_at = max(now, container_started_at + probe.initial_delay_seconds)
    return ProbeState(kind, probe, INITIAL[kind], due_at)


def termination_grace(probe: Probe | None, pod_grace_seconds: int) -> int:
    """Seconds between SIGTERM and SIGKILL for a container this probe has failed; the probe's own wish comes first."""
    if probe is None or probe.termination_grace_period_seconds is None:
        return pod_grace_seconds
    return probe.termination_grace_period_seconds
