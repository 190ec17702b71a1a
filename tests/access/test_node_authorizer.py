"""What kubelets may read: their own node, and what their pods name."""

from __future__ import annotations

from typing import Any

from kube_actors.access.attributes import Attributes
from kube_actors.access.authorization import ClusterAuthorizer
from kube_actors.access.user import User
from tests.access.roles import Cluster, binding, cluster_role, new_cluster, rule

N1 = User("system:node:n1", ("system:nodes", "system:authenticated"))
NO_RELATION = "no relationship found between node 'n1' and this object"
SPEC: dict[str, Any] = {
    "serviceAccountName": "robot",
    "imagePullSecrets": [{"name": "pull"}],
    "containers": [
        {
            "name": "c",
            "image": "i",
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}}],
            "envFrom": [{"configMapRef": {"name": "settings"}}],
        }
    ],
    "initContainers": [{"name": "i", "image": "i", "envFrom": [{"secretRef": {"name": "early"}}]}],
    "volumes": [
        {"name": "a", "secret": {"secretName": "mounted"}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "c", "projected": {"sources": [{"configMap": {"name": "projected"}}]}},
        {"name": "d", "csi": {"driver": "x.example.com", "nodePublishSecretRef": {"name": "publish"}}},
        {
            "name": "e",
            "ephemeral": {
                "volumeClaimTemplate": {
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
                }
            },
        },
    ],
}


async def cluster_with_pods() -> tuple[Cluster, ClusterAuthorizer]:
    """A pod on each of two nodes; the first names everything there is to name."""
    cluster = await new_cluster()
    meta = {"namespace": "default"}
    for name in ("robot", "other"):
        await cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, **meta}})
    for name in ("n1", "n2"):
        await cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    other = {"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "theirs"}}]}]}
    for name, node, spec in (("mine", "n1", SPEC), ("theirs", "n2", other)):
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, **meta},
            "spec": {**spec, "nodeName": node},
        }
        await cluster.create(body)
    source = {
        "driver": "x.example.com",
        "volumeHandle": "h",
        "nodeStageSecretRef": {"name": "stage", "namespace": "kube-system"},
    }
    volume = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "claimRef": {"namespace": "default", "name": "data"},
        "csi": {**source, "controllerPublishSecretRef": {"name": "controllers", "namespace": "kube-system"}},
    }
    await cluster.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": volume})
    return cluster, ClusterAuthorizer(cluster.store, cluster.rbac)


def asked(verb: str, what: str, name: str = "", namespace: str = "default", **more: Any) -> Attributes:
    """What the kubelet of n1 wants: `secrets`, `pods/status`, `storage.k8s.io csinodes`."""
    group, _, resource = what.rpartition(" ")
    plural, _, subresource = resource.partition("/")
    return Attributes(N1, verb, group, "v1", plural, subresource, namespace, name, **more)


LEASES, CSI_NODES = "coordination.k8s.io leases", "storage.k8s.io csinodes"


async def test_what_a_node_may() -> None:
    """Everything its pods name, itself, and what all nodes may."""
    _, authorizer = await cluster_with_pods()
    for wish in (
        *(asked("get", "secrets", name) for name in ("key", "early", "mounted", "pull", "publish")),
        asked("get", "secrets", "stage", "kube-system"),
        asked("watch", "configmaps", "settings"),
        asked("list", "configmaps", "projected"),
        asked("get", "persistentvolumeclaims", "data"),
        asked("get", "persistentvolumeclaims", "mine-e"),
        asked("patch", "persistentvolumeclaims/status", "data"),
        asked("get", "persistentvolumes", "disk", ""),
        asked("create", "serviceaccounts/token", "robot"),
        asked("get", "serviceaccounts", "robot"),
        asked("get", "pods", "mine"),
        asked("list", "pods", namespace="", fields=(("spec.nodeName", "n1"),)),
        asked("delete", "pods", "mine"),
        asked("create", "pods/eviction", "mine"),
        asked("get", "nodes", "n1", ""),
        asked("patch", "nodes/status", "n1", ""),
        asked("create", LEASES, namespace="kube-node-lease"),
        asked("update", LEASES, "n1", "kube-node-lease"),
        asked("patch", CSI_NODES, "n1", ""),
        asked("create", "events"),
        asked("list", "services"),
    ):
        assert authorizer.decide(wish).allowed, wish


REFUSED = [
    (asked("get", "secrets", "theirs"), NO_RELATION),
    (asked("get", "secrets", "key", "kube-system"), NO_RELATION),
    (asked("get", "secrets", "controllers", "kube-system"), NO_RELATION),
    (asked("list", "secrets"), "No Object name found"),
    (asked("list", "secrets", namespace=""), "can only read namespaced object of this type"),
    (asked("update", "secrets", "key"), "can only read resources of this type"),
    (asked("get", "persistentvolumeclaims", "none"), NO_RELATION),
    (asked("list", "persistentvolumeclaims"), "can only get individual resources of this type"),
    (asked("create", "serviceaccounts/token", "other"), NO_RELATION),
    (asked("delete", "serviceaccounts", "robot"), "can only create tokens for individual service accounts"),
    (asked("get", "pods", "theirs"), NO_RELATION),
    (asked("list", "pods"), "can only list/watch pods with spec.nodeName field selector"),
    (
        asked("list", "pods", fields=(("spec.nodeName", "n2"),)),
        "can only list/watch pods with spec.nodeName field selector",
    ),
    (asked("list", "nodes", "", ""), "node 'n1' cannot read all nodes, only its own Node object"),
    (asked("get", "nodes", "n2", ""), "node 'n1' cannot read 'n2', only its own Node object"),
    (
        asked("update", LEASES, "n2", "kube-node-lease"),
        "can only access node lease with the same name as the requesting node",
    ),
    (asked("get", LEASES, "n1"), 'can only access leases in the "kube-node-lease" system namespace'),
    (asked("list", LEASES, "", "kube-node-lease"), "can only get, create, update, patch, or delete a node lease"),
    (asked("get", CSI_NODES, "n2", ""), "can only access CSINode with the same name as the requesting node"),
    (asked("create", "deployments"), ""),
    (asked("create", "pods/exec", "mine"), ""),
]


async def test_what_a_node_may_not() -> None:
    """With the reason in Kubernetes' words."""
    _, authorizer = await cluster_with_pods()
    for wish, reason in REFUSED:
        decision = authorizer.decide(wish)
        assert (decision.allowed, decision.reason) == (False, reason), wish


async def test_pods_come_and_go() -> None:
    """What a node may read follows its pods; a role may still give it more; a node that is none may nothing."""
    cluster, authorizer = await cluster_with_pods()
    secret = asked("get", "secrets", "key")
    pod = next(each for each in cluster.store.list("pods") if each.key.name == "mine")
    await cluster.admin.delete(pod.key, grace_seconds=0)
    assert not authorizer.decide(secret).allowed
    await cluster.create(cluster_role("reader", rule("get", "secrets")), binding("b", "reader", "Group system:nodes"))
    assert authorizer.decide(secret).allowed
    nameless = Attributes(User("system:node:", N1.groups), "list", "", "v1", "services")
    assert authorizer.decide(nameless).reason == 'unknown node for user "system:node:"'
    pretender = Attributes(User("system:node:n1", ("system:authenticated",)), "list", "", "v1", "services")
    assert not authorizer.decide(pretender).allowed


async def test_the_rules_of_a_node() -> None:
    """They cannot be listed, and whoever asks for them is told."""
    _, authorizer = await cluster_with_pods()
    held = authorizer.rules_for(N1, "default")
    assert held.incomplete
    assert held.problems == ("node authorizer does not support user rule resolution",)
