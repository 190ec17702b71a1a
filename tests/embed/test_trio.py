"""A cluster in a trio program, in virtual time: every verb, every error, every way to end."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

import kube_actors
from kube_actors import ApiError, Cluster, InputError, UsageError, VerbError, WaitTimeout
from kube_actors.testing.builders import config_map, deployment, pod, service


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Two simulated nodes in virtual time."""
    async with kube_actors.open_cluster(virtual=True, nodes=2) as cluster:
        yield cluster


async def test_what_is_applied_runs(cluster: Cluster) -> None:
    """Apply, wait, get: the objects answer as Kubernetes has them."""
    applied = await cluster.apply([deployment("web", replicas=3), service("web")])
    assert [(each.name, each.outcome) for each in applied] == [
        ("deployment.apps/web", "created"),
        ("service/web", "created"),
    ]
    await cluster.wait("deployment/web", "Available", timeout=60)
    web = await cluster.get("deployments", "web")
    assert web["status"]["availableReplicas"] == 3
    pods = await cluster.get("pods", labels="app=web")
    assert sorted({each["spec"]["nodeName"] for each in pods}) == ["node-1", "node-2"]
    assert await cluster.get("pods", fields="status.phase=Pending") == []
    assert [each["metadata"]["name"] for each in await cluster.get("nodes")] == ["node-1", "node-2"]
    assert [each.outcome for each in await cluster.apply([deployment("web", replicas=3)])] == ["unchanged"]


async def test_objects_are_found_by_every_name_kubectl_knows(cluster: Cluster) -> None:
    """Plural, kind, short name; beside the name or with a slash."""
    await cluster.apply(deployment("web", replicas=0))
    for resource in ("deployments", "deployment", "deploy", "Deployment", "deployments.apps"):
        assert (await cluster.get(resource, "web"))["metadata"]["name"] == "web"
    assert (await cluster.get("deploy/web"))["metadata"]["name"] == "web"


async def test_an_answer_is_the_callers_own(cluster: Cluster) -> None:
    """Changing it changes nothing else."""
    await cluster.apply(config_map("settings", colour="blue"))
    (await cluster.get("cm", "settings"))["data"]["colour"] = "red"
    assert (await cluster.get("cm", "settings"))["data"] == {"colour": "blue"}


async def test_namespaces_are_apart(cluster: Cluster) -> None:
    """The one that is named, the default one, or all."""
    shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    await cluster.apply([shop])
    await cluster.apply(config_map("settings"), namespace="shop")
    assert (await cluster.get("cm", "settings", namespace="shop"))["metadata"]["namespace"] == "shop"
    assert "settings" not in [each["metadata"]["name"] for each in await cluster.get("cm")]
    assert "settings" in [each["metadata"]["name"] for each in await cluster.get("cm", namespace="*")]
    with pytest.raises(ApiError, match='configmaps "settings" not found'):
        await cluster.get("cm", "settings")


async def test_refusals_come_as_the_api_says_them(cluster: Cluster) -> None:
    """Status codes and Kubernetes' words; nothing wrapped in anything."""
    with pytest.raises(ApiError) as missing:
        await cluster.get("pods", "nobody")
    assert (missing.value.code, missing.value.reason) == (404, "NotFound")
    with pytest.raises(UsageError, match="did you mean 'pods'"):
        await cluster.get("podz")
    with pytest.raises(InputError, match="Required value"):
        await cluster.apply(pod("web", containers=[{"name": "web"}]))
    with pytest.raises(InputError, match='namespaces "nowhere" not found'):
        await cluster.apply(pod("web"), namespace="nowhere")
    with pytest.raises(UsageError, match="write pods/NAME, or labels"):
        await cluster.delete("pods")
    await cluster.apply(pod("web", nodeSelector={"no": "such"}))
    with pytest.raises(ApiError, match="does not have a host assigned"):
        await cluster.exec("web", ["true"])
    with pytest.raises(ApiError, match='nodes "node-9" not found'):
        await cluster.node("node-9").stop()
    with pytest.raises(ApiError, match='services "web" not found'):
        await cluster.url("web")


async def test_a_dry_run_changes_nothing(cluster: Cluster) -> None:
    """It says what would happen."""
    assert [each.outcome for each in await cluster.apply(pod("web"), dry_run=True)] == ["created"]
    assert await cluster.get("pods") == []


async def test_fields_of_others_are_taken_over_unless_refused(cluster: Cluster) -> None:
    """With a warning that says from whom."""
    await cluster.apply(deployment("web"))
    await cluster.scale("deployment/web", 2)
    with pytest.raises(InputError, match=r"conflict with .*\.spec\.replicas"):
        await cluster.apply(deployment("web"), conflicts="refuse")
    (taken,) = await cluster.apply(deployment("web"))
    assert "taken over: .spec.replicas" in " ".join(taken.warnings)
    assert taken.object["spec"]["replicas"] == 1


async def test_a_changed_cluster_document_changes_the_nodes(cluster: Cluster) -> None:
    """Nodes come and go."""
    node = {"name": "big", "runtime": "simulated", "labels": {"disk": "ssd"}}
    changed: dict[str, Any] = {
        "apiVersion": "kube-actors.dev/v1alpha1",
        "kind": "Cluster",
        "spec": {"nodes": [{"name": "node-1", "runtime": "simulated"}, node]},
    }
    await cluster.apply(changed)
    await cluster.wait("node/big", "Ready", timeout=60)
    assert (await cluster.get("nodes", "big"))["metadata"]["labels"]["disk"] == "ssd"
    assert [each["metadata"]["name"] for each in await cluster.get("nodes")] == ["big", "node-1"]
    assert [node.name for node in cluster.config.nodes] == ["node-1", "big"]
    del node["labels"]
    await cluster.apply(changed)
    await cluster.wait("node/big", lambda big: "disk" not in big["metadata"]["labels"], timeout=60)
    changed["spec"]["nodes"].pop()
    await cluster.apply(changed)
    assert [each["metadata"]["name"] for each in await cluster.get("nodes")] == ["node-1"]


async def test_a_refused_file_changes_nothing(cluster: Cluster) -> None:
    """A manifest that is wrong keeps the Cluster document beside it from being applied, and both are told."""
    document: dict[str, Any] = {
        "apiVersion": "kube-actors.dev/v1alpha1",
        "kind": "Cluster",
        "spec": {"nodes": [{"name": "other", "runtime": "simulated"}], "tier": "C"},
    }
    await cluster.apply(deployment("web"))
    changed = deployment("web")
    changed["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    changed["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    with pytest.raises(InputError) as refused:
        await cluster.apply([document, changed])
    assert [each.path for each in refused.value.problems] == ["$.spec.tier", "$.spec.selector"]
    del document["spec"]["tier"]
    with pytest.raises(InputError, match="field is immutable"):
        await cluster.apply([document, changed])
    assert "other" not in [each["metadata"]["name"] for each in await cluster.get("nodes")]


async def test_images_can_be_added(cluster: Cluster) -> None:
    """A node that is there already finds an image that cluster.yaml names only now."""
    bare = pod("one")
    bare["spec"] = {"containers": [{"name": "main", "image": "host"}]}
    await cluster.apply(bare)
    await cluster.wait("pod/one", lambda one: "no command" in str(one["status"]), timeout=60)
    nodes = [{"name": name, "runtime": "simulated"} for name in ("node-1", "node-2")]
    spec = {"nodes": nodes, "hostImage": False}
    await cluster.apply({"apiVersion": "kube-actors.dev/v1alpha1", "kind": "Cluster", "spec": spec})
    await cluster.wait("pod/one", "Ready", timeout=120)


async def test_waiting_for_conditions_values_functions_and_ends(cluster: Cluster) -> None:
    """All the ways of kubectl wait, and a function."""
    await cluster.apply([deployment("web", replicas=2), pod("one")])
    await cluster.wait("pod/one", "condition=Ready=true", timeout=60)
    await cluster.wait("pod/one", "jsonpath={.status.phase}=Running", timeout=60)
    await cluster.wait("deployment/web", lambda web: web["status"].get("readyReplicas") == 2, timeout=60)
    await cluster.wait("pods", "Ready", labels="app=web", timeout=60)
    await cluster.delete("pod/one")
    await cluster.wait("pod/one", "delete", timeout=60)
    with pytest.raises(ApiError, match='pods "one" not found'):
        await cluster.wait("pod/one", "Ready")
    with pytest.raises(ApiError, match="not found"):
        await cluster.wait("pods", "Ready", labels="app=nothing")


async def test_a_wait_that_is_too_long_says_how_things_stand(cluster: Cluster) -> None:
    """It is a TimeoutError, measured in cluster time."""
    await cluster.apply(pod("web", nodeSelector={"disk": "ssd"}))
    before = await cluster.clock.now()
    with pytest.raises(WaitTimeout) as late:
        await cluster.wait("pod/web", "Ready", timeout=30)
    assert isinstance(late.value, TimeoutError)
    assert str(late.value) == (
        "timed out after 30 s waiting for Ready: pods/web (Pending; PodScheduled=False Unschedulable: "
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. "
        "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.)"
    )
    assert await cluster.clock.now() == before + 30


async def test_looking_once_is_a_timeout_of_zero(cluster: Cluster) -> None:
    """What is so is so; what is not is not waited for."""
    await cluster.apply(pod("web", nodeSelector={"disk": "ssd"}))
    with pytest.raises(WaitTimeout):
        await cluster.wait("pod/web", "Ready", timeout=0)
    await cluster.wait("node/node-1", "Ready", timeout=0)


async def test_while_time_is_paused_a_wait_does_not_hang(cluster: Cluster, autojump_clock: Any) -> None:
    """Its seconds are the machine's then, and the message says why nothing happened."""
    await cluster.clock.pause()
    await cluster.apply(pod("web", nodeSelector={"disk": "ssd"}))
    with pytest.raises(WaitTimeout, match="cluster time is paused"):
        await cluster.wait("pod/web", "Ready", timeout=5)


async def test_watching_tells_what_is_there_and_what_happens(cluster: Cluster) -> None:
    """ADDED first, then every change in order, until it is closed."""
    await cluster.apply(config_map("first"))
    events = cluster.watch("configmaps", fields="metadata.name!=kube-root-ca.crt")
    async with events:
        assert _told(await anext(events)) == ("ADDED", "first")
        await cluster.apply(config_map("second"))
        await cluster.patch("cm/second", {"data": {"colour": "blue"}})
        await cluster.delete("cm/first")
        assert [_told(await anext(events)) for _ in range(3)] == [
            ("ADDED", "second"),
            ("MODIFIED", "second"),
            ("DELETED", "first"),
        ]
    assert [event async for event in events] == []


def _told(event: kube_actors.WatchEvent) -> tuple[str, str]:
    return event.type, event.object["metadata"]["name"]


async def test_a_watch_can_end_by_itself(cluster: Cluster) -> None:
    """After so much cluster time."""
    before = await cluster.clock.now()
    events = [event async for event in cluster.watch("nodes", "node-1", timeout=3600)]
    assert events[0].type == "ADDED"
    assert {event.type for event in events[1:]} == {"MODIFIED"}
    assert await cluster.clock.now() == before + 3600


async def test_a_cancelled_look_at_a_watch_loses_nothing(cluster: Cluster) -> None:
    """The next look goes on where it was."""
    events = cluster.watch("configmaps", "late")
    with cluster_limit(0.01):
        await anext(events)
    await cluster.apply(config_map("late"))
    assert _told(await anext(events)) == ("ADDED", "late")


def cluster_limit(seconds: float) -> trio.CancelScope:
    """A limit in machine time."""
    return trio.move_on_after(seconds)


async def test_a_slow_reader_makes_its_watch_wait(cluster: Cluster) -> None:
    """What is ahead of it is bounded; what comes later comes all the same."""
    await cluster.apply([config_map("busy"), deployment("web", replicas=0)])
    events = cluster.watch("configmaps", "busy")
    for number in range(600):
        await cluster.patch("cm/busy", {"data": {"number": str(number)}}, kind="merge")
    seen = [await anext(events) for _ in range(601)]
    assert [each.object["data"]["number"] for each in seen[1:]] == [str(number) for number in range(600)]


async def test_deleting_takes_what_is_owned_and_answers_what_was_there(cluster: Cluster) -> None:
    """By name or by labels; nothing that matches is nothing to delete."""
    await cluster.apply([deployment("web", replicas=2), config_map("a"), config_map("b")])
    await cluster.wait("deployment/web", "Available", timeout=60)
    (gone,) = await cluster.delete("deployment/web")
    assert gone["metadata"]["name"] == "web"
    await cluster.wait("deployment/web", "delete", timeout=60)
    await cluster.clock.advance(60)
    assert await cluster.get("pods") == []
    assert await cluster.get("rs") == []
    await cluster.patch("cm/a", {"metadata": {"labels": {"app": "x"}}})
    assert [each["metadata"]["name"] for each in await cluster.delete("cm", labels="app=x")] == ["a"]
    assert await cluster.delete("cm", labels="app=x") == ()


async def test_scaling_and_rolling(cluster: Cluster) -> None:
    """A rollout is followed, listed, undone, held and let go."""
    await cluster.apply(deployment("web", replicas=2, image="app:1"))
    rollout = cluster.rollout("deployment/web")
    assert await rollout.status(timeout=60) == 'deployment "web" successfully rolled out'
    assert (await cluster.scale("deployment/web", 3))["spec"]["replicas"] == 3
    await cluster.apply(deployment("web", replicas=3, image="app:2"))
    await rollout.status(timeout=60)
    assert [each.revision for each in await rollout.history()] == [1, 2]
    assert (await rollout.undo())["spec"]["template"]["spec"]["containers"][0]["image"] == "app:1"
    await rollout.status(timeout=60)
    await rollout.pause()
    with pytest.raises(VerbError, match="already paused"):
        await rollout.pause()
    assert "paused" not in (await rollout.resume())["spec"]
    await rollout.restart()
    await rollout.status(timeout=60)
    images = {each["spec"]["containers"][0]["image"] for each in await cluster.get("pods")}
    assert images == {"app:1"}


async def test_a_rollout_that_never_comes_up_times_out(cluster: Cluster) -> None:
    """With the sentence it has got to."""
    slow = deployment("web", replicas=2, annotations={"simulation.kube-actors.dev/ready-seconds": "3600"})
    slow["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 80}}
    await cluster.apply(slow)
    with pytest.raises(WaitTimeout, match=r"after 10 s: Waiting for deployment \"web\" rollout to finish: 0 of 2"):
        await cluster.rollout("deployment/web").status(timeout=10)


async def test_commands_run_in_containers(cluster: Cluster) -> None:
    """With input, output and an exit code."""
    await cluster.apply(deployment("web"))
    await cluster.wait("deployment/web", "Available", timeout=60)
    result = await cluster.exec("deployment/web", ["echo", "hello"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello\n", "")
    assert result.stdout_bytes == b"hello\n"
    assert (await cluster.exec("deployment/web", ["cat"], stdin="some text")).stdout == "some text"


async def test_a_killed_container_is_restarted(cluster: Cluster) -> None:
    """As if it had crashed."""
    await cluster.apply(pod("web"))
    await cluster.wait("pod/web", "Ready", timeout=60)
    await cluster.kill("web")
    await cluster.wait("pod/web", lambda web: web["status"]["containerStatuses"][0]["restartCount"] == 1, timeout=60)


async def test_nodes_fail_and_come_back(cluster: Cluster) -> None:
    """A stopped node's pods are replaced; a cordoned one gets none; a drained one has none."""
    await cluster.apply(deployment("web", replicas=4))
    await cluster.wait("deployment/web", "Available", timeout=60)
    await cluster.node("node-1").stop()
    await cluster.wait("node/node-1", "Ready=Unknown", timeout=60)
    await cluster.clock.advance(400)
    await cluster.wait("deployment/web", lambda web: web["status"].get("availableReplicas") == 4, timeout=600)
    assert {each["spec"]["nodeName"] for each in await _alive(cluster)} == {"node-2"}
    await cluster.node("node-1").start()
    await cluster.wait("node/node-1", "Ready", timeout=60)
    await cluster.node("node-2").drain(timeout=600)
    assert (await cluster.get("nodes", "node-2"))["spec"]["unschedulable"] is True
    await cluster.clock.advance(60)
    await cluster.wait("deployment/web", lambda web: web["status"].get("availableReplicas") == 4, timeout=600)
    assert {each["spec"]["nodeName"] for each in await _alive(cluster)} == {"node-1"}
    await cluster.node("node-2").uncordon()
    assert "unschedulable" not in (await cluster.get("nodes", "node-2"))["spec"]


async def _alive(cluster: Cluster) -> list[dict[str, Any]]:
    return [each for each in await cluster.get("pods") if "deletionTimestamp" not in each["metadata"]]


async def test_time_passes_only_while_somebody_waits(cluster: Cluster) -> None:
    """Not while the program works, or waits for something of its own."""
    start = await cluster.clock.now()
    await trio.sleep(0.05)
    assert await cluster.clock.now() == start
    await cluster.clock.sleep(90)
    assert await cluster.clock.now() == start + 90
    await cluster.clock.advance(3600)
    assert await cluster.clock.now() == start + 3690
    with pytest.raises(ValueError, match="finite span"):
        await cluster.clock.advance(-1)
    with pytest.raises(ValueError, match="finite span"):
        await cluster.clock.advance(math.inf)


async def test_paused_time_advances_and_stays_paused(cluster: Cluster) -> None:
    """Until it is let go."""
    await cluster.clock.pause()
    start = await cluster.clock.now()
    await cluster.clock.advance(10)
    with trio.move_on_after(0.05) as limit:
        await cluster.clock.sleep(1)
    assert limit.cancelled_caught
    assert await cluster.clock.now() == start + 10
    await cluster.clock.resume()
    await cluster.clock.sleep(1)
    assert await cluster.clock.now() == start + 11
