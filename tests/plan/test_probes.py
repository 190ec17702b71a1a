"""One probe: thresholds, rhythm and rest."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.views import structure
from kube_actors.api.views.containers import Probe
from kube_actors.plan.probes import ProbeKind, ProbeState, Verdict, probe_begins, termination_grace


def a_probe(**fields: Any) -> Probe:
    """A probe with Kubernetes' defaults and these fields."""
    return structure(Probe, {"tcpSocket": {"port": 80}, **fields})


def run(state: ProbeState, results: str) -> list[str]:
    """Feed results (+ and -) when they are due; the verdict after each, in capitals where it changed."""
    seen = []
    for result in results:
        assert state.due_at is not None
        state, change = state.observe(result == "+", state.due_at)
        seen.append(change.value.upper() if change else state.verdict.value)
    return seen


@pytest.mark.parametrize(
    ("kind", "fields", "results", "verdicts"),
    [
        (ProbeKind.READINESS, {}, "++", ["SUCCESS", "success"]),
        (ProbeKind.READINESS, {}, "+--+---", ["SUCCESS", *["success"] * 5, "FAILURE"]),
        (ProbeKind.READINESS, {"successThreshold": 2}, "+-++", ["failure", "failure", "failure", "SUCCESS"]),
        (ProbeKind.READINESS, {"failureThreshold": 1}, "+-+", ["SUCCESS", "FAILURE", "SUCCESS"]),
        (ProbeKind.LIVENESS, {}, "--+---", [*["success"] * 5, "FAILURE"]),
        (ProbeKind.STARTUP, {"failureThreshold": 4}, "---+", ["unknown", "unknown", "unknown", "SUCCESS"]),
        (ProbeKind.STARTUP, {"failureThreshold": 2}, "--", ["unknown", "FAILURE"]),
    ],
)
def test_verdicts(kind: ProbeKind, fields: dict[str, Any], results: str, verdicts: list[str]) -> None:
    """A verdict changes after as many equal results in a row as its threshold asks for."""
    assert run(probe_begins(kind, a_probe(**fields), 0.0, 0.0), results) == verdicts


@pytest.mark.parametrize(
    ("kind", "results"), [(ProbeKind.STARTUP, "+"), (ProbeKind.STARTUP, "---"), (ProbeKind.LIVENESS, "---")]
)
def test_some_verdicts_are_final(kind: ProbeKind, results: str) -> None:
    """A startup probe ends with its verdict, a liveness probe when it has failed."""
    state = probe_begins(kind, a_probe(), 0.0, 0.0)
    for result in results:
        state, _ = state.observe(result == "+", state.due_at or 0.0)
    assert state.due_at is None


def test_the_first_one_waits_for_its_delay() -> None:
    """`initialDelaySeconds` count from the container's start; one that begins later is due at once."""
    assert probe_begins(ProbeKind.LIVENESS, a_probe(initialDelaySeconds=5), 100.0, 100.0).due_at == 105.0
    assert probe_begins(ProbeKind.LIVENESS, a_probe(initialDelaySeconds=5), 100.0, 130.0).due_at == 130.0


@pytest.mark.parametrize(("answered", "due"), [(100.0, 110.0), (103.0, 110.0), (110.0, 120.0), (125.0, 130.0)])
def test_the_rhythm_is_kept(answered: float, due: float) -> None:
    """Slow answers do not shift later probes; those missed meanwhile are left out."""
    state = probe_begins(ProbeKind.READINESS, a_probe(), 100.0, 100.0)
    assert state.observe(True, answered)[0].due_at == due


def test_an_attempt_that_was_not_made_teaches_nothing() -> None:
    """Neither verdict nor run changes; the next attempt is due a period later."""
    state, _ = probe_begins(ProbeKind.READINESS, a_probe(), 0.0, 0.0).observe(False, 0.0)
    skipped = state.skip(10.0)
    assert (skipped.verdict, skipped.run, skipped.due_at) == (Verdict.FAILURE, 1, 20.0)


def test_a_probe_may_have_a_grace_of_its_own() -> None:
    """`terminationGracePeriodSeconds` of the probe comes before the pod's."""
    assert termination_grace(a_probe(terminationGracePeriodSeconds=3), 30) == 3
    assert termination_grace(a_probe(), 30) == 30
    assert termination_grace(None, 30) == 30
