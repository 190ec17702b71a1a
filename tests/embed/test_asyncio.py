"""A cluster in an asyncio program: in a thread of its own, and as a guest of the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from kube_actors import ApiError, ClusterStopped, InputError, UsageError, WaitTimeout, aio
from kube_actors.testing.builders import config_map, deployment, pod

Opener = Callable[..., AbstractAsyncContextManager[aio.Cluster]]


@pytest.fixture(params=["thread", "guest"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """Opens virtual clusters, either way."""

    def open_virtual(source: Any = None, **wishes: Any) -> AbstractAsyncContextManager[aio.Cluster]:
        return aio.open_cluster(source, virtual=True, guest=request.param == "guest", **wishes)

    return open_virtual


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run it in a loop, and see that no thread of a cluster is left."""

    async def within_limits() -> None:
        async with asyncio.timeout(60):
            await main()

    asyncio.run(within_limits())
    assert [each.name for each in threading.enumerate() if each.name.startswith("kube-actors")] == []


def test_the_same_verbs_are_awaited(opener: Opener) -> None:
    """One after the other, and side by side."""

    async def main() -> None:
        async with opener(deployment("web", replicas=3), nodes=2) as cluster:
            await cluster.wait("deployment/web", "Available", timeout=60)
            pods = await cluster.get("pods", labels="app=web")
            results = await asyncio.gather(
                *(cluster.exec(each["metadata"]["name"], ["echo", each["metadata"]["name"]]) for each in pods)
            )
            assert [each.stdout.strip() for each in results] == [each["metadata"]["name"] for each in pods]
            assert await cluster.rollout("deployment/web").status(timeout=60) == (
                'deployment "web" successfully rolled out'
            )
            await cluster.scale("deployment/web", 1)
            await cluster.node("node-2").drain(timeout=600)
            await cluster.clock.advance(60)
            (left,) = [each for each in await cluster.get("pods") if "deletionTimestamp" not in each["metadata"]]
            assert left["spec"]["nodeName"] == "node-1"
            await cluster.delete("deployment/web", propagation="Foreground")
            await cluster.wait("deployment/web", "delete", timeout=60)
            assert cluster.name == "default"
            assert len(cluster.config.nodes) == 2

    run(main)


def test_errors_are_the_same(opener: Opener) -> None:
    """Of the API, of the input, of a wait, of the block itself."""

    class Mishap(Exception):
        pass

    async def main() -> None:
        async with opener() as cluster:
            with pytest.raises(ApiError, match="not found"):
                await cluster.get("pods", "nobody")
            with pytest.raises(InputError, match="Required value"):
                await cluster.apply(pod("web", containers=[{"name": "web"}]))
            with pytest.raises(WaitTimeout):
                await cluster.wait("node/node-1", "Foo", timeout=5)
            with pytest.raises(UsageError, match="did you mean"):
                await anext(cluster.watch("podz"))
        with pytest.raises(ClusterStopped):
            await cluster.get("pods")
        with pytest.raises(InputError, match="unknown field"):
            async with opener({"apiVersion": "kube-actors.dev/v1alpha1", "kind": "Cluster", "spec": {"nodez": []}}):
                raise AssertionError("it must not start")
        with pytest.raises(Mishap):
            async with opener():
                raise Mishap

    run(main)


def test_watching(opener: Opener) -> None:
    """In order, in time, and closed when wanted."""

    async def main() -> None:
        async with opener(config_map("first"), nodes=0) as cluster:
            async with cluster.watch("configmaps", fields="metadata.name!=kube-root-ca.crt") as events:
                assert (await anext(events)).object["metadata"]["name"] == "first"
                await cluster.apply(config_map("second"))
                assert (await anext(events)).object["metadata"]["name"] == "second"
            assert [each async for each in events] == []
            assert [each.type async for each in cluster.watch("cm", "first", timeout=5)] == ["ADDED"]

    run(main)


def test_a_cancelled_look_at_a_watch_loses_nothing(opener: Opener) -> None:
    """However often a task gives up waiting for the next event."""

    async def main() -> None:
        async with opener(nodes=0) as cluster:
            events = cluster.watch("configmaps", "busy")
            writer = asyncio.create_task(_write(cluster, 200))
            numbers: list[str] = []
            while len(numbers) < 200:
                try:
                    async with asyncio.timeout(0.0005):
                        numbers.append((await anext(events)).object["data"]["number"])
                except TimeoutError:
                    continue
            await writer
            assert numbers == [str(number) for number in range(200)]

    run(main)


async def _write(cluster: aio.Cluster, count: int) -> None:
    await cluster.apply(config_map("busy", number="0"))
    for number in range(1, count):
        await cluster.patch("cm/busy", {"data": {"number": str(number)}}, kind="merge")


def test_cancelling_a_task_cancels_its_call(opener: Opener) -> None:
    """And only that: the cluster goes on."""

    async def main() -> None:
        async with opener() as cluster:
            await cluster.clock.pause()
            task = asyncio.create_task(cluster.wait("node/node-1", "Foo", timeout=None))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(cluster.clock.sleep(5), 0.05)
            await cluster.clock.resume()
            assert len(await cluster.get("nodes")) == 1

    run(main)


def test_a_cancelled_block_ends_at_once_with_nothing_left(opener: Opener) -> None:
    """Also when it is cancelled again while it ends."""
    places = []

    async def block() -> None:
        async with opener() as cluster:
            places.append(cluster.state_dir)
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(block())
        while not places:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not places[0].exists()

    run(main)


def test_a_task_that_is_cancelled_while_its_cluster_starts(opener: Opener) -> None:
    """Waits until nothing of it is left."""

    async def block() -> None:
        async with opener():
            await asyncio.Event().wait()

    async def main() -> None:
        for delay in (0, 0.001, 0.01, 0.02, 0.03):
            task = asyncio.create_task(block())
            await asyncio.sleep(delay)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main)


def test_stopping_it_ends_what_waits(opener: Opener) -> None:
    """Calls in flight and streams alike."""

    async def main() -> None:
        async with opener() as cluster:
            await cluster.clock.pause()
            waiting = [
                asyncio.create_task(cluster.wait("node/node-1", "Foo", timeout=None)),
                asyncio.create_task(anext(cluster.watch("cm", "never"))),
                asyncio.create_task(cluster.clock.sleep(100)),
            ]
            await asyncio.sleep(0.1)
            await cluster.stop()
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(each) for each in results] == [ClusterStopped] * 3

    run(main)


def test_the_loop_stays_free_while_the_cluster_works() -> None:
    """A cluster in a thread of its own never holds the loop up for long."""

    async def main() -> None:
        async with aio.open_cluster(virtual=True, nodes=5) as cluster:
            longest, over = 0.0, asyncio.Event()

            async def tick() -> None:
                nonlocal longest
                while not over.is_set():
                    before = time.perf_counter()
                    await asyncio.sleep(0)
                    longest = max(longest, time.perf_counter() - before)

            ticking = asyncio.create_task(tick())
            await cluster.apply(deployment("web", replicas=30))
            await cluster.wait("deployment/web", "Available", timeout=600)
            over.set()
            await ticking
            assert longest < 2

    run(main)


def test_several_at_once() -> None:
    """Each in a thread of its own."""

    async def main() -> None:
        async with (
            aio.open_cluster(config_map("a"), nodes=0, runtime="simulated") as first,
            aio.open_cluster(config_map("a"), nodes=0, runtime="simulated") as second,
        ):
            uids = await asyncio.gather(*(each.get("cm", "a") for each in (first, second)))
            assert uids[0]["metadata"]["uid"] != uids[1]["metadata"]["uid"] or first.state_dir != second.state_dir

    run(main)
