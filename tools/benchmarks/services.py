"""service_pod, service_host: requests a second through a ClusterIP over those straight to its one pod.

nginx (or a small server of our own) behind a Service, 16 kept connections for two seconds each way, in turn, five
times; the median of the five ratios. From a second pod, and from the machine itself; tier A only.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import trio

from benchmarks.measured import CannotMeasure, Values, say
from benchmarks.real_pods import cluster_of_processes, deployment
from benchmarks.waiting import until
from kube_actors.cluster import Cluster
from kube_actors.store import Key

ROUNDS = 5
LOADER = Path(__file__).with_name("loader.py")
NGINX = """daemon off; worker_processes 1; pid /tmp/nginx.pid; error_log /dev/null;
events { worker_connections 256; }
http { access_log off; keepalive_requests 1000000; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b;
fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
server { listen 8080; location / { return 200 "ok"; } } }
"""


async def _serve(cluster: Cluster) -> tuple[str, str]:
    """(ClusterIP, the one pod's address) of a Service that answers."""
    client, store = cluster.session.client, cluster.plane.store
    files = {"nginx.conf": NGINX, "loader.py": LOADER.read_text()}
    await client.create(_object("v1", "ConfigMap", "files", data=files))
    own = ["python3", "/files/loader.py", "serve"]
    program = ["nginx", "-c", "/files/nginx.conf"] if shutil.which("nginx") else own
    await client.create(deployment("web", 1, {"command": program, **_MOUNTED}, **_FILES))
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    service = await client.create(_object("v1", "Service", "web", spec=spec))

    def address() -> str:
        ready = [pod for pod in store.list("pods") if pod.projection.facts.ready]
        return ready[0].projection.facts.address if ready else ""

    await until(lambda: bool(address()), "the server")
    await trio.sleep(1)  # endpoints and rules
    return service.body()["spec"]["clusterIP"], address()


_MOUNTED: dict[str, Any] = {"volumeMounts": [{"name": "files", "mountPath": "/files"}]}
_FILES: dict[str, Any] = {"volumes": [{"name": "files", "configMap": {"name": "files"}}]}


def _object(api_version: str, kind: str, name: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "default"}, **parts}


async def _from_pod(cluster: Cluster, through: str, direct: str) -> str:
    """The loader's output in a pod of its own."""
    container = {"name": "load", "image": "host", "command": _load("/files/loader.py", through, direct), **_MOUNTED}
    spec = {"restartPolicy": "Never", "containers": [container], **_FILES}
    await cluster.session.client.create(_object("v1", "Pod", "load", spec=spec))
    store, key = cluster.plane.store, Key("pods", "default", "load")

    def is_over() -> bool:
        pod = store.get(key)
        return pod is not None and pod.projection.facts.terminal

    await until(is_over, "the load")
    logs = sorted(cluster.state.logs.glob("default_load_*/load/0.log"))
    return "".join(line.split(" ", 3)[3] for line in logs[0].read_text().splitlines(keepends=True))


def _load(loader: str, through: str, direct: str) -> list[str]:
    return ["python3", loader, "load", str(ROUNDS), f"http://{through}:80/", f"http://{direct}:8080/"]


def _ratio(told: str) -> float:
    """The median ratio of the rounds that the loader printed."""
    rounds = [json.loads(line) for line in told.splitlines()]
    say(f"rounds (through, direct): {rounds}")
    if len(rounds) < ROUNDS:
        raise CannotMeasure("the load failed")
    return float(statistics.median(through / direct for through, direct in rounds))


async def _measure(names: list[str]) -> Values:
    found: Values = {}
    async with cluster_of_processes() as cluster:
        if cluster.tier != "A":
            raise CannotMeasure(f"tier A cannot be had here, only {cluster.tier}")
        through, direct = await _serve(cluster)
        if "service_pod" in names:
            found["service_pod"] = _ratio(await _from_pod(cluster, through, direct))
        if "service_host" in names:
            command = [sys.executable, *_load(str(LOADER), through, direct)[1:]]
            done = await trio.run_process(command, capture_stdout=True)
            found["service_host"] = _ratio(done.stdout.decode())
    return found


def measure(names: list[str]) -> Values:
    """`service_pod`, `service_host`."""
    return trio.run(_measure, names)
