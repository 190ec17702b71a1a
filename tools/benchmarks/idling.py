"""probes_cpu, rest_cpu, reconciles_at_rest: what 100 real pods cost that nobody touches, over 30 s after 15 s of rest.

Processor time of runtime, keeper and agent together; the pods' own does not count. A reconcile is a look of any
Deployment's, ReplicaSet's or Service's actor at its object.
"""

from __future__ import annotations

import gc
from typing import Any

import trio

from benchmarks.measured import Values
from benchmarks.processes import cpu_seconds
from benchmarks.real_pods import cluster_of_processes, deployment, processes_of, ready_pods
from benchmarks.waiting import until
from kube_actors.cluster import Cluster

PODS, RESTING, MEASURED = 100, 15.0, 30.0
CONTROLLERS = ("/deployments/", "/replicasets/", "/services/")
SERVER = """
import socket
server = socket.create_server(("", 8080), backlog=64)
while True:
    connection, _ = server.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    connection.close()
"""
SLEEPING: dict[str, Any] = {"command": ["sleep", "3600"]}
PROBED: dict[str, Any] = {
    "command": ["python3", "-S", "-c", SERVER],
    "livenessProbe": {"httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 10, "failureThreshold": 10},
}


def _reconciles(cluster: Cluster) -> int:
    return sum(each.handled for each in cluster.system.actors() if each.path.startswith(CONTROLLERS))


async def _idle(container: dict[str, Any]) -> tuple[float, float]:
    """(per cent of a core, reconciles)."""
    async with cluster_of_processes() as cluster:
        service = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
        metadata = {"name": "web", "namespace": "default"}
        client = cluster.session.client
        await client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
        await client.create(deployment("web", PODS, container))
        await until(lambda: ready_pods(cluster) == PODS, f"{PODS} pods")
        gc.collect()
        gc.freeze()
        await trio.sleep(RESTING)
        cpu, looks = cpu_seconds(processes_of(cluster)), _reconciles(cluster)
        await trio.sleep(MEASURED)
        used = cpu_seconds(processes_of(cluster)) - cpu
        return 100 * used / MEASURED, _reconciles(cluster) - looks


def measure(names: list[str]) -> Values:
    """The figures asked for: probes in one cluster, rest in another."""
    gc.set_threshold(50_000, 20, 1000)  # as the command line does
    if "probes_cpu" in names:
        return {"probes_cpu": trio.run(_idle, PROBED)[0]}
    cpu, looks = trio.run(_idle, SLEEPING)
    found = {"rest_cpu": cpu, "reconciles_at_rest": looks}
    return {name: found[name] for name in names}
