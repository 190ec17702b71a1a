"""ReplicaSets whose pods are refused."""

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
