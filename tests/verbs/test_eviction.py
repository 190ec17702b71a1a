"""Evicting pods under a disruption budget, with its controller running."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from kube_actors.api.times import rfc3339
from kube_actors.errors import ApiError
from kube_actors.store import Revision
from kube_actors.verbs.drain import DrainRequest, evict, plan_drain
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.eviction import Eviction, evict_pod
from kube_actors.verbs.node import cordon
from kube_actors.verbs.session import Session

from .stage import create, deployment, key, pod, simulated_cluster, until_available

PDB = key("poddisruptionbudgets.policy", "web")


def budget(name: str = "web", app: str = "web", **spec: Any) -> dict[str, Any]:
    """A budget for the pods of a Deployment."""
    selector = {"matchLabels": {"app": app}}
    kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    return {**kind, "metadata": {"name": name}, "spec": {"selector": selector, **spec}}


async def until_allowed(session: Session, allowed: int) -> dict[str, Any]:
    """The budget's status when it allows so many."""
    while True:
        found = session.plane.store.get(PDB)
        status: dict[str, Any] = {} if found is None else found.body().get("status", {})
        if status.get("disruptionsAllowed") == allowed:
            return status
        await session.plane.clock.sleep(0.1)


def pods(session: Session) -> list[Revision]:
    """The pods there are."""
    return session.plane.store.list("pods", "default")


async def test_a_budget_is_counted_and_honoured(tmp_path: Path) -> None:
    """One of three may go; the next not before the first has been replaced."""
    async with simulated_cluster(tmp_path, simulation={"startSeconds": 5}) as cluster:
        session = cluster.session
        await create(session, deployment("web", 3), budget(maxUnavailable=1))
        await until_available(session, "web")
        status = await until_allowed(session, 1)
        assert (status["expectedPods"], status["desiredHealthy"], status["currentHealthy"]) == (3, 2, 3)
        first, second, _ = pods(session)
        await evict_pod(session, session.client, Eviction(first.key))
        ending = session.plane.store.get(first.key)
        assert ending is not None
        assert ending.projection.deleting is not None
        (target,) = [c for c in ending.body()["status"]["conditions"] if c["type"] == "DisruptionTarget"]
        assert (target["reason"], target["message"]) == ("EvictionByEvictionAPI", "Eviction API: evicting")
        with pytest.raises(ApiError) as caught:
            await evict_pod(session, session.client, Eviction(second.key))
        error = caught.value
        assert (error.code, error.reason, error.retry_after_seconds) == (429, "TooManyRequests", None)
        assert error.message == "Cannot evict pod as it would violate the pod's disruption budget."
        assert error.causes[0].reason == "DisruptionBudget"
        await until_allowed(session, 1)
        assert len([one for one in pods(session) if one.projection.facts.ready]) == 3
        await evict_pod(session, session.client, Eviction(second.key))


async def test_a_dry_run_costs_nothing(tmp_path: Path) -> None:
    """Neither the pod nor the budget."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, deployment("web", 2), budget(minAvailable=1))
        await until_available(session, "web")
        await until_allowed(session, 1)
        for each in pods(session):
            await evict_pod(session, session.client, Eviction(each.key, dry_run=True))
        assert all(each.projection.deleting is None for each in pods(session))
        assert (await until_allowed(session, 1)).get("disruptedPods") is None


async def test_two_budgets_are_one_too_many(tmp_path: Path) -> None:
    """500, in Kubernetes' words; preconditions come first."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, deployment("web", 1), budget(minAvailable=0), budget("other", minAvailable=0))
        await until_available(session, "web")
        (only,) = pods(session)
        with pytest.raises(ApiError, match="This pod has more than one PodDisruptionBudget") as caught:
            await evict_pod(session, session.client, Eviction(only.key))
        assert caught.value.code == 500
        with pytest.raises(ApiError, match=r"the UID in the precondition \(somebody\) does not match") as caught:
            await evict_pod(session, session.client, Eviction(only.key, uid="somebody"))
        assert caught.value.code == 409


async def test_a_drain_waits_for_the_budget(tmp_path: Path) -> None:
    """Pods go one after the other, as others take their place elsewhere."""
    async with simulated_cluster(tmp_path, nodes=2, simulation={"startSeconds": 2}) as cluster:
        session, store = cluster.session, cluster.plane.store
        await create(session, deployment("web", 4), budget(maxUnavailable=1))
        await until_available(session, "web")
        await until_allowed(session, 1)
        least = [4]
        store.subscribe(lambda _: least.append(sum(each.projection.facts.ready for each in pods(session))), "pods")
        await cordon(session, "node-1")
        plan = plan_drain(store.on_node("node-1"), DrainRequest())
        assert len(plan.pods) == 2
        async with aclosing(evict(session, plan.pods, DrainRequest())) as evictions:
            told = [each async for each in evictions]
        assert [each.again for each in told if each.error is not None] == [True]
        assert len([each for each in told if each.error is None]) == 2
        assert min(least) >= 3
        assert not store.on_node("node-1")


async def test_a_drain_that_may_never_end(tmp_path: Path) -> None:
    """A budget that allows nothing holds the drain until its time is over."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        session, store = cluster.session, cluster.plane.store
        await create(session, deployment("web", 1), budget(minAvailable=1))
        await until_available(session, "web")
        await until_allowed(session, 0)
        with pytest.raises(VerbError, match="global timeout reached: 12s"):
            async with aclosing(evict(session, store.on_node("node-1"), DrainRequest(within=12))) as evictions:
                assert [each.again async for each in evictions]
        assert len(store.on_node("node-1")) == 1


async def test_a_pod_that_does_not_run_needs_no_leave(tmp_path: Path) -> None:
    """One that nobody could place goes at once, whatever its budget says."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        stuck = pod("stuck", labels={"app": "web"})
        stuck["spec"]["nodeSelector"] = {"no": "where"}
        await create(session, budget(minAvailable=1), stuck)
        await evict_pod(session, session.client, Eviction(key("pods", "stuck")))
        assert session.plane.store.get(key("pods", "stuck")) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"minAvailable": 1, "maxUnavailable": 1}, "minAvailable and maxUnavailable cannot be both set"),
        ({"minAvailable": -1}, "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"),
        ({"maxUnavailable": "101%"}, 'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'),
        (
            {"minAvailable": 1, "unhealthyPodEvictionPolicy": "Never"},
            'Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
        ),
    ],
)
async def test_budgets_that_make_no_sense(tmp_path: Path, spec: dict[str, Any], message: str) -> None:
    """422."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        with pytest.raises(ApiError) as caught:
            await cluster.session.client.create(budget(**spec), namespace="default")
        assert message in caught.value.message


async def test_a_budget_tells_what_it_cannot_count(tmp_path: Path) -> None:
    """No pods; pods that nobody keeps up; and controllers that nobody knows or that have no number to ask for."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session

        async def until_told(reason: str, text: str) -> None:
            while not any(
                (each["reason"], text in each["message"]) == (reason, True)
                for each in (event.body() for event in session.plane.store.list("events"))
            ):
                await session.plane.clock.sleep(0.1)

        await create(session, budget(maxUnavailable=1))
        await until_told("NoPods", "No matching pods found")
        await create(session, pod("alone", labels={"app": "web"}))
        shown = "(selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:"
        await until_told("UnmanagedPods", shown)
        owner = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "1", "controller": True}
        for kind, version, why in (
            ("Widget", "example.com/v1", 'no matches for kind "Widget" in version "example.com/v1"'),
            ("Job", "batch/v1", "jobs.batch does not implement the scale subresource"),
        ):
            owned = pod(kind.lower(), labels={"app": "web"})
            owned["metadata"]["ownerReferences"] = [{**owner, "kind": kind, "apiVersion": version}]
            made = await session.client.create(owned)
            await until_told("CalculateExpectedPodCountFailed", why)
            if session.plane.store.get(made.key) is not None:
                await session.client.delete(made.key, grace_seconds=0)


async def test_a_disruption_that_does_not_come_about(tmp_path: Path) -> None:
    """Two minutes later a pod that nobody deletes is told so; not one that is over, deleted, or ended by its node."""
    async with simulated_cluster(tmp_path, simulation={"termSeconds": 600}) as cluster:
        session, clock = cluster.session, cluster.plane.clock
        target = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "m"}

        def told(name: str) -> dict[str, Any]:
            conditions = session.client.live(key("pods", name)).body()["status"]["conditions"]
            return next(each for each in conditions if each["type"] == "DisruptionTarget")

        await create(session, *(pod(name) for name in ("lives", "ends", "over", "kubelet")))
        while any(each.projection.facts.phase != "Running" for each in pods(session)):
            await clock.sleep(0.1)
        for each in pods(session):
            reason = "TerminationByKubelet" if each.key.name == "kubelet" else target["reason"]
            mark = {**target, "reason": reason, "lastTransitionTime": rfc3339(clock.now())}
            await session.client.mutate(
                each.key,
                lambda body, mark=mark: body["status"].setdefault("conditions", []).append(mark),  # type: ignore[misc]
                subresource="status",
            )
        await session.client.mutate(
            key("pods", "over"), lambda body: body["status"].update(phase="Failed"), subresource="status"
        )
        await session.client.delete(key("pods", "ends"), grace_seconds=500)
        begun = clock.now()
        while told("lives")["status"] == "True" and clock.now() < begun + 200:
            await clock.sleep(0.5)
        assert 119 <= clock.now() - begun < 123
        assert {"reason", "message"}.isdisjoint(told("lives"))
        await clock.sleep(120)
        assert [told(name)["status"] for name in ("ends", "over", "kubelet")] == ["True"] * 3


async def test_a_replica_set_whose_deployment_is_gone(tmp_path: Path) -> None:
    """Until somebody ends it, it says itself how many pods are wanted."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        collector = cluster.system.find("/garbage-collector")
        assert collector is not None
        await cluster.system.stop(collector)
        template = deployment("web", 1)["spec"]["template"]
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "gone", "controller": True}
        spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
        metadata = {"name": "web", "ownerReferences": [owner]}
        left = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}
        await create(session, left, budget(maxUnavailable=1))
        assert (await until_allowed(session, 1))["expectedPods"] == 3
