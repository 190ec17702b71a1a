"""The API of a node's agent, as far as people ask for it through `nodes/proxy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.api.times import rfc3339
from kube_actors.server.call import Call, answer
from kube_actors.server.http import Full, Response
from kube_actors.server.routes import nothing_there
from kube_actors.server.streams.log import log_of, log_options
from kube_actors.server.streams.pods import container_names
from kube_actors.store import Key, Revision
from kube_actors.verbs.node import check_reachable

KUBELET_PORT: Final = 10250
TEXT: Final = "text/plain; charset=utf-8"


async def node_api(call: Call, node: Revision, path: str) -> Response:
    """Answer as a kubelet does; 404 for what is not there, 405 for other methods than GET."""
    if call.request.method not in ("GET", "HEAD"):
        return Full(405, b"405: Method Not Allowed", TEXT)
    await check_reachable(call.api.session, node.key.name)
    match path.strip("/").split("/"):
        case ["healthz"] | ["healthz", "ping" | "log" | "syncloop"]:
            return Full(200, b"ok", TEXT)
        case ["pods"] | ["runningpods"]:
            return answer(200, _pod_list(call, node))
        case ["containerLogs", namespace, pod, container]:
            return await _container_log(call, node, Key("pods", namespace, pod), container)
        case ["stats", "summary"]:
            return answer(200, _summary(call, node))
        case ["metrics"]:
            return Full(200, _metrics(call, node).encode(), "text/plain; version=0.0.4; charset=utf-8")
        case _:
            return nothing_there()


def _pods(call: Call, node: Revision) -> list[Mapping[str, Any]]:
    return [revision.body() for revision in call.api.store.on_node(node.key.name)]


def _pod_list(call: Call, node: Revision) -> dict[str, Any]:
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": _pods(call, node)}


async def _container_log(call: Call, node: Revision, key: Key, container: str) -> Response:
    pod = call.api.store.get(key)
    if pod is None or pod.projection.facts.node != node.key.name:
        return Full(404, f'pod "{key.name}" does not exist'.encode(), TEXT)
    if container not in container_names(pod.body()):
        return Full(404, f'container "{container}" not found in pod "{key.name}"'.encode(), TEXT)
    return await log_of(call, pod, container, log_options(call.request, key.name, call.api.session.now))


def _summary(call: Call, node: Revision) -> dict[str, Any]:
    """Who runs here since when. Use of memory and processors is not measured, so it is not there."""
    pods = []
    for body in _pods(call, node):
        meta, status = body["metadata"], body.get("status") or {}
        running = [
            {"name": one["name"], "startTime": one["state"]["running"].get("startedAt")}
            for one in status.get("containerStatuses") or ()
            if "running" in (one.get("state") or {})
        ]
        reference = {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
        pods.append({"podRef": reference, "startTime": status.get("startTime"), "containers": running})
    started = rfc3339(call.api.session.started)
    return {"node": {"nodeName": node.key.name, "startTime": started}, "pods": pods}


def _metrics(call: Call, node: Revision) -> str:
    """The counts a kubelet gives, in Prometheus' text format."""
    pods = _pods(call, node)
    statuses = [one for body in pods for one in (body.get("status") or {}).get("containerStatuses") or ()]
    running = sum("running" in (one.get("state") or {}) for one in statuses)
    started = {f'kubelet_node_name{{node="{node.key.name}"}}': 1, "kubelet_running_pods": len(pods)}
    rows = {**started, 'kubelet_running_containers{container_state="running"}': running}
    lines = []
    for name, value in rows.items():
        lines += [f"# TYPE {name.partition('{')[0]} gauge", f"{name} {value}"]
    return "\n".join(lines) + "\n"
