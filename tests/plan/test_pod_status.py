"""A pod's status in Kubernetes' words: container states, phase, conditions, quality of service."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.views import body_of, structure
from kube_actors.api.views.pods import PodSpec, PodStatus, PodView
from kube_actors.plan.backoff import Backoff
from kube_actors.plan.observed import Ending, Exit, Observed, PodState, Sandbox, SandboxState
from kube_actors.plan.pod_status import pod_status, qos_class, rejected_status
from kube_actors.plan.probes import ProbeKind, Verdict

NOW = 100.0
READY = Sandbox(SandboxState.READY, 1, "10.0.0.9")
PROBE = {"tcpSocket": {"port": 1}}


def a_pod(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **spec: Any) -> PodView:
    """The pod web in the namespace shop."""
    body = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "generation": 2},
        "spec": {"containers": list(containers), "initContainers": list(init), **spec},
    }
    return structure(PodView, body)


def named(name: str, **fields: Any) -> dict[str, Any]:
    """A container."""
    return {"name": name, "image": f"{name}:1", **fields}


def running(name: str, attempt: int = 0) -> Observed:
    """A container that runs since 50."""
    return Observed(name, attempt).running(50.0, container_id=f"process://{name}", image=f"{name}:1", image_id="sha")


def exited(name: str, code: int, attempt: int = 0, reason: str = "", at: float = 90.0) -> Observed:
    """A container that ended."""
    return running(name, attempt).exited(Exit(code, at, 50.0, reason=reason, container_id=f"process://{name}"))


def status_of(pod: PodView, *observed: Observed, sandbox: Sandbox = READY, ending: Ending | None = None) -> PodStatus:
    """The status at 100."""
    known = PodState(10.0, sandbox, {one.name: one for one in observed}, ending, "192.168.0.1")
    return pod_status(pod, known, NOW)


def conditions(status: PodStatus) -> dict[str, tuple[str, str, str]]:
    """Status, reason and message by type."""
    return {one.type: (one.status, one.reason, one.message) for one in status.conditions}


YES = ("True", "", "")


def test_a_running_pod() -> None:
    """The whole status as it is written."""
    status = status_of(a_pod(named("a"), restartPolicy="Always"), running("a"))
    since = "1970-01-01T00:01:40Z"
    assert body_of(status) == {
        "phase": "Running",
        "observedGeneration": 2,
        "conditions": [
            {
                "type": kind,
                "status": "True",
                "observedGeneration": 2,
                "lastProbeTime": None,
                "lastTransitionTime": since,
            }
            for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
        "hostIP": "192.168.0.1",
        "hostIPs": [{"ip": "192.168.0.1"}],
        "podIP": "10.0.0.9",
        "podIPs": [{"ip": "10.0.0.9"}],
        "startTime": "1970-01-01T00:00:10Z",
        "containerStatuses": [
            {
                "name": "a",
                "state": {"running": {"startedAt": "1970-01-01T00:00:50Z"}},
                "lastState": {},
                "ready": True,
                "restartCount": 0,
                "image": "a:1",
                "imageID": "sha",
                "containerID": "process://a",
                "started": True,
            }
        ],
        "qosClass": "BestEffort",
    }


def test_a_pod_before_its_sandbox() -> None:
    """Pending, its containers being created, nothing ready."""
    status = status_of(a_pod(named("a"), named("b")), sandbox=Sandbox())
    assert status.phase == "Pending"
    assert [one.state.waiting.reason for one in status.container_statuses if one.state.waiting] == [
        "ContainerCreating",
        "ContainerCreating",
    ]
    unready = ("False", "ContainersNotReady", "containers with unready status: [a b]")
    assert conditions(status) == {
        "PodReadyToStartContainers": ("False", "", ""),
        "Initialized": YES,
        "Ready": unready,
        "ContainersReady": unready,
        "PodScheduled": YES,
    }


CRASHED = Backoff(80.0, 40.0)
UNPULLED = Observed("a").failed("ErrImagePull", "no", 80.0)


@pytest.mark.parametrize(
    ("case", "one", "state", "last", "count"),
    [
        (
            "restarting at once",
            exited("a", 1),
            {"terminated": {"exitCode": 1, "reason": "Error"}},
            {},
            0,
        ),
        (
            "waiting to restart",
            attrs.evolve(exited("a", 137, 3, "OOMKilled"), backoff=CRASHED),
            {
                "waiting": {
                    "reason": "CrashLoopBackOff",
                    "message": "back-off 1m20s restarting failed container=a pod=web_shop(u-1)",
                }
            },
            {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            3,
        ),
        (
            "completed and restarting",
            exited("a", 0, 1),
            {"terminated": {"exitCode": 0, "reason": "Completed"}},
            {},
            1,
        ),
        (
            "no image",
            Observed("a").failed("ErrImagePull", "not found", NOW),
            {"waiting": {"reason": "ErrImagePull", "message": "not found"}},
            {},
            0,
        ),
        (
            "still no image",
            UNPULLED.starting(0, None).failed("ErrImagePull", "not found", 90.0),
            {
                "waiting": {
                    "reason": "ImagePullBackOff",
                    "message": 'Back-off pulling image "a:1": ErrImagePull: not found',
                }
            },
            {},
            0,
        ),
        (
            "an image that may not be pulled",
            Observed("a").failed("ErrImageNeverPull", "never", NOW - 9),
            {"waiting": {"reason": "ErrImageNeverPull", "message": "never"}},
            {},
            0,
        ),
        (
            "a bad reference",
            Observed("a").failed("CreateContainerConfigError", 'configmap "c" not found', NOW - 9),
            {"waiting": {"reason": "CreateContainerConfigError", "message": 'configmap "c" not found'}},
            {},
            0,
        ),
        (
            "no such program",
            Observed("a").not_executed("exec: no such file", NOW),
            {"waiting": {"reason": "RunContainerError", "message": "exec: no such file"}},
            {"terminated": {"exitCode": 128, "reason": "StartError", "message": "exec: no such file"}},
            0,
        ),
        (
            "starting again",
            exited("a", 2).starting(1, CRASHED),
            {"waiting": {"reason": "ContainerCreating"}},
            {"terminated": {"exitCode": 2, "reason": "Error"}},
            1,
        ),
    ],
)
def test_container_states(case: str, one: Observed, state: dict[str, Any], last: dict[str, Any], count: int) -> None:
    """State, last state and restart count of a container that does not run."""

    def shown(value: dict[str, Any]) -> dict[str, Any]:
        ended = value.get("terminated", {})
        kept = {key: ended[key] for key in ("exitCode", "reason", "message") if key in ended}
        return {"terminated": kept} if ended else value

    found = body_of(status_of(a_pod(named("a")), one).container_statuses[0])
    assert (shown(found["state"]), shown(found["lastState"]), found["restartCount"]) == (state, last, count)
    assert (found["ready"], found["started"]) == (False, False)


def test_a_container_in_its_post_start_does_not_run_yet() -> None:
    """It is being made for as long as the hook takes, also the second time; in a pod that ends, it runs."""
    pod, hooked = a_pod(named("a")), Observed("a").running(50.0, hook=True)
    status = status_of(pod, hooked)
    assert status.phase == "Pending"
    assert body_of(status.container_statuses[0].state) == {"waiting": {"reason": "ContainerCreating"}}
    status = status_of(pod, attrs.evolve(hooked, attempt=1, last_exit=Exit(1, 40.0)))
    assert status.phase == "Running"
    assert body_of(status.container_statuses[0].state) == {"waiting": {"reason": "ContainerCreating"}}
    assert status_of(pod, hooked, ending=Ending(60.0, 30)).container_statuses[0].state.running is not None


STARTED_UP = running("a").judged(ProbeKind.STARTUP, Verdict.SUCCESS)


@pytest.mark.parametrize(
    ("case", "container", "one", "started", "ready"),
    [
        ("no probes", named("a"), running("a"), True, True),
        ("postStart still runs", named("a"), Observed("a").running(50.0, hook=True), False, False),
        ("postStart done", named("a"), Observed("a").running(50.0, hook=True).hooked(True), True, True),
        ("not ready yet", named("a", readinessProbe=PROBE), running("a"), True, False),
        (
            "ready",
            named("a", readinessProbe=PROBE),
            running("a").judged(ProbeKind.READINESS, Verdict.SUCCESS),
            True,
            True,
        ),
        ("starting up", named("a", startupProbe=PROBE), running("a"), False, False),
        ("started up", named("a", startupProbe=PROBE), STARTED_UP, True, True),
    ],
)
def test_started_and_ready(case: str, container: dict[str, Any], one: Observed, started: bool, ready: bool) -> None:
    """What hooks and probes make of a running container, and of its pod."""
    status = status_of(a_pod(container), one)
    (found,) = status.container_statuses
    assert (found.started, found.ready) == (started, ready)
    assert conditions(status)["Ready"][0] == ("True" if ready else "False")


AB = (named("a"), named("b"))
SIDECAR = {"name": "s", "image": "s:1", "restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("case", "pod", "observed", "phase"),
    [
        ("one runs, one crashed", a_pod(*AB), (running("a"), exited("b", 1)), "Running"),
        ("all crashed", a_pod(named("a")), (exited("a", 1),), "Running"),
        ("one not created", a_pod(*AB), (running("a"),), "Pending"),
        ("one without image", a_pod(*AB), (running("a"), Observed("b").failed("E", "", 1.0)), "Pending"),
        ("done", a_pod(named("a"), restartPolicy="Never"), (exited("a", 0),), "Succeeded"),
        ("done, failed", a_pod(*AB, restartPolicy="Never"), (exited("a", 0), exited("b", 1)), "Failed"),
        ("one still runs", a_pod(*AB, restartPolicy="Never"), (exited("a", 1), running("b")), "Running"),
        ("done under OnFailure", a_pod(named("a"), restartPolicy="OnFailure"), (exited("a", 0),), "Succeeded"),
        ("failed under OnFailure", a_pod(named("a"), restartPolicy="OnFailure"), (exited("a", 1),), "Running"),
        ("initializing", a_pod(named("a"), init=(named("i"),)), (running("i"),), "Pending"),
        ("initialization failed, again", a_pod(named("a"), init=(named("i"),)), (exited("i", 1),), "Pending"),
        (
            "initialization failed for good",
            a_pod(named("a"), init=(named("i"),), restartPolicy="Never"),
            (exited("i", 1),),
            "Failed",
        ),
        ("the sidecar starts", a_pod(named("a"), init=(SIDECAR,)), (running("s"),), "Pending"),
        ("the sidecar crashed", a_pod(named("a"), init=(SIDECAR,)), (exited("s", 1), running("a")), "Running"),
        (
            "only the sidecar still runs",
            a_pod(named("a"), init=(SIDECAR,), restartPolicy="Never"),
            (running("s"), exited("a", 0)),
            "Running",
        ),
    ],
)
def test_phases(case: str, pod: PodView, observed: tuple[Observed, ...], phase: str) -> None:
    """The phase of a pod nobody has told to end."""
    assert status_of(pod, *observed).phase == phase


def test_a_pod_whose_rules_restart_a_container_is_not_over() -> None:
    """Its own policy or rules start it again: the pod runs on, though its policy is never to; else it is over."""
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    ruled = named("a", restartPolicy="Never", restartPolicyRules=[rule])
    assert status_of(a_pod(ruled, restartPolicy="Never"), exited("a", 42)).phase == "Running"
    assert status_of(a_pod(ruled, restartPolicy="Never"), exited("a", 1)).phase == "Failed"
    init = named("i", restartPolicy="OnFailure")
    assert status_of(a_pod(named("a"), init=(init,), restartPolicy="Never"), exited("i", 1)).phase == "Pending"


def test_all_containers_restart() -> None:
    """The condition while they end; then they wait as those that were taken away, counted as restarted."""
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    pod = a_pod(named("a"), named("t", restartPolicy="Never", restartPolicyRules=[rule]), restartPolicy="Never")
    said = "container exited with restart policy rule"
    ending = status_of(pod, running("a"), exited("t", 42))
    assert ending.phase == "Running"
    assert conditions(ending)["AllContainersRestarting"] == ("True", "RestartAllContainersStarted", said)
    ended = PodState(10.0, READY, {"a": exited("a", 137), "t": exited("t", 42)}, None, "192.168.0.1")
    anew = pod_status(pod, ended.begun_anew(NOW, {"a", "t"}), NOW)
    assert anew.phase == "Running"
    assert conditions(anew)["AllContainersRestarting"] == ("False", "", "")
    for one in anew.container_statuses:
        assert one.state.waiting is not None
        assert one.last_state.terminated is not None
        assert (one.state.waiting.reason, one.restart_count) == ("RestartingAllContainers", 1)
        assert (one.last_state.terminated.reason, one.last_state.terminated.exit_code) == (
            "RestartingAllContainers",
            137,
        )
    assert "AllContainersRestarting" not in conditions(status_of(a_pod(named("a")), running("a")))


def test_a_deleted_pod_ends_by_its_exit_codes() -> None:
    """Even under Always: nothing will run again, so a terminated container stays terminated."""
    ending = Ending(95.0, 30)
    crashed = attrs.evolve(exited("a", 143), backoff=CRASHED)
    failed = status_of(a_pod(named("a")), crashed, ending=ending)
    assert (failed.phase, failed.container_statuses[0].state.waiting) == ("Failed", None)
    assert status_of(a_pod(named("a")), exited("a", 0), ending=ending).phase == "Succeeded"
    assert status_of(a_pod(named("a")), running("a"), ending=ending).phase == "Running"
    again = exited("a", 0).starting(1, None)
    assert status_of(a_pod(named("a")), again, ending=ending).phase == "Running", "it was about to run again"


def test_an_overdue_pod_is_failed_with_its_reason() -> None:
    """The reason is on the pod; its containers are not counted as ready."""
    status = status_of(a_pod(named("a")), running("a"), ending=Ending(95.0, 30, "DeadlineExceeded", "too long"))
    assert (status.phase, status.reason, status.message) == ("Failed", "DeadlineExceeded", "too long")
    assert conditions(status)["Ready"] == ("False", "PodFailed", "")


def test_a_finished_pod_stays_finished() -> None:
    """Succeeded does not become Failed because the sandbox was taken away later."""
    pod = a_pod(named("a"), restartPolicy="Never")
    status = status_of(pod, exited("a", 0))
    assert conditions(status)["Initialized"] == ("True", "PodCompleted", "")
    assert conditions(status)["ContainersReady"] == ("False", "PodCompleted", "")
    after = attrs.evolve(pod, status=status)
    again = status_of(after, exited("a", 0), sandbox=Sandbox(), ending=Ending(95.0, 30))
    assert (again.phase, again.pod_ip) == ("Succeeded", "10.0.0.9")


def test_initialization_in_words() -> None:
    """Which init containers are not done; containers wait for them."""
    pod = a_pod(named("a"), init=(named("i"), SIDECAR, named("j")))
    status = status_of(pod, exited("i", 0), running("s"))
    assert conditions(status)["Initialized"] == (
        "False",
        "ContainersNotInitialized",
        "containers with incomplete status: [j]",
    )
    assert [one.ready for one in status.init_container_statuses] == [True, True, False]
    waiting = status.container_statuses[0].state.waiting
    assert waiting is not None
    assert waiting.reason == "PodInitializing"


def test_a_sidecar_that_restarts_does_not_undo_initialization() -> None:
    """But the pod is not ready without it."""
    status = status_of(a_pod(named("a"), init=(SIDECAR,)), exited("s", 1), running("a"))
    assert conditions(status)["Initialized"] == YES
    assert conditions(status)["ContainersReady"] == (
        "False",
        "ContainersNotReady",
        "containers with unready status: [s]",
    )


def test_readiness_gates() -> None:
    """A pod waits for the conditions it names, after its containers."""
    pod = a_pod(named("a"), readinessGates=[{"conditionType": "x/y"}])
    assert conditions(status_of(pod, running("a")))["Ready"] == (
        "False",
        "ReadinessGatesNotReady",
        'corresponding condition of pod readiness gate "x/y" does not exist.',
    )
    closed = structure(PodStatus, {"conditions": [{"type": "x/y", "status": "False"}]})
    status = status_of(attrs.evolve(pod, status=closed), running("a"))
    assert conditions(status)["Ready"][2] == 'the status of pod readiness gate "x/y" is not "True", but False'
    assert conditions(status)["x/y"] == ("False", "", "")
    opened = structure(PodStatus, {"conditions": [{"type": "x/y", "status": "True"}]})
    assert conditions(status_of(attrs.evolve(pod, status=opened), running("a")))["Ready"] == YES


def test_at_rest_nothing_changes() -> None:
    """The same facts later give the same status, transition times included."""
    pod = a_pod(named("a"))
    known = PodState(10.0, READY, {"a": running("a")}, None, "192.168.0.1")
    first = pod_status(pod, known, 100.0)
    assert pod_status(attrs.evolve(pod, status=first), known, 500.0) == first
    gone = PodState(10.0, READY, {"a": exited("a", 1)}, None, "192.168.0.1")
    ready = pod_status(attrs.evolve(pod, status=first), gone, 500.0).condition("Ready")
    assert ready is not None
    assert (ready.status, ready.last_transition_time) == ("False", 500.0)


def test_a_refused_pod() -> None:
    """A pod the node would not take is Failed with the reason, and keeps what was known."""
    status = rejected_status(a_pod(named("a")), "OutOfcpu", "Node didn't have enough resource: cpu", NOW)
    assert body_of(status) == {
        "phase": "Failed",
        "observedGeneration": 2,
        "reason": "OutOfcpu",
        "message": "Node didn't have enough resource: cpu",
        "startTime": "1970-01-01T00:01:40Z",
        "qosClass": "BestEffort",
    }


def resources(requests: str = "", limits: str = "") -> dict[str, Any]:
    """A container's resources: `cpu=1 memory=1Gi`."""

    def amounts(text: str) -> dict[str, str]:
        return dict(pair.split("=") for pair in text.split())

    return named("c", resources={"requests": amounts(requests), "limits": amounts(limits)})


@pytest.mark.parametrize(
    ("case", "containers", "expected"),
    [
        ("nothing asked", [resources()], "BestEffort"),
        ("zero is nothing", [resources("cpu=0")], "BestEffort"),
        ("other resources do not count", [resources("gpu=1", "gpu=1")], "BestEffort"),
        ("something asked", [resources("cpu=1")], "Burstable"),
        ("only some limited", [resources(limits="cpu=1")], "Burstable"),
        ("all limited", [resources(limits="cpu=1 memory=1Gi")], "Guaranteed"),
        ("requests equal limits", [resources("cpu=1000m memory=1Gi", "cpu=1 memory=1024Mi")], "Guaranteed"),
        ("requests below limits", [resources("cpu=500m", "cpu=1 memory=1Gi")], "Burstable"),
        ("one of two", [resources(limits="cpu=1 memory=1Gi"), resources()], "Burstable"),
    ],
)
def test_quality_of_service(case: str, containers: list[dict[str, Any]], expected: str) -> None:
    """The class by cpu and memory of all containers."""
    assert qos_class(structure(PodSpec, {"containers": containers})) == expected
