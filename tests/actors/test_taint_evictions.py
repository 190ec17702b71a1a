"""Pods under NoExecute taints that people put on nodes: such a taint has no time."""

from __future__ import annotations

from typing import Any

from kube_actors.store import Key

from .conftest import OpenSimulated

NODE = Key("nodes", "", "a")


def pod(name: str, seconds: int | None) -> dict[str, Any]:
    """A pod that tolerates the taint `out` for so long."""
    toleration: dict[str, Any] = {"key": "out", "operator": "Exists", "effect": "NoExecute"}
    if seconds is not None:
        toleration["tolerationSeconds"] = seconds
    spec = {"containers": [{"name": "c", "image": "app:1"}], "tolerations": [toleration]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


async def test_pods_stay_for_as_long_as_they_tolerate_the_taint(open_simulated: OpenSimulated) -> None:
    """Counted from when pod and taint met; who came later has its own time, and a taint that goes spares the rest."""
    async with open_simulated("a") as cluster:
        client, store, clock = cluster.session.client, cluster.plane.store, cluster.system.clock

        async def taint(*taints: dict[str, str]) -> None:
            await client.mutate(NODE, lambda body: body["spec"].__setitem__("taints", list(taints)))

        def names() -> set[str]:
            return {one.key.name for one in store.list("pods", "default")}

        for name, seconds in (("short", 60), ("long", 600), ("ever", None)):
            await client.create(pod(name, seconds))
        await clock.sleep(30)
        await taint({"key": "out", "effect": "NoExecute"})
        await clock.sleep(50)
        await client.create(pod("late", 60))
        assert names() == {"short", "long", "ever", "late"}
        await clock.sleep(50)
        assert names() == {"long", "ever", "late"}
        await clock.sleep(50)
        assert names() == {"long", "ever"}
        await taint()
        await clock.sleep(1200)
        assert names() == {"long", "ever"}
        told = [event.body() for event in store.list("events", "default")]
        said = {event["message"] for event in told if event["reason"] == "TaintManagerEviction"}
        assert said == {
            "Marking for deletion Pod default/short",
            "Marking for deletion Pod default/late",
            "Cancelling deletion of Pod default/long",
        }
        await taint({"key": "other", "effect": "NoExecute"})
        await clock.sleep(60)
        assert not names()
        assert not cluster.failures
