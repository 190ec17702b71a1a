"""How a cluster ends: by the end of its block, by an error in it, by being stopped, cancelled, or by itself."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
import trio

import kube_actors
from kube_actors import ApiError, ClusterStopped, InputError, StateError
from kube_actors.state import StateDirectory
from kube_actors.testing.builders import config_map, pod


class _Mishap(Exception):
    """An error of the program's own."""


async def test_what_the_block_raises_comes_out_as_it_was() -> None:
    """No exception groups around it, no context lost."""
    with pytest.raises(_Mishap) as caught:
        async with kube_actors.open_cluster(virtual=True):
            raise _Mishap("mine")
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(ApiError, match="not found"):
        async with kube_actors.open_cluster(virtual=True) as cluster:
            await cluster.get("pods", "nobody")
    with pytest.raises(ExceptionGroup) as group:
        async with kube_actors.open_cluster(virtual=True):
            raise ExceptionGroup("two", [_Mishap("a"), _Mishap("b")])
    assert group.value.message == "two"


async def test_wrong_input_starts_nothing_and_comes_out_plain() -> None:
    """InputError from reading, and from what only a start finds out."""
    with pytest.raises(InputError, match="Required value"):
        async with kube_actors.open_cluster(pod("web", containers=[]), virtual=True):
            raise AssertionError("it must not start")
    scheduler = kube_actors.SchedulerConfig("mine", plugin=kube_actors.Scheduler, options={"self": 1})
    config = kube_actors.ClusterConfig(schedulers=(scheduler,), nodes=())
    with pytest.raises(InputError, match="cannot load Scheduler"):
        async with kube_actors.open_cluster(config):
            raise AssertionError("it must not start")


async def test_nothing_is_left_on_disk() -> None:
    """Unless a place for it was named."""
    async with kube_actors.open_cluster(virtual=True) as cluster:
        place = cluster.state_dir
        assert place.is_dir()
    assert not place.exists()


async def test_a_long_path_leaves_no_directory_for_sockets(tmp_path: Path) -> None:
    """They are elsewhere while the cluster runs, since a socket's path is short; the state itself is kept."""
    place = StateDirectory(tmp_path / ("x" * 100) / "shop")
    async with kube_actors.open_cluster(nodes=0, name="shop", state_dir=place.root.parent):
        assert place.sockets.is_dir()
    assert place.sockets.parent != place.root
    assert not place.sockets.exists()
    assert place.journal.exists()


async def test_state_that_is_kept_goes_on(tmp_path: Path) -> None:
    """Every object that was acknowledged is there again, and no resourceVersion is used twice."""
    async with kube_actors.open_cluster(config_map("a"), nodes=0, name="shop", state_dir=tmp_path) as cluster:
        before = (await cluster.get("cm", "a"))["metadata"]
        assert cluster.state_dir == tmp_path / "shop"
        with pytest.raises(StateError, match="shop"):
            async with kube_actors.open_cluster(nodes=0, name="shop", state_dir=tmp_path):
                raise AssertionError("one runtime at a time")
    async with kube_actors.open_cluster(config_map("b"), nodes=0, name="shop", state_dir=tmp_path) as cluster:
        assert (await cluster.get("cm", "a"))["metadata"]["uid"] == before["uid"]
        later = (await cluster.get("cm", "b"))["metadata"]["resourceVersion"]
        assert int(later) > int(before["resourceVersion"])


async def test_after_its_end_everything_says_so() -> None:
    """Stopping twice is stopping once; a stream that waits hears of it too."""
    async with kube_actors.open_cluster(virtual=True, name="shop") as cluster:
        await cluster.clock.pause()
        events = cluster.watch("configmaps", "never")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_expect_stopped, events)
            await trio.testing.wait_all_tasks_blocked()
            await cluster.stop()
        await cluster.stop()
        with pytest.raises(ClusterStopped, match="cluster 'shop' has stopped"):
            await cluster.get("pods")
        with pytest.raises(ClusterStopped):
            cluster.watch("pods")
        with pytest.raises(ClusterStopped):
            await cluster.clock.now()
    with pytest.raises(ClusterStopped):
        await cluster.node("node-1").stop()


async def _expect_stopped(events: kube_actors.Stream[kube_actors.WatchEvent]) -> None:
    with pytest.raises(ClusterStopped):
        await anext(events)


async def test_a_cancelled_block_ends_at_once() -> None:
    """And the program goes on."""
    with trio.CancelScope() as scope:
        async with kube_actors.open_cluster(virtual=True) as cluster:
            place = cluster.state_dir
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert not place.exists()
    with pytest.raises(ClusterStopped):
        await cluster.get("pods")


async def test_a_cancelled_wait_leaves_the_cluster_as_it_was() -> None:
    """Only the wait ends."""
    async with kube_actors.open_cluster(virtual=True) as cluster:
        await cluster.clock.pause()
        with trio.move_on_after(0.02) as limit:
            await cluster.wait("node/node-1", "Foo", timeout=None)
        assert limit.cancelled_caught
        assert len(await cluster.get("nodes")) == 1


FULL_DISK = """
import resource, sys, trio, kube_actors
from kube_actors.testing.builders import config_map

async def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
    async with kube_actors.open_cluster(nodes=0, state_dir=sys.argv[1]) as cluster:
        await cluster.apply(config_map("first"))
        try:
            for number in range(200):
                await cluster.patch("cm/first", {"data": {"size": str(number) * 100_000}})
        except kube_actors.ApiError as error:
            print(error.code)
            await trio.sleep_forever()

try:
    trio.run(main)
except kube_actors.KubeActorsError as error:
    print("ended:", type(error).__name__)
"""


def test_a_cluster_that_cannot_go_on_ends_its_block(tmp_path: Path) -> None:
    """On a full disk writes are refused, the body is cancelled, and the reason raised."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines() == ["503", "ended: JournalFailed"], done.stderr


async def test_a_dropped_stream_is_closed() -> None:
    """Nobody has to remember it."""
    async with kube_actors.open_cluster(virtual=True) as cluster:
        tasks = len(cluster._life.tasks.child_tasks)
        events = cluster.watch("nodes")
        await anext(events)
        assert len(cluster._life.tasks.child_tasks) == tasks + 1
        del events
        gc.collect()
        await trio.testing.wait_all_tasks_blocked()
        assert len(cluster._life.tasks.child_tasks) == tasks


async def test_two_clusters_in_one_program_know_nothing_of_each_other() -> None:
    """Each has its own objects, its own time and its own end."""
    async with (
        kube_actors.open_cluster(config_map("a"), virtual=True, name="first") as first,
        kube_actors.open_cluster(config_map("b"), virtual=True, name="second") as second,
    ):
        await first.clock.advance(3600)
        assert await first.clock.now() == await second.clock.now() + 3600
        await first.stop()
        assert (await second.get("cm", "b"))["metadata"]["name"] == "b"
        with pytest.raises(ApiError):
            await second.get("cm", "a")
