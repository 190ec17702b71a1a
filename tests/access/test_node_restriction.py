"""What kubelets may write: their own node, and their own pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kube_actors.access.authorization import ClusterAuthorizer
from kube_actors.access.binding import Binding
from kube_actors.access.nodes.labels import forbidden_labels
from kube_actors.access.nodes.restriction import check_eviction, check_token_request
from kube_actors.access.user import User
from kube_actors.errors import ApiError
from kube_actors.store import Key
from kube_actors.writes import Client
from tests.access.allowing import AllowAll
from tests.access.requests import KUBELET_CLIENT, encoded_request, request_body
from tests.access.roles import Cluster, new_cluster

N1 = User("system:node:n1", ("system:nodes", "system:authenticated"))
SIMPLE: dict[str, Any] = {"containers": [{"name": "c", "image": "i"}]}
NODE = Key("nodes", "", "n1")
MINE, THEIRS = Key("pods", "default", "mine"), Key("pods", "default", "theirs")


async def world() -> tuple[Cluster, Client, str]:
    """Two nodes with a pod each; the client of n1's kubelet, and that node's uid."""
    cluster = await new_cluster("kube-node-lease")
    for name in ("n1", "n2"):
        await cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    for name, node in (("mine", "n1"), ("theirs", "n2")):
        spec = {**SIMPLE, "nodeName": node}
        await cluster.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}
        )
    found = cluster.store.get(NODE)
    assert found is not None
    return cluster, cluster.named(N1.name, "system:nodes"), found.uid


def mirror(uid: str, *, spec: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """A mirror pod of n1."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uid, "controller": True}
    metadata = {
        "name": "static-n1",
        "namespace": "default",
        "annotations": {"kubernetes.io/config.mirror": "x"},
        "ownerReferences": [owner],
        **changed,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**SIMPLE, "nodeName": "n1", **(spec or {})},
    }


async def refusal(client: Client, body: dict[str, Any]) -> str:
    """Why the object must not be created; empty when it is."""
    try:
        await client.create(body)
    except ApiError as error:
        return error.message.partition("is forbidden: ")[2] or error.message
    return ""


async def refused_change(client: Client, key: Key, change: Callable[[Any], None], subresource: str = "") -> str:
    """Why the change is not made; empty when it is."""
    try:
        await client.mutate(key, change, subresource=subresource)
    except ApiError as error:
        return error.message.partition("is forbidden: ")[2] or error.message
    return ""


async def test_mirror_pods() -> None:
    """A kubelet shows its static pods: owned by its node, bound to it, and naming nothing else."""
    _, kubelet, uid = await world()
    assert await refusal(kubelet, mirror(uid)) == ""
    owner = mirror(uid)["metadata"]["ownerReferences"][0]
    secret = {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}
    claim = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "d"}}]}
    settings = {"containers": [{"name": "c", "image": "i", "envFrom": [{"configMapRef": {"name": "m"}}]}]}
    for body, why in (
        (
            mirror(uid, name="a", annotations={}),
            'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
        ),
        (mirror(uid, spec={"nodeName": "n2"}), 'node "n1" can only create pods with spec.nodeName set to itself'),
        (mirror(uid, ownerReferences=[]), 'node "n1" can only create pods with an owner reference set to itself'),
        (
            mirror(uid, ownerReferences=[{**owner, "controller": False}]),
            'node "n1" can only create pods with a controller owner reference set to itself',
        ),
        (mirror("other"), f"node n1 UID mismatch: expected other got {uid}"),
        (mirror(uid, spec=claim), 'node "n1" can not create pods that reference persistentvolumeclaims'),
        (mirror(uid, spec=settings), 'node "n1" can not create pods that reference configmaps'),
        (mirror(uid, spec=secret), 'node "n1" can not create pods that reference secrets'),
    ):
        body["metadata"]["name"] = "static-again"
        assert await refusal(kubelet, body) == why


async def test_pods() -> None:
    """Status and end of its own pods only; their labels are not its business."""
    cluster, kubelet, _ = await world()

    def running(body: Any) -> None:
        body.setdefault("status", {}).update(phase="Running")

    assert await refused_change(kubelet, MINE, running, "status") == ""
    assert await refused_change(kubelet, THEIRS, running, "status") == (
        'node "n1" can only update pod status for pods with spec.nodeName set to itself'
    )
    assert "can only create and delete mirror pods" in await refused_change(
        kubelet, MINE, lambda body: body["metadata"].update(labels={"a": "b"})
    )
    with pytest.raises(ApiError, match='node "n1" can only delete pods with spec\\.nodeName'):
        await kubelet.delete(THEIRS)
    await kubelet.delete(MINE, grace_seconds=0)
    with pytest.raises(ApiError, match="node n1 can only evict pods with spec\\.nodeName"):
        check_eviction(cluster.store, N1, THEIRS)


async def test_its_node() -> None:
    """No other node, no taints, and no labels that lead workloads to it."""
    _, kubelet, _ = await world()
    taint = [{"key": "a", "effect": "NoSchedule"}]
    assert await refused_change(kubelet, NODE, lambda body: body["metadata"].update(labels={"team": "x"})) == ""
    assert await refused_change(kubelet, NODE, lambda body: body["spec"].update(taints=taint)) == (
        'node "n1" is not allowed to modify taints'
    )
    labels = {"team": "x", "node-restriction.kubernetes.io/pci": "1", "node-role.kubernetes.io/master": ""}
    assert await refused_change(kubelet, NODE, lambda body: body["metadata"].update(labels=labels)) == (
        "is not allowed to modify labels: node-restriction.kubernetes.io/pci, node-role.kubernetes.io/master"
    )
    assert await refused_change(
        kubelet, Key("nodes", "", "n2"), lambda body: body["metadata"].update(labels={"a": ""})
    ) == ('node "n1" is not allowed to modify node "n2"')
    new = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n3"}}
    assert await refusal(kubelet, new) == 'node "n1" is not allowed to modify node "n3"'


def test_labels_of_kubelets() -> None:
    """Its own domains, the known ones, and whatever is not Kubernetes'."""
    good = ("kubernetes.io/hostname", "a.node.kubernetes.io/x", "kubelet.kubernetes.io/y", "example.com/z", "plain")
    bad = (
        "kubernetes.io/other",
        "x.k8s.io/y",
        "a.node-restriction.kubernetes.io/b",
        "node-restriction.kubernetes.io/c",
    )
    labels = dict.fromkeys((*good, *bad), "1")
    assert forbidden_labels(labels, {}) == sorted(bad)
    assert forbidden_labels({}, labels) == sorted(bad)
    assert forbidden_labels(labels, labels) == []


async def test_other_objects_of_its_own() -> None:
    """Lease and CSINode have the node's name; a certificate is asked for in its own name."""
    _, kubelet, _ = await world()
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {}}
    same = "with the same name as the requesting node"
    for name, namespace, why in (
        ("n1", "kube-node-lease", ""),
        ("n2", "kube-node-lease", f"can only access node lease {same}"),
        ("n1", "default", 'can only access leases in the "kube-node-lease" system namespace'),
    ):
        assert await refusal(kubelet, {**lease, "metadata": {"name": name, "namespace": namespace}}) == why
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "spec": {"drivers": []}}
    assert await refusal(kubelet, {**driver, "metadata": {"name": "n2"}}) == f"can only access CSINode {same}"
    for name, why in (("n1", ""), ("n2", "can only create a node CSR with CN=system:node:n1")):
        request = encoded_request(f"system:node:{name}", ("system:nodes",))
        body = request_body(request, name, signerName=KUBELET_CLIENT)
        assert await refusal(kubelet, body) == why


async def test_tokens() -> None:
    """Only for pods of its node, bound to them, and for audiences that those name."""
    cluster, _, _ = await world()
    uids = {each.key.name: each.uid for each in cluster.store.list("pods")}
    account = Key("serviceaccounts", "default", "robot")
    authorizer = ClusterAuthorizer(cluster.store, cluster.rbac)

    def check(binding: Binding | None, *audiences: str) -> str:
        try:
            check_token_request(cluster.store, authorizer, N1, account, binding, audiences)
        except ApiError as error:
            return error.message.partition("is forbidden: ")[2]
        return ""

    mine = Binding("v1", "Pod", "mine", uids["mine"])
    assert check(mine) == ""
    assert check(None) == "node requested token not bound to a pod"
    assert check(Binding("v1", "Secret", "mine", "x")) == "node requested token not bound to a pod"
    assert check(Binding("v1", "Pod", "mine")) == "node requested token with a pod binding without a uid"
    assert check(Binding("v1", "Pod", "mine", "x")).startswith(
        "the UID in the bound object reference (x) does not match"
    )
    theirs = Binding("v1", "Pod", "theirs", uids["theirs"])
    assert check(theirs) == "node requested token bound to a pod scheduled on a different node"
    assert 'audience "vault" not found in pod spec volume' in check(mine, "vault")
    assert check(mine, "a", "b") == "node may only request 0 or 1 audiences"
    check_token_request(cluster.store, AllowAll(), N1, account, mine, ("vault",))
    check_token_request(cluster.store, authorizer, User("alice"), account, None, ("vault",))


async def test_a_kubelet_of_no_node() -> None:
    """It writes nothing."""
    cluster, _, _ = await world()
    nobody = cluster.named("system:node:", "system:nodes")
    why = await refusal(
        nobody, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}}
    )
    assert why == 'could not determine node from user "system:node:"'
