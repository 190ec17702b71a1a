"""Changing the resources of running containers, and containers for debugging: decisions and status."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.views import structure
from kube_actors.api.views.containers import ResourceRequirements
from kube_actors.api.views.pods import PodView
from kube_actors.plan.observed import Ending, Exit, Observed, PodState, Sandbox, SandboxState
from kube_actors.plan.pod_adoption import FoundAttempt, adopt
from kube_actors.plan.pod_lifecycle import ResizeContainer, StartContainer, StopContainer, plan_pod
from kube_actors.plan.pod_lifecycle.resizing import DEFERRED_RETRY
from kube_actors.plan.pod_status import pod_status, resources_of_whole, status_body

NOW = 100.0
READY = Sandbox(SandboxState.READY, 1, "10.0.0.1")


def resources(cpu: str, memory: str = "64Mi") -> dict[str, Any]:
    """Of a container, as the API has them."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}


def a_pod(cpu: str = "100m", memory: str = "64Mi", **spec: Any) -> PodView:
    """A pod of one container `main` that has to be restarted for more memory."""
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    main = {"name": "main", "resources": resources(cpu, memory), "resizePolicy": policy}
    return structure(PodView, {"metadata": {"name": "p"}, "spec": {"containers": [main], **spec}})


def running(cpu: str = "100m", name: str = "main") -> Observed:
    """It runs with these resources."""
    known = structure(ResourceRequirements, resources(cpu))
    return attrs.evolve(Observed(name).running(50.0), resources=known)


def known(*observed: Observed, ending: Ending | None = None) -> PodState:
    """What the node knows."""
    return PodState(0.0, READY, {one.name: one for one in observed}, ending)


def test_the_same_resources_are_left_alone() -> None:
    """However they are written."""
    assert plan_pod(a_pod("0.1"), known(running("100m")), NOW).actions == ()


def test_resources_of_the_whole_concern_every_container() -> None:
    """One without a limit of its own lives within its pod's, and is restarted where its policy says so."""
    before, after = ({"limits": {"cpu": "1", "memory": memory}} for memory in ("1Gi", "2Gi"))
    pod = a_pod(resources=after)
    within = running().within(a_pod(resources=before).spec.resources)
    assert plan_pod(pod, known(within), NOW).actions == (ResizeContainer("main", 0),), "it has a limit of its own"
    under_way = within.resizing(pod.spec.containers[0].resources, NOW, pod.spec.resources)
    assert plan_pod(pod, known(under_way), NOW).actions == ()
    done = under_way.resized("", "", NOW)
    assert plan_pod(pod, known(done), NOW).actions == ()
    written = status_body(pod_status(pod, known(done), NOW), known(done), resources_of_whole(pod, known(done)))
    assert written["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    body = {
        "metadata": {"name": "p"},
        "spec": {"resources": after, "containers": [{"name": "main", "resizePolicy": policy}]},
    }
    unlimited = structure(PodView, body)
    bare = attrs.evolve(within, resources=ResourceRequirements())
    assert plan_pod(unlimited, known(bare), NOW).actions == (ResizeContainer("main", 0, restart=True),)


def test_other_resources_are_applied_once() -> None:
    """Not again while that is under way, but when they change once more."""
    pod, state = a_pod("200m"), known(running())
    assert plan_pod(pod, state, NOW).actions == (ResizeContainer("main", 0),)
    under_way = running().resizing(pod.spec.containers[0].resources, NOW)
    assert plan_pod(pod, known(under_way), NOW).actions == ()
    assert plan_pod(a_pod("300m"), known(under_way), NOW).actions == (ResizeContainer("main", 0),)
    done = under_way.resized("", "", NOW)
    assert (done.resources, done.resize) == (pod.spec.containers[0].resources, None)
    assert plan_pod(pod, known(done), NOW).actions == ()


def test_some_changes_need_a_restart() -> None:
    """As the container's own policy says for the resource that changes."""
    assert plan_pod(a_pod(memory="80Mi"), known(running()), NOW).actions == (ResizeContainer("main", 0, restart=True),)


@pytest.mark.parametrize(("reason", "again"), [("Infeasible", False), ("Error", False), ("Deferred", True)])
def test_what_could_not_be_done(reason: str, again: bool) -> None:
    """Only what had no room now is tried again, later."""
    pod = a_pod("200m")
    failed = running().resizing(pod.spec.containers[0].resources, NOW).resized(reason, "no", NOW)
    plan = plan_pod(pod, known(failed), NOW)
    assert (plan.actions, plan.wake_at) == ((), NOW + DEFERRED_RETRY if again else None)
    later = plan_pod(pod, known(failed), NOW + DEFERRED_RETRY)
    assert later.actions == ((ResizeContainer("main", 0),) if again else ())


def test_nothing_is_resized_that_ends() -> None:
    """A stop that was ordered goes first."""
    assert plan_pod(a_pod("200m"), known(running().stopping(NOW)), NOW).actions == ()


def test_the_status_tells_what_holds() -> None:
    """The resources the container has, not those it is to have; and a condition while they differ."""
    pod = a_pod("200m")
    waiting = running().resizing(pod.spec.containers[0].resources, NOW)
    for one, expected in (
        (running(), {}),
        (waiting, {"PodResizeInProgress": ""}),
        (waiting.resized("Error", "no", NOW), {"PodResizeInProgress": "Error"}),
        (waiting.resized("Infeasible", "no", NOW), {"PodResizePending": "Infeasible"}),
    ):
        status = pod_status(pod, known(one), NOW)
        (container,) = status.container_statuses
        assert container.resources is not None
        assert str(container.resources.requests["cpu"]) == "100m"
        assert str(container.allocated_resources["cpu"]) == "100m"
        told = {each.type: each.reason for each in status.conditions if each.type.startswith("PodResize")}
        assert told == expected


def test_an_adopted_container_keeps_its_resources() -> None:
    """So that a resize that was under way is made up for."""
    pod = a_pod("200m")
    status = pod_status(pod, known(running()), NOW)
    found = [FoundAttempt("main", 0, 50.0, "id")]
    state = adopt(attrs.evolve(pod, status=status), found, "10.0.0.1", "", NOW)
    assert plan_pod(pod, state, NOW).actions == (ResizeContainer("main", 0),)


DEBUG = ({"name": "debug", "image": "busybox"},)


def test_containers_for_debugging_wait_for_nothing() -> None:
    """They start beside what runs, and before init containers."""
    pod = a_pod(ephemeralContainers=DEBUG)
    assert plan_pod(pod, known(running()), NOW).actions == (StartContainer("debug", 0),)
    initializing = a_pod(ephemeralContainers=DEBUG, initContainers=({"name": "init"},))
    assert plan_pod(initializing, known(), NOW).actions == (StartContainer("debug", 0),)


def test_containers_for_debugging_run_once() -> None:
    """Whatever the pod's policy and their exit code; the pod goes on."""
    over = Observed("debug").running(50.0).exited(Exit(1, NOW, 50.0))
    pod = a_pod(ephemeralContainers=DEBUG)
    assert plan_pod(pod, known(running(), over), NOW + 1000).actions == ()
    status = pod_status(pod, known(running(), over), NOW)
    (debug,) = status.ephemeral_container_statuses
    assert debug.state.terminated is not None
    assert (debug.state.terminated.exit_code, debug.ready, debug.started) == (1, False, None)
    assert status.phase == "Running"
    ready = status.condition("Ready")
    assert ready is not None
    assert ready.status == "True"


def test_containers_for_debugging_end_with_the_pod() -> None:
    """They are stopped like the others, and the sandbox waits for them."""
    pod = a_pod(ephemeralContainers=DEBUG)
    both = known(running(), running(name="debug"), ending=Ending(NOW, 30))
    stops = [action.name for action in plan_pod(pod, both, NOW).actions if isinstance(action, StopContainer)]
    assert stops == ["main", "debug"]
    alone = known(running(name="debug"), ending=Ending(NOW, 30))
    assert [type(action) for action in plan_pod(pod, alone, NOW).actions] == [StopContainer]
