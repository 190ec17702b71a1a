"""What a node does next with a pod: starting, restarting, sidecars, probe kills and ends."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.views import structure
from kube_actors.api.views.pods import PodView
from kube_actors.plan.backoff import Backoff
from kube_actors.plan.observed import Ending, Exit, Observed, PodState, Sandbox, SandboxState
from kube_actors.plan.pod_lifecycle import (
    CreateSandbox,
    PodPlan,
    RemoveSandbox,
    RestartAll,
    StartContainer,
    StopContainer,
    plan_pod,
)
from kube_actors.plan.probes import ProbeKind, Verdict

NOW = 100.0
READY = Sandbox(SandboxState.READY, 1, "10.0.0.1")
ABSENT = Sandbox()


def a_pod(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **spec: Any) -> PodView:
    """A pod of these containers."""
    body = {"metadata": {"name": "p"}, "spec": {"containers": list(containers), "initContainers": list(init), **spec}}
    return structure(PodView, body)


def named(name: str, **fields: Any) -> dict[str, Any]:
    """A container."""
    return {"name": name, **fields}


def sidecar(name: str, **fields: Any) -> dict[str, Any]:
    """An init container that keeps running."""
    return {"name": name, "restartPolicy": "Always", **fields}


def state(*observed: Observed, sandbox: Sandbox = READY, ending: Ending | None = None) -> PodState:
    """What the node knows."""
    return PodState(0.0, sandbox, {one.name: one for one in observed}, ending)


def running(name: str, attempt: int = 0) -> Observed:
    """A container that runs."""
    return Observed(name, attempt).running(50.0)


def exited(name: str, code: int, at: float = NOW, attempt: int = 0, backoff: Backoff | None = None) -> Observed:
    """A container that ended."""
    return attrs.evolve(running(name, attempt).exited(Exit(code, at, 50.0)), backoff=backoff)


def plan(pod: PodView, known: PodState, now: float = NOW) -> PodPlan:
    """The plan."""
    return plan_pod(pod, known, now)


A, B = named("a"), named("b")
FRESH = Backoff(10.0, NOW)


@pytest.mark.parametrize(
    ("case", "pod", "known", "expected"),
    [
        ("first its world", a_pod(A), state(sandbox=ABSENT), PodPlan((CreateSandbox(0),))),
        ("being made", a_pod(A), state(sandbox=Sandbox(SandboxState.CREATING)), PodPlan()),
        (
            "making it failed",
            a_pod(A),
            state(sandbox=Sandbox(retry_at=NOW + 3)),
            PodPlan(wake_at=NOW + 3),
        ),
        ("then the first container", a_pod(A, B), state(), PodPlan((StartContainer("a", 0),))),
        ("one at a time", a_pod(A, B), state(Observed("a")), PodPlan()),
        ("postStart holds up the next", a_pod(A, B), state(Observed("a").running(1.0, hook=True)), PodPlan()),
        ("the next", a_pod(A, B), state(running("a")), PodPlan((StartContainer("b", 0),))),
        ("all run", a_pod(A, B), state(running("a"), running("b")), PodPlan()),
        (
            "a failed start is tried again later, others meanwhile",
            a_pod(A, B),
            state(Observed("a").failed("ErrImagePull", "no", NOW)),
            PodPlan((StartContainer("b", 0),), wake_at=NOW + 10),
        ),
        (
            "and then with the same number",
            a_pod(A),
            state(Observed("a").failed("ErrImagePull", "no", NOW - 10)),
            PodPlan((StartContainer("a", 0),)),
        ),
    ],
)
def test_starting(case: str, pod: PodView, known: PodState, expected: PodPlan) -> None:
    """From nothing to running."""
    assert plan(pod, known) == expected


@pytest.mark.parametrize(
    ("case", "policy", "ended", "expected"),
    [
        ("Always restarts at once the first time", "Always", exited("a", 0), PodPlan((StartContainer("a", 1, FRESH),))),
        ("OnFailure after a failure", "OnFailure", exited("a", 1), PodPlan((StartContainer("a", 1, FRESH),))),
        (
            "then it waits",
            "Always",
            exited("a", 1, at=NOW - 4, attempt=1, backoff=Backoff(10.0, 80.0)),
            PodPlan(wake_at=NOW + 6),
        ),
        (
            "and starts again, waiting longer next time",
            "Always",
            exited("a", 1, at=NOW - 10, attempt=1, backoff=Backoff(10.0, 80.0)),
            PodPlan((StartContainer("a", 2, Backoff(20.0, NOW)),)),
        ),
        (
            "a program that cannot be run counts as an end",
            "Always",
            Observed("a").not_executed("no such file", NOW),
            PodPlan((StartContainer("a", 1, FRESH),)),
        ),
    ],
)
def test_restarting(case: str, policy: str, ended: Observed, expected: PodPlan) -> None:
    """A container that ended beside one that runs."""
    assert plan(a_pod(A, B, restartPolicy=policy), state(ended, running("b"))) == expected


@pytest.mark.parametrize(("policy", "code"), [("Never", 1), ("Never", 0), ("OnFailure", 0)])
def test_not_restarting(policy: str, code: int) -> None:
    """A container that is done stays done while another runs on."""
    assert plan(a_pod(A, B, restartPolicy=policy), state(exited("a", code), running("b"))) == PodPlan()


def test_a_containers_own_restart_rules() -> None:
    """Its own policy and its rules on exit codes come before the pod's."""
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    pod = a_pod(named("a", restartPolicy="Never", restartPolicyRules=[rule]), B)
    assert plan(pod, state(exited("a", 42), running("b"))).actions == (StartContainer("a", 1, FRESH),)
    assert plan(pod, state(exited("a", 1), running("b"))) == PodPlan()


INIT, NEXT, SIDE = named("i"), named("j"), sidecar("s")
RESTART_ALL = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
TRIGGER = named("t", restartPolicy="Never", restartPolicyRules=[RESTART_ALL])


def test_one_end_restarts_all() -> None:
    """What runs is ended at once, whatever its grace, hooks and policy; then init containers come first again."""
    pod = a_pod(A, TRIGGER, init=(INIT, SIDE), restartPolicy="Never", terminationGracePeriodSeconds=30)
    known = state(exited("i", 0), running("s"), exited("a", 0), exited("t", 42))
    assert plan(pod, known) == PodPlan((StopContainer("s", 0, NOW, "Killing", "Stopping container s", True),))
    stopping = attrs.evolve(known, observed={**known.observed, "s": running("s").stopping(NOW, restart=True)})
    assert plan(pod, stopping, NOW + 1) == PodPlan()
    killed = attrs.evolve(known.observed["s"].stopping(NOW, restart=True).exited(Exit(137, NOW)))
    ended = attrs.evolve(known, observed={**known.observed, "s": killed})
    assert plan(pod, ended) == PodPlan((RestartAll(),), wake_at=NOW)
    anew = ended.begun_anew(NOW, {"i", "s", "a", "t"})
    assert plan(pod, anew) == PodPlan(wake_at=NOW + 1), "a moment later, without backoff"
    assert plan(pod, anew, NOW + 1).actions == (StartContainer("i", 1),)
    passed = attrs.evolve(anew, observed={**anew.observed, "i": exited("i", 0, attempt=1)})
    assert plan(pod, passed, NOW + 1).actions == (StartContainer("s", 1),)
    up = attrs.evolve(passed, observed={**passed.observed, "s": running("s", 1)})
    assert plan(pod, up, NOW + 1).actions == (StartContainer("a", 1),)


def test_the_first_rule_that_matches_decides() -> None:
    """A rule that restarts only the container itself keeps the later one from acting."""
    only = {"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0]}}
    pod = a_pod(A, named("t", restartPolicy="Never", restartPolicyRules=[only, RESTART_ALL]))
    assert plan(pod, state(running("a"), exited("t", 42))).actions == (StartContainer("t", 1, FRESH),)


@pytest.mark.parametrize(
    ("case", "pod", "known", "expected"),
    [
        ("in order", a_pod(A, init=(INIT, NEXT)), state(), PodPlan((StartContainer("i", 0),))),
        ("one after the other", a_pod(A, init=(INIT, NEXT)), state(running("i")), PodPlan()),
        ("next", a_pod(A, init=(INIT, NEXT)), state(exited("i", 0)), PodPlan((StartContainer("j", 0),))),
        ("again on failure", a_pod(A, init=(INIT,)), state(exited("i", 1)), PodPlan((StartContainer("i", 1, FRESH),))),
        ("then the containers", a_pod(A, init=(INIT,)), state(exited("i", 0)), PodPlan((StartContainer("a", 0),))),
        (
            "a sidecar lets others start when it runs",
            a_pod(A, init=(SIDE,)),
            state(running("s")),
            PodPlan((StartContainer("a", 0),)),
        ),
        ("not before its postStart", a_pod(A, init=(SIDE,)), state(Observed("s").running(1.0, hook=True)), PodPlan()),
        (
            "not before its startup probe",
            a_pod(A, init=(sidecar("s", startupProbe={"tcpSocket": {"port": 1}}),)),
            state(running("s")),
            PodPlan(),
        ),
        (
            "a sidecar that ends is started again, whatever the policy",
            a_pod(A, init=(SIDE,), restartPolicy="Never"),
            state(exited("s", 0), running("a")),
            PodPlan((StartContainer("s", 1, FRESH),)),
        ),
        (
            "its backoff does not hold up a later init container",
            a_pod(A, init=(SIDE, INIT, NEXT)),
            state(exited("s", 1, at=NOW - 1, attempt=1, backoff=Backoff(10.0, 80.0)), exited("i", 0)),
            PodPlan((StartContainer("j", 0),), wake_at=NOW + 9),
        ),
        (
            "an init container is not run again beside the containers",
            a_pod(A, B, init=(INIT,)),
            state(running("a")),
            PodPlan((StartContainer("b", 0),)),
        ),
    ],
)
def test_initialization(case: str, pod: PodView, known: PodState, expected: PodPlan) -> None:
    """Init containers and sidecars come before the containers."""
    assert plan(pod, known) == expected


def test_failed_initialization_ends_a_pod_that_never_restarts() -> None:
    """Sidecars are stopped, then the world goes, and the pod is over."""
    pod = a_pod(A, init=(SIDE, INIT), restartPolicy="Never")
    ending = Ending(NOW, 30)
    first = plan(pod, state(running("s"), exited("i", 1)))
    assert first == PodPlan((StopContainer("s", 0, NOW + 30, "Killing", "Stopping container s"),), ending=ending)
    second = plan(pod, state(exited("s", 0), exited("i", 1)))
    assert second == PodPlan((RemoveSandbox(),), ending=ending)
    gone = Sandbox(SandboxState.ABSENT, 1)
    assert plan(pod, state(exited("s", 0), exited("i", 1), sandbox=gone)) == PodPlan(ended=True, ending=ending)


PROBE = {"tcpSocket": {"port": 1}}


@pytest.mark.parametrize(
    ("case", "container", "kind", "policy", "expected"),
    [
        (
            "liveness",
            named("a", livenessProbe=PROBE),
            ProbeKind.LIVENESS,
            "Always",
            (NOW + 30, "Container a failed liveness probe, will be restarted", True),
        ),
        (
            "its own grace",
            named("a", livenessProbe={**PROBE, "terminationGracePeriodSeconds": 3}),
            ProbeKind.LIVENESS,
            "OnFailure",
            (NOW + 3, "Container a failed liveness probe, will be restarted", True),
        ),
        (
            "startup, never restarted",
            named("a", startupProbe=PROBE),
            ProbeKind.STARTUP,
            "Never",
            (NOW + 30, "Container a failed startup probe", False),
        ),
    ],
)
def test_probe_kills(
    case: str, container: dict[str, Any], kind: ProbeKind, policy: str, expected: tuple[float, str, bool]
) -> None:
    """A failed liveness or startup probe stops the container, once."""
    pod, failed = a_pod(container, restartPolicy=policy), running("a").judged(kind, Verdict.FAILURE)
    kill_at, message, restart = expected
    assert plan(pod, state(failed)) == PodPlan((StopContainer("a", 0, kill_at, "Killing", message, restart),))
    assert plan(pod, state(failed.stopping(kill_at, restart=restart))) == PodPlan()


def test_a_container_stopped_to_be_restarted_comes_back() -> None:
    """Even when it exits with 0 under OnFailure."""
    pod = a_pod(named("a", livenessProbe=PROBE), restartPolicy="OnFailure")
    stopped = running("a").stopping(NOW + 30, restart=True).exited(Exit(0, NOW, 50.0))
    assert plan(pod, state(stopped)) == PodPlan((StartContainer("a", 1, FRESH),))


def test_an_unready_container_is_left_alone() -> None:
    """Readiness only takes traffic away."""
    pod = a_pod(named("a", readinessProbe=PROBE))
    assert plan(pod, state(running("a").judged(ProbeKind.READINESS, Verdict.FAILURE))) == PodPlan()


def test_a_failed_post_start_stops_the_container() -> None:
    """As the kubelet does; the restart policy decides what follows."""
    known = state(Observed("a").running(1.0, hook=True).hooked(False))
    expected = StopContainer("a", 0, NOW + 30, "Killing", "FailedPostStartHook")
    assert plan(a_pod(A), known) == PodPlan((expected,))


def stop(name: str, kill_at: float) -> StopContainer:
    """An ordered stop at the end of a pod."""
    return StopContainer(name, 0, kill_at, "Killing", f"Stopping container {name}")


DELETED = Ending(90.0, 30)


@pytest.mark.parametrize(
    ("case", "known", "expected"),
    [
        (
            "containers together",
            (running("a"), running("b"), running("s"), running("t")),
            (stop("a", 120), stop("b", 120)),
        ),
        (
            "sidecars wait for them",
            (running("a").stopping(120.0), exited("b", 0), running("s"), running("t")),
            (),
        ),
        ("then the last sidecar", (exited("a", 0), exited("b", 0), running("s"), running("t")), (stop("t", 120),)),
        (
            "then the first",
            (exited("a", 0), exited("b", 0), running("s"), exited("t", 0)),
            (stop("s", 120),),
        ),
        ("then their world", (exited("a", 0), exited("b", 0), exited("s", 0), exited("t", 0)), (RemoveSandbox(),)),
    ],
)
def test_ending_in_order(case: str, known: tuple[Observed, ...], expected: tuple[Any, ...]) -> None:
    """A deleted pod: containers, then sidecars in reverse, then the sandbox."""
    pod = a_pod(A, B, init=(SIDE, sidecar("t")))
    assert plan(pod, state(*known, ending=DELETED)) == PodPlan(expected, ending=DELETED)


def test_sidecars_get_two_seconds_at_least() -> None:
    """Even when the containers used up the grace; not when the pod is to go at once."""
    pod = a_pod(A, init=(SIDE,))
    known = (exited("a", 0, at=119.0), running("s"))
    assert plan(pod, state(*known, ending=DELETED), 119.5).actions == (stop("s", 121.0),)
    ordered = (exited("a", 0, at=119.0), running("s").stopping(121.0))
    assert plan(pod, state(*ordered, ending=DELETED), 120.0).actions == ()
    at_once = Ending(90.0, 0)
    assert plan(pod, state(*ordered, ending=at_once), 119.5).actions == (stop("s", 90.0),)


def test_a_shorter_grace_is_passed_on() -> None:
    """Deleting again with less grace shortens stops under way; a longer one changes nothing."""
    known = (running("a").stopping(120.0),)
    assert plan(a_pod(A), state(*known, ending=Ending(90.0, 5))).actions == (stop("a", 95.0),)
    assert plan(a_pod(A), state(*known, ending=Ending(90.0, 60))).actions == ()


def test_a_pod_that_never_began_ends_at_once() -> None:
    """Nothing to stop, nothing to take away."""
    assert plan(a_pod(A), state(sandbox=ABSENT, ending=DELETED)) == PodPlan(ended=True, ending=DELETED)


def test_a_start_under_way_is_stopped() -> None:
    """A container that is just being started ends with the pod too."""
    assert plan(a_pod(A), state(Observed("a"), ending=DELETED)).actions == (stop("a", 120.0),)


def test_a_finished_job_takes_its_world_down() -> None:
    """When every container is done for good the sandbox goes and the pod has ended."""
    pod = a_pod(A, B, restartPolicy="OnFailure")
    done = (exited("a", 0, at=80.0), exited("b", 0, at=95.0))
    assert plan(pod, state(*done)) == PodPlan((RemoveSandbox(),), ending=Ending(95.0, 30))
    gone = Sandbox(SandboxState.ABSENT, 1)
    assert plan(pod, state(*done, sandbox=gone)) == PodPlan(ended=True, ending=Ending(95.0, 30))


def test_the_active_deadline() -> None:
    """The pod is woken for it, and ends with its reason when it passes."""
    pod = a_pod(A, activeDeadlineSeconds=60, terminationGracePeriodSeconds=5)
    assert plan(pod, state(running("a")), 50.0) == PodPlan(wake_at=60.0)
    message = "Pod was active on the node longer than the specified deadline"
    ending = Ending(60.0, 5, "DeadlineExceeded", message)
    assert plan(pod, state(running("a")), 60.0) == PodPlan((stop("a", 65.0),), ending=ending)


def test_a_lost_sandbox_is_made_again() -> None:
    """Everything starts over in a new one, init containers too, attempts going on."""
    pod = a_pod(A, init=(INIT,))
    lost = (exited("i", 0, at=60.0).sandbox_gone(NOW), running("a").sandbox_gone(NOW))
    assert plan(pod, state(*lost, sandbox=Sandbox(attempt=1))) == PodPlan((CreateSandbox(1),))
    assert plan(pod, state(*lost)) == PodPlan((StartContainer("i", 1, FRESH),))
    why = "The container could not be located when the pod was terminated"
    assert lost[1].exit == Exit(137, NOW, 50.0, reason="ContainerStatusUnknown", message=why)


def test_a_lost_pod_that_never_restarts_is_over() -> None:
    """It gets no second sandbox."""
    lost = running("a").sandbox_gone(NOW)
    pod = a_pod(A, B, restartPolicy="Never")
    assert plan(pod, state(lost, sandbox=Sandbox(attempt=1))) == PodPlan(ended=True, ending=Ending(NOW, 30))


def test_a_new_attempt_remembers_the_last_end() -> None:
    """And an image that was found at last starts with a clean slate of crashes."""
    crashed = exited("a", 3).starting(1, FRESH)
    assert (crashed.attempt, crashed.last_exit, crashed.exit) == (1, Exit(3, NOW, 50.0), None)
    pulled = Observed("a").failed("ErrImagePull", "no", 1.0).starting(0, None).running(20.0)
    assert (pulled.backoff, pulled.failure, pulled.failure_backoff) == (None, None, None)


def test_another_image_restarts_a_container_whatever_its_policy() -> None:
    """It is stopped with the pod's grace, and comes back without waiting for an earlier backoff."""
    pod = a_pod(named("a", image="new"), restartPolicy="Never", terminationGracePeriodSeconds=7)
    known = attrs.evolve(running("a"), image="old", backoff=Backoff(80.0, NOW - 10))
    message = "Container a definition changed, will be restarted"
    assert plan(pod, state(known)).actions == (StopContainer("a", 0, NOW + 7, "Killing", message, restart=True),)
    stopped = known.stopping(NOW + 7, restart=True).exited(Exit(0, NOW, 50.0))
    assert plan(pod, state(stopped)).actions == (StartContainer("a", 1, Backoff(10.0, NOW)),)


def test_another_image_ends_the_wait_of_a_crashing_container() -> None:
    """Its backoff belonged to the image before; an init container that runs is left alone."""
    crashed = attrs.evolve(exited("a", 1, backoff=Backoff(80.0, NOW)), image="old")
    assert plan(a_pod(named("a", image="old")), state(crashed)).actions == ()
    assert plan(a_pod(named("a", image="new")), state(crashed)).actions == (StartContainer("a", 1, Backoff(10.0, NOW)),)
    initializing = attrs.evolve(running("i"), image="old")
    assert plan(a_pod(named("a"), init=(named("i", image="new"),)), state(initializing)).actions == ()
