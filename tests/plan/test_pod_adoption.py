"""Taking over pods that may run already: no restart is counted, nothing becomes unready, nothing runs twice."""

from __future__ import annotations

from typing import Any

from kube_actors.api.views import structure
from kube_actors.api.views.pods import PodView
from kube_actors.plan.observed import Exit, PodState, SandboxState
from kube_actors.plan.pod_adoption import FoundAttempt, adopt
from kube_actors.plan.pod_lifecycle import CreateSandbox, PodPlan, StartContainer, plan_pod
from kube_actors.plan.pod_status import pod_status

NOW = 100.0


def a_pod(**status: Any) -> PodView:
    """A pod of one container with a readiness probe, ready in its second attempt."""
    found = {
        "name": "a",
        "ready": True,
        "started": True,
        "restartCount": 1,
        "image": "a:1",
        "imageID": "",
        "state": {"running": {"startedAt": "1970-01-01T00:00:50Z"}},
        "lastState": {"terminated": {"exitCode": 3, "finishedAt": "1970-01-01T00:00:40Z"}},
        **status,
    }
    probe = {"tcpSocket": {"port": 1}}
    return structure(
        PodView,
        {
            "metadata": {"name": "p", "namespace": "n"},
            "spec": {"containers": [{"name": "a", "image": "a:1", "readinessProbe": probe}]},
            "status": {
                "phase": "Running",
                "startTime": "1970-01-01T00:00:10Z",
                "podIP": "10.0.0.9",
                "containerStatuses": [found],
            },
        },
    )


def taken_over(pod: PodView, *found: FoundAttempt) -> PodState:
    """The state after the runtime said what it has."""
    return adopt(pod, found, "10.0.0.9", "192.168.0.1", NOW)


def test_what_runs_on_runs_on() -> None:
    """Same attempt, same start, still ready; nothing is left to do."""
    pod = a_pod()
    state = taken_over(pod, FoundAttempt("a", 1, 50.0, "process://x"))
    assert plan_pod(pod, state, NOW) == PodPlan()
    (status,) = pod_status(pod, state, NOW).container_statuses
    assert (status.ready, status.restart_count, status.started) == (True, 1, True)
    assert status.state.running is not None
    assert status.state.running.started_at == 50.0
    assert status.last_state.terminated is not None
    assert status.last_state.terminated.exit_code == 3
    assert (state.started_at, state.sandbox.state) == (10.0, SandboxState.READY)


def test_what_ended_unseen_is_restarted() -> None:
    """Only the latest attempt counts; the next one has the next number."""
    ended = FoundAttempt("a", 1, 50.0, "process://x", Exit(7, 90.0, 50.0))
    pod = a_pod()
    state = taken_over(pod, ended, FoundAttempt("a", 0, 20.0, "process://w", Exit(3, 40.0)))
    (action,) = plan_pod(pod, state, NOW).actions
    assert isinstance(action, StartContainer)
    assert (action.name, action.attempt) == ("a", 2)


def test_a_machine_that_was_restarted() -> None:
    """The runtime has nothing: what ran has ended unseen, and a new sandbox is made for the next attempt."""
    pod = a_pod()
    state = adopt(pod, None, "", "192.168.0.1", NOW)
    assert plan_pod(pod, state, NOW) == PodPlan((CreateSandbox(1),))
    lost = state.observed["a"]
    assert lost.exit is not None
    assert (lost.attempt, lost.current) == (1, False)
    assert (lost.exit.exit_code, lost.exit.reason) == (137, "ContainerStatusUnknown")


def test_a_fresh_pod() -> None:
    """Nothing is known: start from the beginning."""
    pod = structure(PodView, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]}})
    state = adopt(pod, None, "", "", NOW)
    assert (state.started_at, state.observed, state.sandbox.attempt) == (NOW, {}, 0)


def test_a_pod_that_waited_to_restart() -> None:
    """Its last end is remembered with its number, so that the next attempt gets a new one."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    state = adopt(a_pod(state=waiting, restartCount=4, ready=False, started=False), None, "", "", NOW)
    one = state.observed["a"]
    assert one.exit is not None
    assert (one.attempt, one.exit.exit_code, one.last_exit) == (4, 3, None)
