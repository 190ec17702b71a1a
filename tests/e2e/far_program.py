"""A cluster in a process of its own: `python far_program.py STATE CONFIG.yaml`, driven by JSON lines on stdin.

Every line `{"do": NAME, ...}` is answered by one line; `write` goes on writing until the process ends, and says so of
each write once it is durable.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import trio

from kube_actors.api.codecs.yaml import load_documents
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.cluster_document import Problems, parse_cluster
from kube_actors.state import StateDirectory
from kube_actors.store import Key


def say(**facts: Any) -> None:
    """One line of the answer."""
    print(json.dumps(facts), flush=True)


async def write_on(cluster: Cluster) -> None:
    """Create ConfigMaps as fast as they become durable."""
    client, number = cluster.session.client, 0
    while True:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "w-"}, "data": {"n": str(number)}}
        revision = await client.create(body, namespace="default")
        await client.durable(revision)
        say(acknowledged=[revision.key.name, revision.resource_version])
        number += 1


async def found(cluster: Cluster) -> dict[str, dict[str, int]]:
    """pod → container/attempt → pid of everything that runs."""
    assert cluster.factory is not None
    told: dict[str, dict[str, int]] = {}
    for runtime in cluster.factory.runtimes.values():
        for sandbox in await runtime.adopt():
            running = {f"{one.id.name}/{one.id.attempt}": one.pid for one in sandbox.containers if one.exit is None}
            told.setdefault(sandbox.pod.name, {}).update(running)
    return told


async def answer(cluster: Cluster, question: dict[str, Any]) -> Any:
    """What one question is answered with."""
    store, client = cluster.plane.store, cluster.session.client
    match question["do"]:
        case "apply":
            for body in question["bodies"]:
                applied = await client.apply(body, namespace=body["metadata"].get("namespace", "default"))
            await client.durable(applied.revision)
            return None
        case "list":
            return [revision.body() for revision in store.list(question["resource"])]
        case "get":
            revision = store.get(Key(*question["key"]))
            return revision.body() if revision is not None else None
        case "delete":
            await client.delete(Key(*question["key"]))
            return None
        case "found":
            return await found(cluster)
        case "head":
            return store.head
        case "helpers":
            assert cluster.link is not None
            return [cluster.link.keeper_pid, cluster.link.agent_pid]
        case "id":
            return cluster.state.cluster_id(cluster.config.name)
        case "ranges":
            return [str(network) for _, network in cluster.network.ranges.named()]
        case other:
            raise ValueError(other)


async def main(state: str, config_file: str) -> None:
    """Until stdin ends (drained first) or somebody kills us."""
    problems = Problems()
    text = await trio.Path(config_file).read_text()
    config = parse_cluster(load_documents(text, config_file)[0].body, directory=Path("/"), problems=problems)
    assert not problems, problems
    async with open_cluster(config, state=StateDirectory(Path(state))) as cluster:
        say(answer="ready")
        async with trio.open_nursery() as nursery:
            async for line in trio.wrap_file(sys.stdin):
                question = json.loads(line)
                if question["do"] == "write":
                    nursery.start_soon(write_on, cluster)
                else:
                    say(answer=await answer(cluster, question))
            nursery.cancel_scope.cancel()
        if config.on_runtime_exit == "end":
            await cluster.drain(config.timeouts.shutdown)
        assert not cluster.failures, [f"{one.path}: {one.error!r}" for one in cluster.failures]


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
