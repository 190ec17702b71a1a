"""Scheduling: what rules a node out, what makes it better, and the words when there is none."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.views import structure
from kube_actors.api.views.cluster import NodeView, Taint
from kube_actors.api.views.placement import Toleration
from kube_actors.api.views.pods import PodSpec, PodView
from kube_actors.plan.scheduling import (
    Chosen,
    Cluster,
    Framework,
    PodSummary,
    Requests,
    Unschedulable,
    candidates_wanted,
    choose_node,
    default_framework,
    pod_requests,
    simple_filter,
    simple_score,
    tolerates,
)

FRAMEWORK = default_framework()
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def a_node(name: str, *, taints: Any = (), unschedulable: bool = False, images: Any = (), **labels: str) -> NodeView:
    """A node of 2 cores, 4 GiB and 10 pods."""
    return structure(
        NodeView,
        {
            "metadata": {"name": name, "labels": {"host": name, **labels}},
            "spec": {"taints": list(taints), "unschedulable": unschedulable},
            "status": {
                "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10", "gpu": "1"},
                "images": [{"names": [image], "sizeBytes": 900 * 1024 * 1024} for image in images],
            },
        },
    )


def a_pod(
    name: str = "p",
    *,
    labels: dict[str, str] | None = None,
    requests: dict[str, str] | None = None,
    host_port: int = 0,
    host_ip: str = "",
    image: str = "",
    **spec: Any,
) -> PodSummary:
    """A pod to place, its uid its name."""
    container: dict[str, Any] = {"name": "c", "image": image, "resources": {"requests": requests or {}}}
    if host_port:
        container["ports"] = [{"containerPort": 80, "hostPort": host_port, "hostIP": host_ip}]
    body = {
        "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }
    return PodSummary.of(structure(PodView, body))


def a_cluster(*nodes: NodeView, **placed: list[PodSummary]) -> Cluster:
    """A cluster of these nodes with these pods on them, by node name."""
    cluster = Cluster()
    for node in nodes:
        cluster.set_node(node)
    for node_name, pods in placed.items():
        for pod in pods:
            cluster.place(pod, node_name)
    return cluster


def where(pod: PodSummary, cluster: Cluster, framework: Framework = FRAMEWORK) -> str:
    """The chosen node, or the message."""
    found = choose_node(framework, pod, cluster)
    return found.node if isinstance(found, Chosen) else found.message


def node_affinity(**affinity: Any) -> dict[str, Any]:
    """The affinity of a pod that speaks of nodes."""
    return {"nodeAffinity": affinity}


def required_nodes(*terms: dict[str, Any]) -> dict[str, Any]:
    """Required node affinity with these terms."""
    return node_affinity(**{REQUIRED: {"nodeSelectorTerms": list(terms)}})


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    """A term of one label requirement."""
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def pod_term(app: str, key: str = "host") -> dict[str, Any]:
    """An affinity term for pods of an app."""
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}


def no_preemption(nodes: int) -> str:
    """The end of a message where no pod that gives way would help."""
    unhelpful = f"0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    return f" no new claims to deallocate, preemption: {unhelpful}"


NO_VICTIMS = (
    " no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
)


@pytest.mark.parametrize(
    ("case", "node", "there", "pod", "reason"),
    [
        ("cordoned", a_node("n", unschedulable=True), [], a_pod(), "node(s) were unschedulable"),
        ("another name", a_node("n"), [], a_pod(nodeName="m"), "node(s) didn't match the requested node name"),
        (
            "tainted",
            a_node("n", taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]),
            [],
            a_pod(),
            "node(s) had untolerated taint(s)",
        ),
        (
            "tainted without a value",
            a_node("n", taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]),
            [],
            a_pod(),
            "node(s) had untolerated taint(s)",
        ),
        (
            "selector",
            a_node("n"),
            [],
            a_pod(nodeSelector={"disk": "ssd"}),
            "node(s) didn't match Pod's node affinity/selector",
        ),
        (
            "affinity",
            a_node("n", zone="a"),
            [],
            a_pod(affinity=required_nodes(expression("zone", "In", "b"))),
            "node(s) didn't match Pod's node affinity/selector",
        ),
        ("too large for the node", a_node("n"), [], a_pod(requests={"cpu": "3"}), "Insufficient cpu"),
        ("an unknown resource", a_node("n"), [], a_pod(requests={"fpga": "1"}), "Insufficient fpga"),
        (
            "neighbours wanted",
            a_node("n"),
            [],
            a_pod(affinity={"podAffinity": {REQUIRED: [pod_term("db")]}}),
            "node(s) didn't match pod affinity rules",
        ),
        (
            "spread without the label",
            a_node("n"),
            [],
            a_pod(topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "rack", "labelSelector": {}}]),
            "node(s) didn't match pod topology spread constraints (missing required label)",
        ),
    ],
)
def test_what_no_preemption_helps(case: str, node: NodeView, there: list[Any], pod: PodSummary, reason: str) -> None:
    """The reason, counted, and that no pod giving way would help."""
    expected = f"0/1 nodes are available: 1 {reason}." + no_preemption(1)
    assert where(pod, a_cluster(node, n=there)) == expected


def away_from(app: str) -> dict[str, Any]:
    """Required anti-affinity to an app's pods on the same host."""
    return {"podAntiAffinity": {REQUIRED: [pod_term(app)]}}


@pytest.mark.parametrize(
    ("case", "there", "pod", "reason"),
    [
        ("cpu taken", a_pod("t", requests={"cpu": "1500m"}), a_pod(requests={"cpu": "600m"}), "Insufficient cpu"),
        ("memory", a_pod("t", requests={"memory": "3Gi"}), a_pod(requests={"memory": "2Gi"}), "Insufficient memory"),
        ("gpu taken", a_pod("t", requests={"gpu": "1"}), a_pod(requests={"gpu": "1"}), "Insufficient gpu"),
        (
            "port taken",
            a_pod("t", host_port=80),
            a_pod(host_port=80, host_ip="10.0.0.1"),
            "node(s) didn't have free ports for the requested pod ports",
        ),
        (
            "unwanted neighbour",
            a_pod("t", labels={"app": "db"}),
            a_pod(affinity=away_from("db")),
            "node(s) didn't match pod anti-affinity rules",
        ),
        (
            "unwanted by a neighbour",
            a_pod("t", affinity=away_from("web")),
            a_pod(labels={"app": "web"}),
            "node(s) didn't satisfy existing pods anti-affinity rules",
        ),
    ],
)
def test_what_other_pods_stand_in_the_way_of(case: str, there: PodSummary, pod: PodSummary, reason: str) -> None:
    """The reason, and that none of them has a lower priority."""
    assert where(pod, a_cluster(a_node("n"), n=[there])) == f"0/1 nodes are available: 1 {reason}." + NO_VICTIMS


def test_all_reasons_of_all_nodes_are_counted() -> None:
    """Sorted as Kubernetes sorts them; a node counts under its first failing rule, with everything it is short of."""
    full = [a_pod(f"f{i}", requests={"cpu": "200m", "memory": "400Mi"}) for i in range(10)]
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    cluster = a_cluster(a_node("n1"), a_node("n2", taints=[taint]), a_node("n3", taints=[taint]), n1=full)
    assert where(a_pod(requests={"cpu": "1", "memory": "1Gi"}), cluster) == (
        "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Too many pods, "
        "2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/3 nodes are available: "
        "1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )


def test_only_what_is_true_is_said_of_preemption() -> None:
    """Nothing where a pod of lower priority is in the way; and a pod that never preempts says so."""
    cluster = a_cluster(a_node("n"), n=[a_pod("t", requests={"cpu": "2"})])
    important = a_pod(requests={"cpu": "1"}, priority=10)
    assert where(important, cluster) == "0/1 nodes are available: 1 Insufficient cpu."
    modest = a_pod(requests={"cpu": "1"}, priority=10, preemptionPolicy="Never")
    assert where(modest, cluster).endswith(
        ". no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
    )


def test_no_nodes() -> None:
    """An empty cluster has words of its own."""
    assert choose_node(FRAMEWORK, a_pod(), Cluster()) == Unschedulable("no nodes available to schedule pods")


@pytest.mark.parametrize(
    ("operator", "values", "fitting"),
    [
        ("In", ("8", "9"), {"n8", "n9"}),
        ("NotIn", ("8",), {"n9", "none"}),
        ("Exists", (), {"n8", "n9"}),
        ("DoesNotExist", (), {"none"}),
        ("Gt", ("8",), {"n9"}),
        ("Lt", ("9",), {"n8"}),
        ("Gt", ("x",), set()),
    ],
)
def test_node_affinity_operators(operator: str, values: tuple[str, ...], fitting: set[str]) -> None:
    """Every operator on a label that is 8, 9 or missing."""
    pod = a_pod(affinity=required_nodes(expression("size", operator, *values)))
    nodes = [a_node("n8", size="8"), a_node("n9", size="9"), a_node("none")]
    assert {node.metadata.name for node in nodes if where(pod, a_cluster(node)) == node.metadata.name} == fitting


def test_node_affinity_terms() -> None:
    """One term of several is enough; fields match the node's name; an empty term matches nothing."""
    cluster = a_cluster(a_node("n1", zone="a"), a_node("n2", zone="b"))
    assert where(a_pod(affinity=required_nodes({}, expression("zone", "In", "b"))), cluster) == "n2"
    field = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    assert where(a_pod(affinity=required_nodes(field)), cluster) == "n1"
    assert where(a_pod(affinity=required_nodes({})), cluster).startswith("0/2 nodes are available: 2 node(s) didn't")


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        (Toleration("k", "Equal", "v"), True),
        (Toleration("k", "Equal", "other"), False),
        (Toleration("k", "Exists"), True),
        (Toleration("", "Exists"), True),
        (Toleration("other", "Exists"), False),
        (Toleration("k", "Equal", "v", "NoSchedule"), True),
        (Toleration("k", "Equal", "v", "NoExecute"), False),
        (Toleration(), False),
    ],
)
def test_tolerations(toleration: Toleration, tolerated: bool) -> None:
    """Key, operator, value and effect against the taint k=v:NoSchedule."""
    assert tolerates(toleration, Taint("k", "v", "NoSchedule")) == tolerated


def test_a_cordon_can_be_tolerated() -> None:
    """A pod that tolerates the taint of a cordoned node (a DaemonSet's) goes there."""
    node = a_node("n", unschedulable=True, taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}])
    assert where(a_pod(tolerations=[{"operator": "Exists"}]), a_cluster(node)) == "n"


@pytest.mark.parametrize(
    ("case", "policy", "pod", "expected"),
    [
        ("spread by room", "LeastAllocated", a_pod(), "free"),
        ("packed", "MostAllocated", a_pod(), "busy"),
        ("packed until it no longer fits", "MostAllocated", a_pod(requests={"cpu": "1500m"}), "free"),
        (
            "preferred nodes",
            "LeastAllocated",
            a_pod(
                affinity=node_affinity(**{PREFERRED: [{"weight": 1, "preference": expression("host", "In", "busy")}]})
            ),
            "busy",
        ),
        (
            "preferred neighbours",
            "LeastAllocated",
            a_pod(affinity={"podAffinity": {PREFERRED: [{"weight": 50, "podAffinityTerm": pod_term("db")}]}}),
            "busy",
        ),
        (
            "avoided neighbours",
            "MostAllocated",
            a_pod(affinity={"podAntiAffinity": {PREFERRED: [{"weight": 50, "podAffinityTerm": pod_term("db")}]}}),
            "free",
        ),
        (
            "spread where it can be",
            "MostAllocated",
            a_pod(
                labels={"app": "db"},
                topologySpreadConstraints=[
                    {
                        "maxSkew": 1,
                        "topologyKey": "host",
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {"matchLabels": {"app": "db"}},
                    }
                ],
            ),
            "free",
        ),
    ],
)
def test_the_better_node(case: str, policy: str, pod: PodSummary, expected: str) -> None:
    """One node has a busy pod of app db on it, the other none."""
    busy = a_pod("t", labels={"app": "db"}, requests={"cpu": "1", "memory": "2Gi"})
    cluster = a_cluster(a_node("busy"), a_node("free"), busy=[busy])
    assert where(pod, cluster, default_framework(policy)) == expected


def test_images_and_soft_taints_are_considered() -> None:
    """Of two empty nodes the one with the image is better; one to be avoided is used only when it must be."""
    assert where(a_pod(image="big"), a_cluster(a_node("n1"), a_node("n2", images=["big"]))) == "n2"
    avoid = {"key": "a", "effect": "PreferNoSchedule"}
    cluster = a_cluster(a_node("n1", taints=[avoid]), a_node("n2"))
    assert where(a_pod(), cluster) == "n2"
    assert where(a_pod(), a_cluster(a_node("n1", taints=[avoid]))) == "n1"


def test_required_neighbours() -> None:
    """The first of a group may go anywhere, the others follow it; a topology is wider than a node."""
    group = {"podAffinity": {REQUIRED: [pod_term("web", "zone")]}}
    nodes = (a_node("n1", zone="a"), a_node("n2", zone="b"), a_node("n3", zone="b"))
    first = a_pod("first", labels={"app": "web"}, affinity=group)
    assert where(first, a_cluster(*nodes)) in ("n1", "n2", "n3")
    later = a_pod("later", labels={"app": "web"}, affinity=group)
    assert where(later, a_cluster(*nodes, n2=[first])) in ("n2", "n3")
    assert where(a_pod("other", affinity=group), a_cluster(a_node("n1", zone="a"))).startswith("0/1")


def test_hard_spreading() -> None:
    """With one pod on the first of two nodes the next has to go to the second."""
    rule = {"maxSkew": 1, "topologyKey": "host", "labelSelector": {"matchLabels": {"app": "web"}}}
    pods = [a_pod(str(i), labels={"app": "web"}, topologySpreadConstraints=[rule]) for i in range(3)]
    cluster = a_cluster(a_node("n1"), a_node("n2", unschedulable=True), n1=pods[:1])
    assert where(pods[1], cluster) == (
        "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, "
        "1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/2 nodes are available: "
        "1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
    )
    cluster.set_node(a_node("n2"))
    assert where(pods[1], cluster) == "n2"


def test_ties_and_turns() -> None:
    """Equal nodes take turns by rank; in a large cluster the search goes on where the last one ended."""
    cluster = a_cluster(a_node("a"), a_node("b"), a_node("c"))
    chosen = [choose_node(FRAMEWORK, a_pod(), cluster, rank=rank) for rank in range(4)]
    assert [one.node for one in chosen if isinstance(one, Chosen)] == ["a", "b", "c", "a"]
    large = a_cluster(*(a_node(f"n{i}") for i in range(300)))
    first = choose_node(FRAMEWORK, a_pod(), large)
    assert first == Chosen("n0", feasible=144, examined=144, next_start=144)
    second = choose_node(FRAMEWORK, a_pod(), large, start=144)
    third = choose_node(FRAMEWORK, a_pod(), large, start=288)
    assert (second, third) == (Chosen("n144", 144, 144, 288), Chosen("n288", 144, 144, 132))


@pytest.mark.parametrize(("nodes", "wanted"), [(1, 1), (100, 100), (101, 100), (300, 144), (5000, 500), (20000, 1000)])
def test_how_many_candidates_are_enough(nodes: int, wanted: int) -> None:
    """All of a small cluster; a shrinking share of a large one."""
    assert candidates_wanted(nodes) == wanted


def test_pods_come_and_go() -> None:
    """Room is given back when a pod goes, moves or its node is described anew; nothing is counted twice."""
    cluster = a_cluster(a_node("n1"), a_node("n2"))
    big = a_pod("big", requests={"cpu": "2"}, host_port=80)
    for _ in range(2):
        cluster.place(big, "n1")
    n1, n2 = cluster.nodes["n1"], cluster.nodes["n2"]
    assert (n1.free_cpu, n1.free_pods, n2.free_cpu) == (0, 9, 2000)
    cluster.place(big, "n2")
    assert (n1.free_cpu, n1.free_pods, n2.free_cpu, n1.ports) == (2000, 10, 0, {})
    cluster.set_node(a_node("n2", zone="z"))
    assert (n2.free_cpu, n2.free_pods, n2.labels["zone"]) == (0, 9, "z")
    cluster.forget("big")
    cluster.forget("big")
    assert (n2.free_cpu, n2.scoring_cpu, n2.pods) == (2000, 0, {})
    cluster.place(big, "n2")
    cluster.remove_node("n2")
    cluster.forget("big")
    assert [node.name for node in cluster.order] == ["n1"]


def container(cpu: str = "", memory: str = "", **fields: Any) -> dict[str, Any]:
    """A container with requests."""
    requests = {name: amount for name, amount in (("cpu", cpu), ("memory", memory)) if amount}
    return {"name": "c", "resources": {"requests": requests}, **fields}


@pytest.mark.parametrize(
    ("case", "spec", "cpu", "memory"),
    [
        ("containers add up", {"containers": [container("100m", "1Ki"), container("200m")]}, 300, 1024),
        ("init runs alone", {"containers": [container("100m")], "initContainers": [container("500m")]}, 500, 0),
        (
            "sidecars run beside",
            {
                "containers": [container("100m")],
                "initContainers": [container("200m", restartPolicy="Always"), container("250m")],
            },
            450,
            0,
        ),
        ("overhead is added", {"containers": [container("100m")], "overhead": {"cpu": "50m"}}, 150, 0),
        (
            "the pod's own stand for its containers'",
            {"containers": [container("100m")], "resources": {"requests": {"cpu": "1"}}},
            1000,
            0,
        ),
    ],
)
def test_requests(case: str, spec: dict[str, Any], cpu: int, memory: int) -> None:
    """The most a pod needs at one time."""
    requests = pod_requests(structure(PodSpec, spec))
    assert (requests.cpu, requests.memory) == (cpu, memory)


def test_containers_without_requests_count_in_scores_only() -> None:
    """100m and 200 MiB are assumed when nodes are compared."""
    requests = pod_requests(structure(PodSpec, {"containers": [container(), container("1")]}))
    assert requests == Requests(1000, 0, (), 1100, 2 * 200 * 1024 * 1024)


def test_a_framework_of_ones_own() -> None:
    """A scheduler can be two plain functions."""
    framework = Framework(
        filters=(simple_filter(lambda pod, node: "node(s) were dull" if node.name == "n1" else None),),
        scores=(simple_score("Last", lambda pod, node: float(node.name == "n3")),),
    )
    assert where(a_pod(), a_cluster(a_node("n1"), a_node("n2"), a_node("n3")), framework) == "n3"
    assert where(a_pod(), a_cluster(a_node("n1")), framework).startswith(
        "0/1 nodes are available: 1 node(s) were dull."
    )


def named(*names: str) -> dict[str, Any]:
    """A term that names its nodes."""
    return {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]} for name in names]}


def test_a_pod_for_named_nodes() -> None:
    """Other nodes are not looked at, as with a DaemonSet's pods; one term that names none makes all count."""
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    cluster = a_cluster(a_node("n1", taints=[taint]), a_node("n2"), a_node("n3"))
    pod = a_pod(requests={"cpu": "3"}, affinity=required_nodes(named("n2")))
    assert where(pod, cluster) == (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    ) + no_preemption(3)
    assert where(a_pod(affinity=required_nodes(named("n2"))), cluster) == "n2"
    either = a_pod(affinity=required_nodes(named("n9"), expression("host", "In", "n9")))
    assert where(either, cluster).startswith(
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't m"
    )


def test_affinity_that_no_node_can_have() -> None:
    """A term that wants two names at once is refused before any node is looked at."""
    pod = a_pod(affinity=required_nodes(named("n1", "n2")))
    expected = "0/1 nodes are available: pod affinity terms conflict. not found"
    assert where(pod, a_cluster(a_node("n1"))) == expected


def test_which_changes_of_a_node_matter() -> None:
    """What it offers pods does: new images and what else a node reports all the time make nobody try again."""
    cluster = Cluster()
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    reported = [
        a_node("n"),
        a_node("n"),
        a_node("n", images=["big"]),
        a_node("n", zone="z"),
        a_node("n", taints=[taint]),
    ]
    assert [cluster.set_node(node) for node in reported] == [True, False, False, True, True]


def test_pods_that_are_being_deleted() -> None:
    """They keep away whom they are not to be near, but are no longer counted when pods are spread."""
    leaving = attrs.evolve(a_pod("t", labels={"app": "web"}), deleting=True)
    cluster = a_cluster(a_node("n1"), a_node("n2", unschedulable=True), n1=[leaving])
    assert "1 node(s) didn't match pod anti-affinity rules" in where(a_pod(affinity=away_from("web")), cluster)
    rule = {"maxSkew": 1, "topologyKey": "host", "labelSelector": {"matchLabels": {"app": "web"}}}
    assert where(a_pod(labels={"app": "web"}, topologySpreadConstraints=[rule]), cluster) == "n1"


@pytest.mark.parametrize("there", [0, 2])
def test_spreading_over_nodes_that_are_not_part_of_it(there: int) -> None:
    """However many pods stand on each of the others, a node without the label is the last choice, even an empty one."""
    rule = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    pods = [a_pod(f"t{i}", labels={"app": "web"}, requests={"cpu": "400m"}) for i in range(there)]
    cluster = a_cluster(a_node("out"), a_node("in", zone="a"), **{"in": pods})
    assert where(a_pod(labels={"app": "web"}, topologySpreadConstraints=[rule]), cluster) == "in"


def test_a_pod_that_is_meant_for_a_node() -> None:
    """It goes where its status says, though others are emptier, unless it does not fit there or the node has gone."""
    cluster = a_cluster(a_node("free"), a_node("busy"), busy=[a_pod("t", requests={"cpu": "1"})])
    meant = attrs.evolve(a_pod(requests={"cpu": "1"}), nominated="busy")
    assert where(meant, cluster) == "busy"
    assert where(attrs.evolve(a_pod(requests={"cpu": "2"}), nominated="busy"), cluster) == "free"
    assert where(attrs.evolve(meant, nominated="gone"), cluster) == "free"
