"""Get, describe, events, faults of nodes, and looking inside."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import attrs
import pytest
import trio

from kube_actors.errors import ApiError
from kube_actors.kernel import TraceKind, TraceRecord
from kube_actors.messages.node import FindSandbox
from kube_actors.node.runtime.base import (
    ContainerId,
    ContainerSpec,
    File,
    FoundContainer,
    FoundSandbox,
    Image,
    ImageKind,
    PodName,
)
from kube_actors.testing.kernel import Probe
from kube_actors.verbs.actors import actors, describe_actor
from kube_actors.verbs.describe import describe, process_ids
from kube_actors.verbs.drain import DrainRequest, check_plan, evict, plan_drain
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.events import list_events
from kube_actors.verbs.get import get, sorted_by, watch
from kube_actors.verbs.mark import Marks, mark, parse_marks
from kube_actors.verbs.node import cordon, fault_node
from kube_actors.verbs.selection import Scope, resource_of, select
from kube_actors.verbs.session import Session
from kube_actors.verbs.set_template import set_env, set_image
from kube_actors.verbs.stats import stats
from kube_actors.verbs.trace import Missed, message_text, trace

from .stage import create, deployment, key, pod, simulated_cluster, until_available, until_ready


def words(session: Session, line: str) -> list[tuple[str, tuple[str, ...] | None]]:
    """What a command line selects: (resource, names)."""
    return [(each.resource.id, each.names) for each in select(session.registry, line.split())]


async def test_ways_to_name_objects(tmp_path: Path) -> None:
    """Everything kubectl takes."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        web = ("deployments.apps", ("web",))
        assert words(session, "pods") == words(session, "po") == words(session, "Pod") == [("pods", None)]
        assert words(session, "deploy/web") == words(session, "deployment web") == [web]
        assert words(session, "deployments.apps/web pod/a") == [web, ("pods", ("a",))]
        assert words(session, "po,svc a b") == [("pods", ("a", "b")), ("services", ("a", "b"))]
        everything = {resource for resource, _ in words(session, "all")}
        assert {"pods", "services", "deployments.apps", "replicasets.apps"} <= everything
        assert "configmaps" not in everything


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "you must specify the type of resource"),
        ("podz", "the server doesn't have a resource type \"podz\" (did you mean 'pods'?)"),
        ("pods deploy/web", "there is no need to specify a resource type as a separate argument"),
        ("pod/", "arguments in resource/name form must have a single resource and name"),
        ("pod/a/b", "arguments in resource/name form must have a single resource and name"),
    ],
)
async def test_misnamed_objects(tmp_path: Path, line: str, message: str) -> None:
    """kubectl's words, and what was probably meant."""
    async with simulated_cluster(tmp_path) as cluster:
        with pytest.raises(UsageError) as raised:
            select(cluster.session.registry, line.split())
        assert message in str(raised.value)


async def test_get_by_everything(tmp_path: Path) -> None:
    """Names, labels, fields, namespaces; in one go, with what is missing."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("a", labels={"tier": "front"}), pod("b"), pod("c"))
        await until_ready(session, "c")
        pods = select(session.registry, ["pods"])

        async def names(scope: Scope, line: str = "pods") -> list[str]:
            found = await get(session, select(session.registry, line.split()), scope)
            return [revision.key.name for each in found for revision in each.revisions]

        assert await names(Scope()) == ["a", "b", "c"]
        assert await names(Scope(labels="tier=front")) == ["a"]
        assert await names(Scope(labels="!tier")) == ["b", "c"]
        assert await names(Scope(fields="metadata.name!=b")) == ["a", "c"]
        node = cluster.plane.store.get(key("pods", "a"))
        assert node is not None
        assert "a" in await names(Scope(fields=f"spec.nodeName={node.projection.facts.node}"))
        assert await names(Scope(all_namespaces=True)) == ["a", "b", "c"]
        [found] = await get(session, select(session.registry, ["pod", "a", "x"]))
        assert [revision.key.name for revision in found.revisions] == ["a"]
        assert [str(error) for error in found.missing] == ['pods "x" not found']
        with pytest.raises(UsageError, match="field label not supported: spec"):
            await names(Scope(fields="spec.nope=1"))
        with pytest.raises(UsageError, match="name cannot be provided when a selector"):
            await names(Scope(labels="a=b"), "pod a")
        with pytest.raises(UsageError, match="by name across all namespaces"):
            await names(Scope(all_namespaces=True), "pod a")
        assert (await get(session.in_namespace("kube-system"), pods))[0].revisions == ()


async def test_order(tmp_path: Path) -> None:
    """By a field: numbers as numbers, absent ones first; by a field nobody has: an error."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, deployment("a", 10), deployment("b", 9), deployment("c", 0))
        found = cluster.plane.store.list("deployments.apps")
        by_size = await sorted_by(found, ".spec.replicas")
        assert [each.key.name for each in by_size] == ["c", "b", "a"]
        with pytest.raises(UsageError, match="couldn't find any field"):
            await sorted_by(found, ".spec.nope")


async def test_watch(tmp_path: Path) -> None:
    """Only what was asked for, from the revision on that was seen."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        [selection] = select(session.registry, ["configmap", "one"])
        since = cluster.plane.store.head
        for name in ("one", "two"):
            await create(session, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
        await session.client.delete(key("configmaps", "one"))
        seen = []
        async with aclosing(watch(session, selection, since=since)) as events:
            async for event in events:
                assert event.revision is not None
                seen.append((event.type, event.revision.key.name))
                if len(seen) == 2:
                    break
        assert seen == [("ADDED", "one"), ("DELETED", "one")]


async def test_describe_tells_events_and_processes(tmp_path: Path) -> None:
    """The process id comes from the node; a node that does not answer leaves the rest as it is."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("web"))
        web = await until_ready(session, "web")
        node = Probe(cluster.system, "node")
        cluster.plane.directory.nodes[web.projection.facts.node] = node.ref

        async def answer() -> None:
            ask = await node.expect(FindSandbox)
            running = FoundContainer(ContainerId(web.uid, "main", 0), "process://x", 4711, 0.0, "app:1")
            node.answer(ask, FoundSandbox(PodName(web.uid, "default", "web"), None, (running,)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            assert await process_ids(session, web) == {"main": 4711}
        del cluster.plane.directory.nodes[web.projection.facts.node]
        await session.plane.clock.sleep(2)
        text = await describe(session, resource_of(session.registry, "pod"), web)
        assert "PID:" not in text
        assert "Successfully assigned default/web to " in text
        assert "  Normal  Started " in text


async def test_descriptions_of_every_kind_that_runs(tmp_path: Path) -> None:
    """Nothing in a running cluster is without a description."""
    async with simulated_cluster(tmp_path) as cluster:
        session, store = cluster.session, cluster.plane.store
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
        service["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        await create(session, deployment("web"), service)
        await until_available(session, "web")
        await session.plane.clock.sleep(2)
        texts = {}
        for resource in store.resources():
            for revision in store.list(resource):
                text = await describe(session, session.registry.by_id(resource), revision)
                assert text.startswith("Name:")
                assert revision.key.name in text.splitlines()[0]
                texts[resource] = text
        assert (
            "Replicas:               2 desired | 2 updated | 2 total | 2 available | 0 unavailable"
            in (texts["deployments.apps"])
        )
        assert "2 Running / 0 Waiting / 0 Succeeded / 0 Failed" in texts["replicasets.apps"]
        assert texts["services"].count(":80") >= 2
        assert "Non-terminated Pods:" in texts["nodes"]


async def test_events_in_order(tmp_path: Path) -> None:
    """Oldest first."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("web"))
        await until_ready(session, "web")
        await session.plane.clock.sleep(2)
        events = [each.body() for each in await list_events(session, "default")]
        about = [each["reason"] for each in events if each["involvedObject"]["name"] == "web"]
        assert about.index("Scheduled") < about.index("Started")


async def test_faults_of_nodes(tmp_path: Path) -> None:
    """Stopped, its pods are replaced elsewhere; started again, it is ready again."""
    async with simulated_cluster(tmp_path) as cluster:
        session, store = cluster.session, cluster.plane.store
        await create(session, deployment("web", 2))
        await until_available(session, "web")

        def ready(name: str) -> bool:
            node = store.get(key("nodes", name, ""))
            return node is not None and node.projection.facts.ready

        await fault_node(session, "node-1", "stop")
        while ready("node-1"):
            await session.plane.clock.sleep(1)
        while sum(each.projection.facts.ready for each in store.on_node("node-2")) < 2:
            await session.plane.clock.sleep(1)
        await fault_node(session, "node-1", "start")
        while not ready("node-1"):
            await session.plane.clock.sleep(1)
        with pytest.raises(ApiError, match='nodes "node-9" not found'):
            await fault_node(session, "node-9", "partition")


async def test_cordon(tmp_path: Path) -> None:
    """Twice is told; new pods go elsewhere."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        assert (await cordon(session, "node-1")).changed
        assert not (await cordon(session, "node-1")).changed
        await create(session, deployment("web", 4))
        await until_available(session, "web")
        assert {each.projection.facts.node for each in cluster.plane.store.list("pods")} == {"node-2"}
        assert (await cordon(session, "node-1", unschedulable=False)).changed


async def test_drain(tmp_path: Path) -> None:
    """Refused for pods that nothing would replace or whose data would go; else every pod ends in order."""
    async with simulated_cluster(tmp_path, nodes=1, simulation={"termSeconds": 3}) as cluster:
        session, store = cluster.session, cluster.plane.store
        data = pod("data")
        data["spec"]["volumes"] = [{"name": "scratch", "emptyDir": {}}]
        await create(session, deployment("web", 2), data)
        await until_available(session, "web")
        await until_ready(session, "data")
        plan = plan_drain(store.on_node("node-1"), DrainRequest())
        assert plan.problems == (
            "cannot delete Pods that declare no controller (use --force to override): default/data",
            "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/data",
        )
        with pytest.raises(VerbError, match="unable to drain node 'node-1'"):
            check_plan("node-1", plan)
        request = DrainRequest(force=True, delete_emptydir_data=True)
        plan = plan_drain(store.on_node("node-1"), request)
        assert plan.problems == ()
        assert plan.warnings == ("deleting Pods that declare no controller: default/data",)
        assert len(plan.pods) == 3
        await cordon(session, "node-1")
        begun = session.now
        with pytest.raises(VerbError, match="global timeout reached: 1s"):
            async with aclosing(evict(session, plan.pods, attrs.evolve(request, within=1.0))) as evictions:
                assert [each async for each in evictions]
        async with aclosing(evict(session, plan.pods, request)) as evictions:
            assert {each.pod.key.name for each in [e async for e in evictions]} == {each.key.name for each in plan.pods}
        assert session.now - begun == pytest.approx(3, abs=1)
        assert not store.on_node("node-1")


async def test_actors(tmp_path: Path) -> None:
    """The tree below a path, and what one says of itself; a path that is not there gets a suggestion."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        assert {each.path for each in await actors(session, "nodes")} == {"/nodes", "/nodes/node-1", "/nodes/node-2"}
        assert dict((await describe_actor(session, "/nodes/node-1")).facts)["link"] == "connected"
        with pytest.raises(VerbError, match=r'did you mean "/nodes/node-[12]"'):
            await actors(session, "/nodes/node-9")
        for status in await actors(session):
            assert (await describe_actor(session, status.path)).facts


async def test_trace(tmp_path: Path) -> None:
    """What is said to and by one actor, until enough was said or the time is over."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        begun = session.now

        async def follow(path: str, **limits: float) -> list[TraceRecord | Missed]:
            async with aclosing(trace(session, path, **limits)) as records:  # type: ignore[arg-type]
                return [record async for record in records]

        assert await follow("/deployments", seconds=5) == []
        assert session.now - begun == pytest.approx(5, abs=0.1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(create, session, deployment("web"))
            records = await follow("/deployments", limit=2)
        assert len(records) == 2
        assert all(isinstance(each, TraceRecord) and "/deployments" in each.receiver + each.sender for each in records)


def test_traces_keep_secrets() -> None:
    """Environments and files are no part of what a trace shows."""
    image = Image("app", ImageKind.HOST)
    spec = ContainerSpec(ContainerId("u", "c", 0), image, ("run",), "/log", env=(("PASSWORD", "hunter2"),))
    text = message_text(TraceRecord(0.0, "/a", "/b", TraceKind.TELL, spec))
    assert "run" in text
    assert "hunter2" not in text
    assert b"hunter2".decode() not in repr(File("key", b"hunter2"))
    long = message_text(TraceRecord(0.0, "/a", "/b", TraceKind.TELL, "x" * 10_000))
    assert len(long) < 3000


async def test_marks(tmp_path: Path) -> None:
    """Set, kept from being overwritten, overwritten on request, removed; nothing to do is no write."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("web"))
        web = key("pods", "web")
        revision, changed = await mark(session, web, "labels", parse_marks(["tier=front"], "labels"))
        assert changed
        assert revision.projection.labels["tier"] == "front"
        with pytest.raises(VerbError, match="'tier' already has a value"):
            await mark(session, web, "labels", Marks({"tier": "back"}))
        revision, _ = await mark(session, web, "labels", Marks({"tier": "back"}), overwrite=True)
        assert revision.projection.labels["tier"] == "back"
        _, changed = await mark(session, web, "labels", Marks({"tier": "back"}))
        assert not changed
        revision, _ = await mark(session, web, "labels", parse_marks(["tier-"], "labels"))
        assert "tier" not in revision.projection.labels
    for wrong in (["tier"], [], ["a=b", "a-"]):
        with pytest.raises(UsageError):
            parse_marks(wrong, "labels")


async def test_set(tmp_path: Path) -> None:
    """An image of one container, a variable of all; a container that is not there is told."""
    async with simulated_cluster(tmp_path) as cluster:
        session, web = cluster.session, key("deployments.apps", "web")
        await create(session, deployment("web"))
        await set_image(session, web, {"main": "app:2"})
        await set_env(session, web, {"A": "1", "B": "2"})
        revision = await set_env(session, web, {"A": "3"}, removed=["B"])
        [container] = revision.body()["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "app:2"
        assert container["env"] == [{"name": "A", "value": "3"}]
        with pytest.raises(VerbError, match='unable to find container named "nope"'):
            await set_image(session, web, {"nope": "x"})


async def test_stats(tmp_path: Path) -> None:
    """Figures that agree with what is there."""
    async with simulated_cluster(tmp_path) as cluster:
        found = await stats(cluster.session)
        assert found.objects["nodes"] == 2
        assert found.clock == "virtual"
        assert found.head >= found.durable > 0
        assert found.actors["running"] == len(cluster.system.actors())
        assert found.resident is None or found.resident > 1 << 20
