"""What a cluster keeps up in its namespaces: accounts, certificates, the status of quotas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.actors.namespace_object import EVERYWHERE, root_certificates
from kube_actors.cluster import Cluster
from kube_actors.store import Key

from .conftest import OpenSimulated


async def until(cluster: Cluster, done: Callable[[], bool]) -> None:
    """Wait, in cluster time, until it is so."""
    while not done():
        await cluster.system.clock.sleep(0.05)


def body(cluster: Cluster, resource: str, namespace: str, name: str) -> dict[str, Any]:
    """An object as it is; empty when it is not there."""
    found = cluster.plane.store.get(Key(resource, namespace, name))
    return {} if found is None else found.body()


async def test_every_namespace_has_its_account_and_certificate(open_simulated: OpenSimulated) -> None:
    """New ones too; both come back when they are deleted, the certificate also when it is changed."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        account, certificate = Key("serviceaccounts", "shop", "default"), Key("configmaps", "shop", "kube-root-ca.crt")
        await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        await client.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "first", "namespace": "shop"}, "spec": POD}
        )
        await until(cluster, lambda: bool(client.get(account)) and bool(client.get(certificate)))
        for key in (account, certificate):
            await client.delete(key)
            await until(cluster, lambda key=key: client.get(key) is not None)  # type: ignore[misc]
        right = body(cluster, *certificate)["data"]
        await client.mutate(certificate, lambda found: found.update(data={"ca.crt": "forged"}))
        await until(cluster, lambda: body(cluster, *certificate)["data"] == right)
        assert {one.key.namespace for one in cluster.plane.store.list("serviceaccounts")} >= {
            "default",
            "kube-node-lease",
            "kube-public",
            "kube-system",
            "shop",
        }


async def test_what_a_cluster_is_never_without(open_simulated: OpenSimulated) -> None:
    """Namespaces of the system and flow control come back when they are deleted, and nodes beat on."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        leases, lease = (
            Key("namespaces", "", "kube-node-lease"),
            Key("leases.coordination.k8s.io", "kube-node-lease", "a"),
        )
        exempt = Key("flowschemas.flowcontrol.apiserver.k8s.io", "", "exempt")
        for key in (leases, exempt):
            uid = body(cluster, *key)["metadata"]["uid"]
            await client.delete(key)
            while body(cluster, *key).get("metadata", {}).get("uid") in (None, uid):
                await cluster.system.clock.sleep(0.05)
        await until(cluster, lambda: client.get(lease) is not None)


POD = {"containers": [{"name": "c", "image": "app:1"}]}


async def test_a_pod_of_a_new_namespace_runs(open_simulated: OpenSimulated) -> None:
    """However soon it is created: its account, its certificate and its token are there when it starts."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        await client.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": POD}
        )
        await until(cluster, lambda: bool(body(cluster, "pods", "shop", "p")["status"].get("podIP")))
        assert body(cluster, "pods", "shop", "p")["spec"]["serviceAccountName"] == "default"


async def test_the_status_of_a_quota(open_simulated: OpenSimulated) -> None:
    """Follows what comes and goes."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        spec = {"hard": {"pods": "3", "count/configmaps": "9", "requests.cpu": "1"}}
        await client.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}, namespace="default"
        )

        def used() -> Any:
            return body(cluster, "resourcequotas", "default", "q").get("status", {}).get("used")

        empty = {"pods": "0", "count/configmaps": "1", "requests.cpu": "0"}
        await until(cluster, lambda: used() == empty)
        container = {"name": "c", "image": "app:1", "resources": {"requests": {"cpu": "250m"}}}
        for name in ("a", "b"):
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}
            await client.create(pod, namespace="default")
        await until(cluster, lambda: used() == {"pods": "2", "count/configmaps": "1", "requests.cpu": "500m"})
        for name in ("a", "b"):
            await client.delete(Key("pods", "default", name), grace_seconds=0)
        await until(cluster, lambda: used() == empty)
        assert body(cluster, "resourcequotas", "default", "q")["status"]["hard"] == spec["hard"]
        await client.mutate(Key("resourcequotas", "default", "q"), lambda quota: quota["spec"].pop("hard"))
        await until(cluster, lambda: not body(cluster, "resourcequotas", "default", "q")["status"])


async def test_a_quota_gives_up_pods_that_should_have_ended(open_simulated: OpenSimulated) -> None:
    """One whose node is lost counts for as long again as it was given to end, and others may take its place."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        spec = {"hard": {"pods": "1"}}
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}
        await client.create(quota, namespace="default")
        await client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "ghost"}})
        lost = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lost"}, "spec": {**POD, "nodeName": "ghost"}}
        await client.create(lost, namespace="default")
        await client.delete(Key("pods", "default", "lost"), grace_seconds=30)
        begun = clock.now()

        def used() -> Any:
            return body(cluster, "resourcequotas", "default", "q").get("status", {}).get("used")

        await until(cluster, lambda: used() == {"pods": "1"})
        await until(cluster, lambda: used() == {"pods": "0"})
        assert 60 <= clock.now() - begun < 62
        assert body(cluster, "pods", "default", "lost")
        await client.create({**lost, "metadata": {"name": "next"}}, namespace="default")


async def test_a_namespace_ends_in_order(open_simulated: OpenSimulated) -> None:
    """Pods first; what waits for somebody's finalizer is told of; then the namespace goes."""
    async with open_simulated("a", termSeconds=3) as cluster:
        client = cluster.session.client
        shop, settings = Key("namespaces", "", "shop"), Key("configmaps", "shop", "settings")
        await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        held = {"name": "settings", "namespace": "shop", "finalizers": ["example.com/held"]}
        await client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
        metadata = {"name": "p", "namespace": "shop"}
        await client.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": POD})
        await until(cluster, lambda: bool(body(cluster, "pods", "shop", "p")["status"].get("podIP")))
        await client.delete(shop)

        def told(kind: str) -> Any:
            conditions = body(cluster, *shop)["status"].get("conditions", [])
            return next((each["message"] for each in conditions if each["type"] == kind), "")

        remaining = "Some resources are remaining: {} has 1 resource instances"
        await until(cluster, lambda: told("NamespaceContentRemaining") == remaining.format("pods."))
        assert client.live(settings).projection.deleting is None
        await until(cluster, lambda: told("NamespaceContentRemaining") == remaining.format("configmaps."))
        assert told("NamespaceFinalizersRemaining") == (
            "Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances"
        )
        assert client.get(Key("serviceaccounts", "shop", "default")) is None
        await client.mutate(settings, lambda found: found["metadata"].pop("finalizers"))
        await until(cluster, lambda: client.get(shop) is None)


async def test_a_renewed_certificate_goes_everywhere(open_simulated: OpenSimulated) -> None:
    """Every namespace has what is wanted now, not what was wanted when the cluster started."""
    async with open_simulated("a") as cluster:
        pem = ["first"]
        actor = cluster.system.spawn("roots", lambda: root_certificates(cluster.plane, lambda: pem[0]))
        await cluster.system.stop(cluster.system.find("/root-certificates") or actor)

        def published() -> set[str]:
            found = cluster.plane.store.list("configmaps")
            return {one.body()["data"]["ca.crt"] for one in found if one.key.name == "kube-root-ca.crt"}

        await until(cluster, lambda: published() == {"first"})
        pem[0] = "second"
        actor.notify(EVERYWHERE)
        await until(cluster, lambda: published() == {"second"})
