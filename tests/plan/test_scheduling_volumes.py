"""Scheduling of pods with claims: what rules out every node, what rules out one, and in which words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from kube_actors.plan.scheduling import Chosen, Cluster, PodSummary, choose_node, default_framework

from .test_scheduling import NO_VICTIMS, a_node, a_pod, no_preemption

Body = dict[str, Any]
CLASSES, NODES = "storageclasses.storage.k8s.io", "csinodes.storage.k8s.io"
DRIVERS, CAPACITIES = "csidrivers.storage.k8s.io", "csistoragecapacities.storage.k8s.io"


class Objects:
    """What is stored, by resource, in the order given."""

    def __init__(self, *objects: tuple[str, Body]) -> None:
        self._objects = objects

    def body(self, resource: str, name: str, namespace: str = "") -> Body | None:
        """An object, or None."""
        wanted = (resource, name, namespace)
        found = (one for kind, one in self._objects if (kind, *_names(one)) == wanted)
        return next(found, None)

    def bodies(self, resource: str) -> Iterable[Body]:
        """All objects of a resource."""
        return [one for kind, one in self._objects if kind == resource]


def _names(body: Body) -> tuple[str, str]:
    return body["metadata"]["name"], body["metadata"].get("namespace", "")


def claim(name: str = "data", *, phase: str = "Pending", size: str = "1Gi", meta: Any = None, **spec: Any) -> Any:
    """A claim of the namespace shop."""
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", **(meta or {})}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return "persistentvolumeclaims", {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


def bound(name: str = "data", volume: str = "disk", **more: Any) -> Any:
    """A claim that says it has a volume."""
    return claim(name, phase="Bound", volumeName=volume, **more)


def volume(name: str = "disk", *, size: str = "1Gi", phase: str = "Available", labels: Any = None, **spec: Any) -> Any:
    """A volume that one pod after the other can have."""
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": size}, **spec}
    return "persistentvolumes", {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
        "status": {"phase": phase},
    }


def storage_class(name: str = "late", mode: str = "WaitForFirstConsumer", **fields: Any) -> Any:
    """A class whose volumes people make, unless it has a provisioner."""
    fields = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": mode, **fields}
    return CLASSES, {"metadata": {"name": name}, **fields}


def on_node(*names: str) -> Body:
    """The node affinity of a volume that is on these nodes."""
    expressions = [{"key": "host", "operator": "In", "values": list(names)}]
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": expressions}]}}


def user(*claims: str, name: str = "p", ephemeral: str = "", **more: Any) -> PodSummary:
    """A pod with volumes of these claims, and perhaps one made for it."""
    volumes: list[Body] = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in claims]
    if ephemeral:
        volumes.append({"name": ephemeral, "ephemeral": {"volumeClaimTemplate": {"spec": {}}}})
    return a_pod(name, volumes=volumes, **more)


def where(pod: PodSummary, *objects: Any, nodes: int = 1, there: Iterable[PodSummary] = (), labels: Any = None) -> str:
    """The chosen node (n1, n2, …; with these labels), or the message."""
    cluster = Cluster(Objects(*objects))
    for number in range(1, nodes + 1):
        cluster.set_node(a_node(f"n{number}", **(labels or {})))
    for other in there:
        cluster.place(other, "n1")
    found = choose_node(default_framework(), pod, cluster)
    return found.node if isinstance(found, Chosen) else found.message


def made_for(uid: str) -> Body:
    """Metadata of a claim that a pod controls."""
    return {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": uid, "controller": True}]}


LEAVING = {"deletionTimestamp": "2024-01-01T00:00:00Z"}
LOST = 'persistentvolumeclaim "data" bound to non-existent persistentvolume "disk"'
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"


@pytest.mark.parametrize(
    ("case", "pod", "objects", "reason"),
    [
        ("no claim", user("data"), [], 'persistentvolumeclaim "data" not found'),
        ("a named claim first", user("data", ephemeral="tmp"), [], 'persistentvolumeclaim "data" not found'),
        ("lost", user("data"), [claim(phase="Lost", volumeName="disk")], LOST),
        ("its volume has gone", user("data"), [bound()], LOST),
        ("leaving", user("data"), [bound(meta=LEAVING), volume()], 'persistentvolumeclaim "data" is being deleted'),
        ("no class", user("data"), [claim(), volume()], UNBOUND),
        ("no such class", user("data"), [claim(storageClassName="late")], UNBOUND),
        ("at once", user("data"), [claim(storageClassName="c"), storage_class("c", "Immediate")], UNBOUND),
        ("not bound yet", user("data"), [claim(volumeName="disk"), volume()], UNBOUND),
        (
            "meant for another",
            user("data"),
            [claim(volumeName="disk"), volume(claimRef={"namespace": "shop", "name": "data", "uid": "older"})],
            UNBOUND,
        ),
        (
            "not made yet",
            user(ephemeral="tmp"),
            [],
            'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-tmp"',
        ),
        (
            "somebody else's",
            user(ephemeral="tmp"),
            [bound("p-tmp", meta=made_for("q")), volume()],
            "PVC shop/p-tmp was not created for pod shop/p (pod is not owner)",
        ),
    ],
)
def test_what_rules_out_every_node(case: str, pod: PodSummary, objects: Any, reason: str) -> None:
    """No node is looked at, so none is counted, whatever else speaks against it."""
    assert where(pod, *objects, nodes=3) == f"0/3 nodes are available: {reason}. not found"


@pytest.mark.parametrize(
    ("case", "pod", "objects"),
    [
        ("bound", user("data"), [bound(), volume()]),
        (
            "they name each other",
            user("data"),
            [claim(volumeName="disk"), volume(claimRef={"namespace": "shop", "name": "data"})],
        ),
        ("its own", user(ephemeral="tmp"), [bound("p-tmp", meta=made_for("p")), volume()]),
        (
            "one waits for it",
            user("data"),
            [claim(storageClassName="late"), storage_class(), volume(storageClassName="late")],
        ),
        ("one can be made", user("data"), [claim(storageClassName="late"), storage_class(provisioner="example.com/x")]),
        (
            "one has just come",
            user("data"),
            [claim(storageClassName="late"), storage_class(), volume(storageClassName="late", phase="Pending")],
        ),
        (
            "the class named as it was once",
            user("data"),
            [
                claim(meta={"annotations": {"volume.beta.kubernetes.io/storage-class": "late"}}, storageClassName="x"),
                storage_class(provisioner="example.com/x"),
            ],
        ),
        (
            "kept for it",
            user("data"),
            [
                claim(storageClassName="late"),
                storage_class(),
                volume(claimRef={"namespace": "shop", "name": "data"}, phase="Bound"),
            ],
        ),
    ],
)
def test_claims_that_can_be_used(case: str, pod: PodSummary, objects: Any) -> None:
    """They do not stand in the way."""
    assert where(pod, *objects) == "n1"


REACH = "node(s) didn't match PersistentVolume's node affinity"
NONE = "node(s) didn't find available persistent volumes to bind"
LATE = (claim(storageClassName="late"), storage_class())


@pytest.mark.parametrize(
    ("case", "objects", "reason"),
    [
        ("out of reach", [bound(), volume(nodeAffinity=on_node("n9"))], REACH),
        ("none there", LATE, NONE),
        ("too small", [*LATE, volume(storageClassName="late", size="500Mi")], NONE),
        ("another class", [*LATE, volume(storageClassName="early")], NONE),
        ("released", [*LATE, volume(storageClassName="late", phase="Released")], NONE),
        ("a device", [*LATE, volume(storageClassName="late", volumeMode="Block")], NONE),
        ("for reading only", [*LATE, volume(storageClassName="late", accessModes=["ReadOnlyMany"])], NONE),
        ("out of reach, too", [*LATE, volume(storageClassName="late", nodeAffinity=on_node("n9"))], NONE),
        ("for somebody else", [*LATE, volume(storageClassName="late", claimRef={"namespace": "a", "name": "b"})], NONE),
        (
            "of another label",
            [
                claim(storageClassName="late", selector={"matchLabels": {"disk": "fast"}}),
                storage_class(),
                volume(storageClassName="late", labels={"disk": "slow"}),
            ],
            NONE,
        ),
        (
            "being made elsewhere",
            [
                claim(storageClassName="late", meta={"annotations": {"volume.kubernetes.io/selected-node": "n9"}}),
                storage_class(provisioner="example.com/x"),
            ],
            NONE,
        ),
        (
            "not made for such nodes",
            [
                LATE[0],
                storage_class(
                    provisioner="example.com/x",
                    allowedTopologies=[{"matchLabelExpressions": [{"key": "host", "values": ["n9"]}]}],
                ),
            ],
            NONE,
        ),
        (
            "no room",
            [
                LATE[0],
                storage_class(provisioner="csi.x"),
                (DRIVERS, {"metadata": {"name": "csi.x"}, "spec": {"storageCapacity": True}}),
                (
                    CAPACITIES,
                    {
                        "metadata": {"name": "c", "namespace": "x"},
                        "storageClassName": "late",
                        "capacity": "500Mi",
                        "nodeTopology": {},
                    },
                ),
            ],
            "node(s) did not have enough free storage",
        ),
    ],
)
def test_what_rules_out_a_node(case: str, objects: Any, reason: str) -> None:
    """Counted like any other reason, and no pod that gives way would help."""
    assert where(user("data"), *objects, nodes=2) == f"0/2 nodes are available: 2 {reason}." + no_preemption(2)


def test_the_node_where_the_volume_is() -> None:
    """Of three nodes the one with the bound volume; of volumes that wait, too."""
    assert where(user("data"), bound(), volume(nodeAffinity=on_node("n2")), nodes=3) == "n2"
    assert where(user("data"), *LATE, volume(storageClassName="late", nodeAffinity=on_node("n3")), nodes=3) == "n3"


def test_two_claims_need_two_volumes() -> None:
    """One volume is not given out twice; the smaller claim takes the smaller volume."""
    small, large = claim("a", storageClassName="late"), claim("b", storageClassName="late", size="2Gi")
    pod, disks = user("b", "a"), [volume(f"d{n}", storageClassName="late", size=f"{n}Gi") for n in (2, 1)]
    assert where(pod, small, large, storage_class(), *disks) == "n1"
    assert where(pod, small, large, storage_class(), disks[0]).startswith(f"0/1 nodes are available: 1 {NONE}.")


def test_volumes_of_a_zone() -> None:
    """A volume labelled with a zone, the old way too, is used there; nodes without any such label do not mind."""
    zone, old = "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"
    refused = "0/1 nodes are available: 1 node(s) had no available volume zone." + no_preemption(1)
    for label in (zone, old):
        objects = bound(), volume(labels={label: "a__b"})
        assert where(user("data"), *objects, labels={zone: "b"}) == "n1"
        assert where(user("data"), *objects, labels={zone: "c"}) == refused
        assert where(user("data"), *objects) == "n1"


def test_a_claim_for_one_pod() -> None:
    """ReadWriteOncePod is in use wherever the other pod is; other claims, and those of other namespaces, are not."""
    exclusive = bound(accessModes=["ReadWriteOncePod"]), volume()
    in_use = "PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
    why = f"node(s) unavailable due to {in_use}"
    other = user("data", name="other")
    assert where(user("data"), *exclusive, there=[other]) == f"0/1 nodes are available: 1 {why}." + NO_VICTIMS
    assert where(user("data"), bound(), volume(), there=[other]) == "n1"
    assert where(user("data"), *exclusive, there=[user("logs", name="other")]) == "n1"
    elsewhere = attrs.evolve(other, namespace="b")
    assert where(user("data"), *exclusive, there=[elsewhere]) == "n1"


def test_how_many_volumes_a_node_takes() -> None:
    """A volume that is there already counts once; drivers without a limit take any number."""
    objects = [bound(name, f"disk-{name}") for name in "abc"]
    objects += [volume(f"disk-{name}", csi={"driver": "csi.x", "volumeHandle": name}) for name in "abc"]
    limit = (NODES, {"metadata": {"name": "n1"}, "spec": {"drivers": [{"name": "csi.x", "allocatable": {"count": 2}}]}})
    there = [user("a", "b", name="there")]
    assert where(user("c"), *objects, there=there) == "n1"
    assert where(user("a"), *objects, limit, there=there) == "n1"
    refused = "0/1 nodes are available: 1 node(s) exceed max volume count." + NO_VICTIMS
    assert where(user("c"), *objects, limit, there=there) == refused
    late = claim("d", storageClassName="late"), storage_class(provisioner="csi.x")
    assert where(user("d"), *objects, limit, *late, there=there) == refused


def test_volumes_beside_other_reasons() -> None:
    """What is wrong with a node comes before what is wrong with the volumes there."""
    pod = user("data", requests={"cpu": "3"})
    message = where(pod, bound(), volume(nodeAffinity=on_node("n9")))
    assert message == "0/1 nodes are available: 1 Insufficient cpu." + no_preemption(1)
