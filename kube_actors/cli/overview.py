"""A running cluster at a glance: what its runtime wrote down, and what its console says."""

from __future__ import annotations

import json
import time
from typing import Any

import attrs

from kube_actors.cli.asking import ask_silently
from kube_actors.cli.places import RunningCluster
from kube_actors.records import frozen
from kube_actors.text import one_line


@frozen
class Counted:
    """So many of a kind, and how many of them are ready."""

    ready: int
    total: int

    def __str__(self) -> str:
        return f"{self.ready}/{self.total} ready"


@frozen
class Overview:
    """`nodes` and `pods` are None when the console does not answer."""

    cluster: RunningCluster
    nodes: Counted | None
    pods: Counted | None
    deployments: tuple[tuple[str, Counted], ...] = ()

    @property
    def answers(self) -> bool:
        """Whether its console does."""
        return self.nodes is not None

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        record, state = self.cluster.record, self.cluster.state
        shown = {"name": record.name, "pid": record.process.pid, "tier": record.tier, "started": record.started}
        places = {"state": str(state.root), "console": str(state.console_socket), "api": record.api}
        if record.api:
            places["kubeconfig"] = str(state.kubeconfig)
        listeners = [{"service": service, "url": url} for service, url in record.listeners]
        counted = {
            "nodes": attrs.asdict(self.nodes) if self.nodes else None,
            "pods": attrs.asdict(self.pods) if self.pods else None,
            "deployments": {name: attrs.asdict(count) for name, count in self.deployments},
        }
        return {**shown, **places, "listeners": listeners, **counted}


def overview(cluster: RunningCluster) -> Overview:
    """Ask a cluster how it is."""
    nodes, pods, deployments = (_get(cluster, kind) for kind in ("nodes", "pods", "deployments"))
    if nodes is None or pods is None or deployments is None:
        return Overview(cluster, None, None)
    living = [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
    return Overview(
        cluster,
        Counted(sum(map(_is_ready, nodes)), len(nodes)),
        Counted(sum(map(_is_ready, living)), len(living)),
        tuple((_name(each), _available(each)) for each in deployments),
    )


def _get(cluster: RunningCluster, kind: str) -> list[dict[str, Any]] | None:
    """The objects of a kind in all namespaces; None when they cannot be had."""
    said = ask_silently(cluster.state.console_socket, ["get", kind, "-A", "-o", "json"])
    if said is None:
        return None
    items: list[dict[str, Any]] = json.loads(said)["items"]
    return items


def _is_ready(body: dict[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _name(body: dict[str, Any]) -> str:
    metadata = body["metadata"]
    name = f"deployment/{metadata['name']}"
    return name if metadata["namespace"] == "default" else f"{metadata['namespace']}/{name}"


def _available(body: dict[str, Any]) -> Counted:
    return Counted(body.get("status", {}).get("availableReplicas", 0), body["spec"].get("replicas", 1))


def described(seen: Overview) -> str:
    """A few lines for a person."""
    record, state = seen.cluster.record, seen.cluster.state
    tier = f", tier {record.tier}" if record.tier else ""
    head = f"{record.name}: running for {_span(time.time() - record.started)} (process {record.process.pid}{tier})"
    lines = [("state", f"{state.root}{' (ephemeral)' if state.ephemeral else ''}"), ("console", state.console_socket)]
    lines += [("api", record.api), ("kubeconfig", state.kubeconfig)] if record.api else []
    lines += [(f"service {service}", url) for service, url in record.listeners]
    if seen.nodes is None:
        lines.append(("trouble", "the console does not answer"))
    else:
        lines += [("nodes", seen.nodes), ("pods", seen.pods)]
        lines += [(name, f"{count.ready}/{count.total} available") for name, count in seen.deployments]
    width = max(len(label) for label, _ in lines)
    return "\n".join([one_line(head), *(one_line(f"  {label:{width}}  {value}") for label, value in lines)])


def _span(seconds: float) -> str:
    """`45s`, `3m`, `2h`, `5d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(max(seconds, 0))}s"
