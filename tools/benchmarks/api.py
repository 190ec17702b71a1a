"""What clients of the API get over TLS, from processes of their own, by the owner's certificate.

api_get, api_post, api_list, api_get_p99: a running `kube-actors run` with one simulated node. api_fanout: a cluster in
this process, which writes; a hundred watchers in another.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio

from benchmarks.api_clients import Entrance, entrance_of
from benchmarks.measured import CannotMeasure, Values, say
from benchmarks.processes import kube_actors_run
from benchmarks.simulated import CLUSTER, simulated_cluster
from kube_actors.cluster import Cluster
from kube_actors.store import Key

LOADER = Path(__file__).with_name("api_loader.py")
SECONDS = 5.0
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
LISTED, LIST_DATA = 5000, "x" * 65
WATCHERS, EVENTS, WRITERS, EVENT_DATA = 100, 4000, 32, "x" * 1500
COUNTED = 0.95
"""Part of the events that a watcher waits for: a few are cut in two where it reads."""


def load(entrance: Entrance, kind: str, path: str, connections: int, **more: Any) -> subprocess.Popen[str]:
    """A client process that is at work."""
    plan = {"address": entrance.address, "pem": str(entrance.pem), "kind": kind, "path": path, "seconds": SECONDS}
    plan |= {"connections": connections, **more}
    return subprocess.Popen([sys.executable, str(LOADER), json.dumps(plan)], stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> dict[str, float]:
    """What a client found out."""
    output, _ = process.communicate(timeout=300)
    if process.returncode:
        raise CannotMeasure("a client of the API failed")
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    say(f"{found}")
    return found


@contextlib.contextmanager
def entrance() -> Iterator[Entrance]:
    """A running cluster of one simulated node that keeps its state: what it answers to writes is on the disk."""
    with tempfile.TemporaryDirectory(prefix="kube-actors-bench-") as directory:
        file = Path(directory) / "cluster.yaml"
        file.write_text(CLUSTER)
        with kube_actors_run(file, home=Path(directory) / "home") as run:
            run.wait_for_console()
            yield entrance_of(run.home, Path(directory))


def _requests() -> Values:
    found: Values = {}
    with entrance() as api:
        api.create(CONFIG_MAPS, {"metadata": {"name": "large"}, "data": {"a": EVENT_DATA}})
        one = f"{CONFIG_MAPS}/large"
        told(load(api, "get", one, 16))  # everything is loaded from here on
        found["api_get"] = told(load(api, "get", one, 16))["rate"]
        found["api_post"] = told(load(api, "post", CONFIG_MAPS, 32, prefix="posted"))["rate"]
    with entrance() as api:
        listed = [{"metadata": {"name": f"listed-{n}"}, "data": {"a": LIST_DATA}} for n in range(LISTED)]
        api.create(CONFIG_MAPS, *listed)
        found["api_list"] = told(load(api, "list", CONFIG_MAPS, 4))["rate"]
        one = f"{CONFIG_MAPS}/listed-0"
        listers, getter = load(api, "list", CONFIG_MAPS, 4), load(api, "get", one, 1)
        found["api_get_p99"] = told(getter)["p99"] * 1000
        told(listers)
    return found


async def _fan_out() -> float:
    """Deliveries a second to all watchers together."""
    gc.set_threshold(50_000, 20, 1000)  # as the command line does
    with tempfile.TemporaryDirectory(prefix="kube-actors-bench-") as directory:
        async with simulated_cluster(Path(directory), serve=True) as cluster:
            client = cluster.session.client
            for number in range(WRITERS):
                metadata = {"name": f"written-{number}", "namespace": "default"}
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": EVENT_DATA}}
                await client.create(body)
            since = cluster.plane.store.head
            path = f"{CONFIG_MAPS}?watch=true&resourceVersion={since}"
            entrance = entrance_of(Path(directory), Path(directory))
            watchers = load(entrance, "watch", path, WATCHERS, events=int(EVENTS * COUNTED))
            assert watchers.stdout is not None
            await trio.to_thread.run_sync(watchers.stdout.readline)
            async with trio.open_nursery() as nursery:
                for number in range(WRITERS):
                    nursery.start_soon(_write, cluster, number)
            return (await trio.to_thread.run_sync(told, watchers))["rate"]


async def _write(cluster: Cluster, number: int) -> None:
    key, turns = Key("configmaps", "default", f"written-{number}"), itertools.count()

    def change(body: dict[str, Any]) -> None:
        body["data"]["turn"] = str(next(turns))

    for _ in range(EVENTS // WRITERS):
        await cluster.session.client.mutate(key, change)
        await trio.lowlevel.checkpoint()


def measure(names: list[str]) -> Values:
    """Those that were asked for."""
    if "api_fanout" in names:
        return {"api_fanout": trio.run(_fan_out)}
    found = _requests()
    return {name: found[name] for name in names}
