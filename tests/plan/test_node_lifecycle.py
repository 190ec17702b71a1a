"""Silent nodes: conditions, taints, and who has to leave when."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.views import structure
from kube_actors.api.views.cluster import NodeCondition, NodeView, Taint
from kube_actors.api.views.placement import Toleration
from kube_actors.plan.node_lifecycle import Evictions, NodePlan, Tenant, eviction_time, plan_evictions, plan_node

NOW = 1000.0
UNREACHABLE = "node.kubernetes.io/unreachable"
NOT_READY = "node.kubernetes.io/not-ready"
SILENT = "Kubelet stopped posting node status."
NEVER = "Kubelet never posted node status."


def a_node(ready: str = "True", *taints: Taint, unschedulable: bool = False, **conditions: str) -> NodeView:
    """A node with these conditions since 5."""
    every = {"Ready": ready, **conditions}
    body: dict[str, Any] = {
        "metadata": {"name": "n"},
        "spec": {"unschedulable": unschedulable},
        "status": {
            "conditions": [
                {"type": kind, "status": status, "reason": "R", "lastTransitionTime": "1970-01-01T00:00:05Z"}
                for kind, status in every.items()
                if status
            ]
        },
    }
    node = structure(NodeView, body)
    return attrs.evolve(node, spec=attrs.evolve(node.spec, taints=taints))


def plan(node: NodeView, silence: float = 0.0, *, evicts: bool = True) -> NodePlan:
    """The plan for a node that was silent so long, with a grace of 40 seconds."""
    return plan_node(node, NOW - silence, 40.0, NOW, evicts=evicts)


def test_a_healthy_node_needs_nothing() -> None:
    """Only a look when its grace would be over."""
    found = plan(a_node(), silence=10.0)
    assert (found.conditions, found.taints, found.not_ready) == (None, None, False)
    assert found.wake_at == pytest.approx(NOW + 30.0, abs=0.01)


def test_silence_makes_everything_unknown() -> None:
    """Known conditions stop being known, missing ones never were; the node is unreachable."""
    found = plan(a_node(MemoryPressure="False"), silence=41.0)
    assert found.conditions == (
        NodeCondition("Ready", "Unknown", None, NOW, "NodeStatusUnknown", SILENT),
        NodeCondition("MemoryPressure", "Unknown", None, NOW, "NodeStatusUnknown", SILENT),
        NodeCondition("DiskPressure", "Unknown", None, NOW, "NodeStatusNeverUpdated", NEVER),
        NodeCondition("PIDPressure", "Unknown", None, NOW, "NodeStatusNeverUpdated", NEVER),
    )
    assert found.taints == (
        Taint(UNREACHABLE, "", "NoSchedule", NOW),
        Taint(UNREACHABLE, "", "NoExecute", NOW),
    )
    assert (found.not_ready, found.wake_at) == (True, None)


def test_silence_is_said_once() -> None:
    """The same node later: nothing is left to write."""
    node = a_node("True")
    first = plan(node, silence=41.0)
    assert first.conditions is not None
    assert first.taints is not None
    status = attrs.evolve(node.status, conditions=first.conditions)
    after = attrs.evolve(node, status=status, spec=attrs.evolve(node.spec, taints=first.taints))
    assert plan_node(after, NOW - 41.0, 40.0, NOW + 100.0) == NodePlan(not_ready=True)


UNREADY = (Taint(NOT_READY, "", "NoSchedule", NOW), Taint(NOT_READY, "", "NoExecute", NOW))
THEIRS = Taint("theirs", "x", "NoExecute", 1.0)


@pytest.mark.parametrize(
    ("case", "node", "taints"),
    [
        ("not ready", a_node("False"), UNREADY),
        (
            "others' taints stay",
            a_node("False", THEIRS),
            (THEIRS, *UNREADY),
        ),
        (
            "back again",
            a_node("True", Taint(UNREACHABLE, "", "NoSchedule", 9.0), THEIRS, Taint(UNREACHABLE, "", "NoExecute", 9.0)),
            (THEIRS,),
        ),
        (
            "from unreachable to not ready",
            a_node("False", Taint(UNREACHABLE, "", "NoExecute", 9.0)),
            UNREADY,
        ),
        ("ready after all", a_node("True", Taint(NOT_READY, "", "NoSchedule")), ()),
        ("new, without a word", a_node("", Taint(NOT_READY, "", "NoSchedule")), ()),
        (
            "cordoned",
            a_node(unschedulable=True),
            (Taint("node.kubernetes.io/unschedulable", "", "NoSchedule", NOW),),
        ),
        ("uncordoned", a_node("True", Taint("node.kubernetes.io/unschedulable", "", "NoSchedule", 9.0)), ()),
        (
            "strained",
            a_node(MemoryPressure="True", DiskPressure="False"),
            (Taint("node.kubernetes.io/memory-pressure", "", "NoSchedule", NOW),),
        ),
    ],
)
def test_taints(case: str, node: NodeView, taints: tuple[Taint, ...]) -> None:
    """What a node's own word makes of its taints."""
    assert plan(node).taints == taints


def test_a_node_that_has_not_spoken_yet() -> None:
    """Its pods are not marked and it is not tainted, until its grace is over."""
    assert attrs.evolve(plan(a_node(""), silence=10.0), wake_at=None) == NodePlan()
    later = plan(a_node(""), silence=41.0)
    assert later.taints is not None
    assert {taint.key for taint in later.taints} == {UNREACHABLE}
    assert later.not_ready


def test_nobody_is_evicted_when_no_node_is_ready() -> None:
    """Then rather the observer is cut off: no NoExecute taint, and those set before are lifted."""
    assert plan(a_node("False"), evicts=False).taints == (Taint(NOT_READY, "", "NoSchedule", NOW),)
    both = (Taint(NOT_READY, "", "NoSchedule", 9.0), Taint(NOT_READY, "", "NoExecute", 9.0))
    assert plan(a_node("False", *both), evicts=False).taints == both[:1]


def tolerate(key: str, seconds: int | None = None) -> Toleration:
    """A toleration of NoExecute for so long."""
    return Toleration(key, "Exists", "", "NoExecute", seconds)


GONE = Taint(UNREACHABLE, "", "NoExecute", 100.0)


@pytest.mark.parametrize(
    ("case", "tolerations", "taints", "due"),
    [
        ("not tolerated", (), (GONE,), 500.0),
        ("tolerated for a while", (tolerate(UNREACHABLE, 300),), (GONE,), 800.0),
        ("a taint without a time", (tolerate("a", 300),), (Taint("a", "", "NoExecute"),), 800.0),
        ("tolerated for good", (tolerate(UNREACHABLE),), (GONE,), None),
        ("the first that tolerates counts", (tolerate(UNREACHABLE, 300), tolerate("", 30)), (GONE,), 800.0),
        ("a negative time is none", (tolerate(UNREACHABLE, -5),), (GONE,), 500.0),
        ("only NoExecute evicts", (), (Taint(UNREACHABLE, "", "NoSchedule", 1.0),), None),
        (
            "the shorter of two taints",
            (tolerate("b", 10), tolerate("", 30)),
            (GONE, Taint("b", "", "NoExecute", 100.0)),
            510.0,
        ),
        ("one of two is not tolerated", (tolerate("b", 10),), (Taint("b", "", "NoExecute"), GONE), 500.0),
    ],
)
def test_eviction_times(
    case: str, tolerations: tuple[Toleration, ...], taints: tuple[Taint, ...], due: float | None
) -> None:
    """When a pod has to leave that has been under these taints since 500, whenever they were added."""
    assert eviction_time(Tenant("p", "shop", "u", 500.0, tolerations), taints) == due


def test_who_has_to_go_now() -> None:
    """In the order of names, and when to look again for the others."""
    seconds = {"c": 10, "a": 20, "b": 90}
    tenants = [Tenant(name, "shop", name, 500.0, (tolerate(UNREACHABLE, at),)) for name, at in seconds.items()]
    assert plan_evictions(tenants, (GONE,), 520.0) == Evictions((tenants[1], tenants[0]), (tenants[2],), 590.0)
    assert plan_evictions(tenants, (), 520.0) == Evictions()
