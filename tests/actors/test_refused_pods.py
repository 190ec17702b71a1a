"""ReplicaSets whose pods are refused, and Deployments whose ReplicaSets are."""

from __future__ import annotations

from tests.actors.conftest import OpenSimulated, deployment


async def test_refused_pods_are_tried_again_after_longer_and_longer(open_simulated: OpenSimulated) -> None:
    """After 1, 2, 4 … seconds, not at every look; and made at the next try once they are allowed."""
    async with open_simulated("a") as cluster:
        client, store = cluster.session.client, cluster.plane.store
        metadata = {"name": "compute", "namespace": "default"}
        quota = await client.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"cpu": "1"}}}
        )
        await client.create(deployment(replicas=1))
        await cluster.system.clock.sleep(20)
        told = [event.body() for event in store.list("events", "default")]
        refusals = [event for event in told if event["reason"] == "FailedCreate"]
        assert "must specify cpu for: c" in refusals[0]["message"]
        assert 2 <= sum(event["count"] for event in refusals) <= 5
        await client.delete(quota.key)
        await cluster.system.clock.sleep(30)
        assert len(store.list("pods", "default")) == 1
        assert not cluster.failures


async def test_the_longest_wait_is_five_minutes(open_simulated: OpenSimulated) -> None:
    """Half a day later it is still tried every five minutes."""
    async with open_simulated("a") as cluster:
        client, store = cluster.session.client, cluster.plane.store
        metadata = {"name": "compute", "namespace": "default"}
        quota = await client.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"cpu": "1"}}}
        )
        await client.create(deployment(replicas=1))
        await cluster.system.clock.sleep(12 * 3600)
        await client.delete(quota.key)
        await cluster.system.clock.sleep(301)
        assert len(store.list("pods", "default")) == 1
        assert not cluster.failures


async def test_fewer_pods_than_a_quota_allows(open_simulated: OpenSimulated) -> None:
    """The condition that tells of refused pods goes when no more are wanted than there are, and comes back at once."""
    async with open_simulated("a") as cluster:
        client, store, clock = cluster.session.client, cluster.plane.store, cluster.system.clock
        metadata = {"name": "two", "namespace": "default"}
        await client.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "2"}}}
        )
        await clock.sleep(2)
        controller = {
            "apiVersion": "v1",
            "kind": "ReplicationController",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"replicas": 3, "selector": {"app": "web"}, "template": deployment(replicas=1)["spec"]["template"]},
        }
        key = (await client.create(controller)).key

        async def failures_with(replicas: int) -> list[str]:
            await client.mutate(key, lambda body: body["spec"].__setitem__("replicas", replicas))
            await clock.sleep(2)
            revision = store.get(key)
            assert revision is not None
            return [condition["reason"] for condition in revision.body()["status"].get("conditions") or ()]

        assert await failures_with(3) == ["FailedCreate"]
        await clock.sleep(600)
        assert await failures_with(2) == []
        assert await failures_with(3) == ["FailedCreate"]
        assert not cluster.failures


async def test_a_refused_replica_set(open_simulated: OpenSimulated) -> None:
    """Condition and Event say why; nothing is said to have been scaled. It is made when it is allowed."""
    async with open_simulated("a") as cluster:
        client, store, clock = cluster.session.client, cluster.plane.store, cluster.system.clock
        metadata, hard = {"name": "none", "namespace": "default"}, {"count/replicasets.apps": "0"}
        quota = await client.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}
        )
        web = (await client.create(deployment(replicas=1))).key
        await clock.sleep(20)
        (condition,) = client.live(web).body()["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == (
            "Progressing",
            "False",
            "ReplicaSetCreateError",
        )
        assert condition["message"].startswith('Failed to create new replica set "web-')
        assert "is forbidden: exceeded quota: none, requested: count/replicasets.apps=1" in condition["message"]
        told = {event.body()["reason"]: event.body() for event in store.list("events", "default")}
        assert "ScalingReplicaSet" not in told
        assert told["ReplicaSetCreateError"]["type"] == "Warning"
        assert 2 <= told["ReplicaSetCreateError"]["count"] <= 5
        await client.delete(quota.key)
        await clock.sleep(30)
        assert len(store.list("pods", "default")) == 1
        reasons = {each["type"]: each["reason"] for each in client.live(web).body()["status"]["conditions"]}
        assert reasons["Progressing"] == "NewReplicaSetAvailable"
        assert not cluster.failures
