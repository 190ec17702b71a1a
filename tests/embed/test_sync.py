"""A cluster in plain code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import kube_actors
from kube_actors import ApiError, ClusterStopped, InputError, SyncCluster, UsageError, WaitTimeout
from kube_actors.testing.builders import config_map, deployment, pod


@pytest.fixture
def cluster() -> Iterator[SyncCluster]:
    """Two simulated nodes in virtual time."""
    with kube_actors.run_cluster(virtual=True, nodes=2) as cluster:
        yield cluster


def test_the_same_verbs_are_called(cluster: SyncCluster) -> None:
    """Without a word of async."""
    cluster.apply(deployment("web", replicas=2))
    cluster.wait("deployment/web", "Available", timeout=60)
    (first, _) = cluster.get("pods", labels="app=web")
    name = first["metadata"]["name"]
    assert cluster.exec(name, ["cat"], stdin=b"\xff").stdout == "\\xff"
    cluster.kill(name)
    cluster.wait(f"pod/{name}", lambda each: each["status"]["containerStatuses"][0]["restartCount"] == 1)
    assert cluster.rollout("deployment/web").status(timeout=60) == 'deployment "web" successfully rolled out'
    cluster.node("node-1").partition()
    cluster.wait("node/node-1", "Ready=Unknown", timeout=120)
    cluster.node("node-1").start()
    cluster.wait("node/node-1", "Ready", timeout=120)
    cluster.delete("deployment/web")
    cluster.wait("deployment/web", "delete", timeout=60)


def test_errors_are_the_same(cluster: SyncCluster) -> None:
    """Raised where the call is."""
    with pytest.raises(ApiError, match="not found"):
        cluster.get("pods", "nobody")
    with pytest.raises(InputError, match="Required value"):
        cluster.apply(pod("web", containers=[{"name": "web"}]))
    with pytest.raises(WaitTimeout, match="timed out after 5 s"):
        cluster.wait("node/node-1", "Foo", timeout=5)
    with pytest.raises(UsageError, match="did you mean"):
        cluster.watch("podz")
    with pytest.raises(ApiError, match="not found"):
        cluster.follow_logs("nobody")


def test_watching_is_iterating(cluster: SyncCluster) -> None:
    """A for loop, left when it is enough."""
    cluster.apply([config_map("a"), config_map("b")])
    names = []
    for event in cluster.watch("configmaps", namespace="default"):
        names.append(event.object["metadata"]["name"])
        if len(names) == 2:
            break
    assert sorted(names) == ["a", "b"]
    with cluster.watch("cm", "a") as events:
        assert next(events).type == "ADDED"
        cluster.delete("cm/a")
        assert next(events).type == "DELETED"
    assert list(events) == []
    assert [event.type for event in cluster.watch("cm", "b", timeout=10)] == ["ADDED"]


def test_time_stands_while_the_program_works(cluster: SyncCluster) -> None:
    """Virtual time passes in waits, and by being told to."""
    start = cluster.clock.now()
    time.sleep(0.05)
    assert cluster.clock.now() == start
    cluster.clock.advance(3600)
    assert cluster.clock.now() == start + 3600
    cluster.clock.sleep(1)
    cluster.clock.pause()
    cluster.clock.advance(1)
    cluster.clock.resume()
    assert cluster.clock.now() == start + 3602


def test_threads_share_it(cluster: SyncCluster) -> None:
    """Any thread may call; each waits for its own call only."""
    cluster.apply(config_map("counter", number="0"))
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                cluster.patch("cm/counter", {"data": {name: str(number)}}, kind="merge")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert cluster.get("cm", "counter")["data"] == {"number": "0", **{f"t{number}": "19" for number in range(4)}}


def test_a_call_in_flight_ends_with_the_cluster(cluster: SyncCluster) -> None:
    """In whatever thread it waits."""
    cluster.clock.pause()
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            cluster.wait("node/node-1", "Foo", timeout=None)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.1)
    cluster.stop()
    thread.join(120)
    assert [type(each) for each in caught] == [ClusterStopped]
    with pytest.raises(ClusterStopped, match="cluster 'default' has stopped"):
        cluster.get("pods")
    with pytest.raises(ClusterStopped):
        cluster.watch("pods")


def test_nothing_is_left_after_the_block() -> None:
    """No thread, no file; what is called then says so."""
    with kube_actors.run_cluster(virtual=True) as cluster:
        place = cluster.state_dir
    assert not place.exists()
    assert [each.name for each in threading.enumerate() if each.name.startswith("kube-actors")] == []
    with pytest.raises(ClusterStopped):
        cluster.get("pods")


def test_what_cannot_start_says_why() -> None:
    """With every problem, and no thread left."""
    with pytest.raises(InputError) as caught, kube_actors.run_cluster([pod("a", containers=[]), pod("b", volumes=5)]):
        raise AssertionError("it must not start")
    assert len(caught.value.problems) == 2


def test_calling_the_cluster_from_its_own_thread_is_refused(cluster: SyncCluster) -> None:
    """It would wait for itself for ever."""
    with pytest.raises(RuntimeError, match="cannot wait for itself"):
        cluster.wait("node/node-1", lambda _: bool(cluster.get("pods")))


INTERRUPTED = """
import sys, time, kube_actors
from kube_actors.testing.builders import pod

with kube_actors.run_cluster(virtual=True, state_dir=sys.argv[1]) as cluster:
    cluster.clock.pause()
    try:
        print("waiting", flush=True)
        {wait}
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        cluster.clock.resume()
        now = cluster.clock.now()
        time.sleep(0.1)
        print(len(cluster.get("nodes")), cluster.clock.now() == now, flush=True)  # nobody waits any more: time stands
    {then}
"""


WAITS = ["cluster.wait('node/node-1', 'Foo', timeout=None)", "next(cluster.watch('pods', 'x'))"]


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_interrupts_a_call_and_nothing_else(tmp_path: Path, wait: str) -> None:
    """The program may go on with the cluster."""
    code = textwrap.dedent(INTERRUPTED).format(wait=wait, then="print('over')")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert out.split() == ["interrupted", "1", "True", "over"]
    assert process.returncode == 0


def test_ctrl_c_out_of_the_block_ends_the_cluster(tmp_path: Path) -> None:
    """As an error would: KeyboardInterrupt comes out, the state is let go."""
    code = textwrap.dedent(INTERRUPTED).format(wait="raise KeyboardInterrupt", then="raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == -signal.SIGINT
    assert "Traceback" in done.stderr
    with kube_actors.run_cluster(virtual=True, state_dir=tmp_path) as cluster:
        assert len(cluster.get("nodes")) == 1
