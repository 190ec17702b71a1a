"""Deletion on a real cluster: namespaces in order, owners and what they own, finalizers."""

from __future__ import annotations

from typing import Any

from kube_actors.store import Key

from .manifests import deployment, pod, service, sleeper
from .stage import DEPLOYMENTS, PODS, REPLICA_SETS, Body, Stage


def config_map(name: str, *, owner: Body | None = None, blocks: bool = False, **metadata: Any) -> Body:
    """A ConfigMap, perhaps owned by another."""
    if owner is not None:
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
                     "uid": owner["metadata"]["uid"], "blockOwnerDeletion": blocks}  # fmt: skip
        metadata["ownerReferences"] = [reference]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


async def test_a_namespace_goes_with_everything_in_it(stage: Stage) -> None:
    """Pods end in grace before the rest; conditions say what is left; nothing new gets in; then the name is free."""
    slow = sleeper(lifecycle={"preStop": {"exec": {"command": ["sleep", "0.7"]}}})
    bodies = [deployment("app", pod("", slow)["spec"], 2), pod("lone", slow), service("app"),
              config_map("held", finalizers=["example.com/hold"]), config_map("settings")]  # fmt: skip
    await stage.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    for body in bodies:
        await stage.apply({**body, "metadata": {**body["metadata"], "namespace": "shop"}})
    await stage.until(lambda: [one.projection.facts.ready for one in stage.pods("", "shop")] == [True] * 3)
    pods_left: list[int] = []
    stage.store.subscribe(lambda commit: pods_left.append(len(stage.pods("", "shop")))
                          if commit.kind == "deleted" and commit.revision.key.name == "settings" else None)  # fmt: skip
    await stage.client.delete(Key("namespaces", "", "shop"))
    await stage.until(lambda: phase(stage, "shop") == "Terminating")
    problem = None
    try:
        await stage.apply({**config_map("late"), "metadata": {"name": "late", "namespace": "shop"}})
    except Exception as error:
        problem = str(error)
    assert problem is not None
    assert "because it is being terminated" in problem
    await stage.until(lambda: not stage.pods("", "shop"))
    await stage.until(lambda: stage.get(DEPLOYMENTS, "app", "shop") is None)
    await stage.until(lambda: stage.get("services", "app", "shop") is None)
    await stage.until(lambda: conditions(stage, "shop").get("NamespaceFinalizersRemaining") == "True")
    assert stage.get("configmaps", "settings", "shop") is None
    assert pods_left == [0]
    await stage.client.finalize(Key("configmaps", "shop", "held"), "example.com/hold")
    await stage.gone("namespaces", "shop", "")
    await stage.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    assert phase(stage, "shop") == "Active"


def phase(stage: Stage, name: str) -> str:
    """A namespace's phase; empty when it is gone."""
    body = stage.get("namespaces", name, "")
    return str(body["status"]["phase"]) if body is not None else ""


def conditions(stage: Stage, name: str) -> dict[str, str]:
    """A namespace's conditions."""
    body = stage.get("namespaces", name, "") or {}
    return {one["type"]: one["status"] for one in body.get("status", {}).get("conditions", ())}


async def test_background_deletion_takes_what_is_owned(stage: Stage) -> None:
    """The Deployment goes at once, its ReplicaSets and pods after it."""
    await stage.apply(deployment("app", pod("")["spec"], 2))
    await stage.rolled_out("app")
    await stage.delete(DEPLOYMENTS, "app", propagation="Background")
    assert stage.get(DEPLOYMENTS, "app") is None
    await stage.until(lambda: not stage.store.list(REPLICA_SETS) and not stage.pods())


async def test_foreground_deletion_waits_for_what_is_owned(stage: Stage) -> None:
    """The Deployment stays, marked, until its last pod has ended."""
    await stage.apply(deployment("app", pod("")["spec"], 2))
    await stage.rolled_out("app")
    seen: list[tuple[int, int]] = []

    def committed(commit: Any) -> None:
        if commit.kind == "deleted" and commit.revision.key.resource in (DEPLOYMENTS, REPLICA_SETS):
            seen.append((len(stage.store.list(REPLICA_SETS)), len(stage.pods())))

    stage.store.subscribe(committed)
    await stage.delete(DEPLOYMENTS, "app", propagation="Foreground")
    body = stage.get(DEPLOYMENTS, "app")
    assert body is not None
    assert body["metadata"]["finalizers"] == ["foregroundDeletion"]
    await stage.gone(DEPLOYMENTS, "app")
    assert seen == [(0, 0), (0, 0)]


async def test_orphans_stay_and_are_adopted_again(stage: Stage) -> None:
    """Orphan: ReplicaSet and pods run on without owner; the Deployment made anew takes them back."""
    await stage.apply(deployment("app", pod("")["spec"], 2))
    await stage.rolled_out("app")
    before = {one.uid for one in stage.pods()}
    await stage.delete(DEPLOYMENTS, "app", propagation="Orphan")
    await stage.gone(DEPLOYMENTS, "app")
    owners = [one.body()["metadata"].get("ownerReferences") for one in stage.store.list(REPLICA_SETS)]
    assert owners == [None]
    await stage.apply(deployment("app", pod("")["spec"], 2))
    await stage.rolled_out("app")
    assert {one.uid for one in stage.pods()} == before
    assert len(stage.store.list(REPLICA_SETS)) == 1


async def test_an_owner_that_is_gone_takes_its_dependents_and_one_of_two_does_not(stage: Stage) -> None:
    """A dependent goes when its last owner has; a reference to somebody else's uid is dangling from the start."""
    await stage.apply(config_map("one"), config_map("two"))
    one, two = (stage.get("configmaps", name) or {} for name in ("one", "two"))
    both = config_map("both", owner=one)
    both["metadata"]["ownerReferences"] += config_map("", owner=two)["metadata"]["ownerReferences"]
    stranger = {"metadata": {"name": "one", "uid": "11111111-2222-3333-4444-555555555555"}}
    await stage.apply(config_map("single", owner=one), both, config_map("dangling", owner=stranger))
    await stage.gone("configmaps", "dangling")
    await stage.delete("configmaps", "one")
    await stage.gone("configmaps", "single")
    await stage.until(lambda: len((stage.get("configmaps", "both") or {})["metadata"]["ownerReferences"]) == 1)
    await stage.delete("configmaps", "two")
    await stage.gone("configmaps", "both")


async def test_a_pod_with_a_finalizer_ends_but_stays_until_it_is_released(stage: Stage) -> None:
    """Its processes are gone, its object waits."""
    body = pod("held")
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await stage.apply(body)
    await stage.ready("held")
    await stage.delete(PODS, "held")

    await stage.until(lambda: stage.container("held").get("state", {}).get("terminated"))
    assert stage.pod("held")["metadata"]["finalizers"] == ["example.com/hold"]
    await stage.client.finalize(Key(PODS, "default", "held"), "example.com/hold")
    await stage.gone(PODS, "held")
