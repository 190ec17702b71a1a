"""The probes of one pod's containers: which is due when, as alarms of the Pod actor; no task waits for one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import attrs

from kube_actors.api.views.containers import Container, Probe
from kube_actors.plan.observed import Observed, Stage
from kube_actors.plan.probes import ProbeKind, ProbeState, Verdict, probe_begins
from kube_actors.records import define


class ProbeKey(NamedTuple):
    """One probe of one container: the key of its alarm."""

    container: str
    kind: ProbeKind


@define
class _Round:
    """A probe in progress for one attempt; `asking` while its question is under way."""

    attempt: int
    state: ProbeState
    asking: bool = False


def _probes_of(container: Container) -> Iterator[tuple[ProbeKind, Probe]]:
    for kind, probe in (
        (ProbeKind.STARTUP, container.startup_probe),
        (ProbeKind.LIVENESS, container.liveness_probe),
        (ProbeKind.READINESS, container.readiness_probe),
    ):
        if probe is not None:
            yield kind, probe


class ProbeRounds:
    """Keeps the rounds equal to what runs. `set_alarm(when, key)` is the actor's `notify_at`."""

    def __init__(self, set_alarm: Callable[[float, ProbeKey], None]) -> None:
        self._set_alarm = set_alarm
        self._rounds: dict[ProbeKey, _Round] = {}

    def follow(self, container: Container, observed: Observed | None, now: float, *, ending: bool) -> None:
        """Begin the probes that may begin, and end those of attempts that are over.

        A startup probe keeps the others waiting; a pod that ends is only asked whether it is still ready.
        """
        running = observed is not None and observed.stage is Stage.RUNNING and not observed.in_hook
        for kind, probe in _probes_of(container):
            key = ProbeKey(container.name, kind)
            may = observed if running and (kind is ProbeKind.READINESS or not ending) else None
            if may is not None and kind is not ProbeKind.STARTUP and container.startup_probe is not None:
                may = may if may.startup is Verdict.SUCCESS else None
            if may is not None and kind is ProbeKind.STARTUP and may.startup is Verdict.SUCCESS:
                may = None
            self._follow_one(key, probe, may, now)

    def _follow_one(self, key: ProbeKey, probe: Probe, observed: Observed | None, now: float) -> None:
        known = self._rounds.get(key)
        if observed is None:
            if known is not None:
                del self._rounds[key]
                self._set_alarm(math.inf, key)
        elif known is None or known.attempt != observed.attempt:
            state = probe_begins(key.kind, probe, observed.started_at or now, now)
            if key.kind is ProbeKind.READINESS and observed.readiness is not state.verdict:
                state = attrs.evolve(state, verdict=observed.readiness)  # an adopted container was ready before
            self._rounds[key] = _Round(observed.attempt, state)
            self._arm(key)

    def begin(self, key: ProbeKey) -> tuple[int, Probe] | None:
        """A probe's alarm went off: the attempt to ask and the probe to make; None when there is nothing to ask."""
        round_ = self._rounds.get(key)
        if round_ is None or round_.asking or round_.state.due_at is None:
            return None
        round_.asking = True
        return round_.attempt, round_.state.probe

    def observe(self, key: ProbeKey, attempt: int, passed: bool | None, now: float) -> Verdict | None:
        """Count a result (None: it could not be made) and set the next alarm; the new verdict if there is one."""
        round_ = self._rounds.get(key)
        if round_ is None or round_.attempt != attempt:
            return None
        round_.asking = False
        verdict = None
        if passed is None:
            round_.state = round_.state.skip(now)
        else:
            round_.state, verdict = round_.state.observe(passed, now)
        self._arm(key)
        return verdict

    def _arm(self, key: ProbeKey) -> None:
        due = self._rounds[key].state.due_at
        self._set_alarm(math.inf if due is None else due, key)
