"""How a cluster stands, in a few lines for a test's report."""

from __future__ import annotations

from typing import Any

from kube_actors.embed.doing import standing
from kube_actors.embed.sync_facade import SyncCluster
from kube_actors.errors import KubeActorsError

KINDS = ("nodes", "deployments", "pods")
EVENTS = 20


def standing_of(cluster: SyncCluster) -> str:
    """Nodes, Deployments and pods with what is wrong about them, and the latest events."""
    try:
        found = [(kind, each) for kind in KINDS for each in cluster.get(kind, namespace="*")]
        events = sorted(cluster.get("events", namespace="*"), key=_time)[-EVENTS:]
    except KubeActorsError as error:
        return str(error)
    lines = [f"{kind}/{_name(each)}: {standing(each)}" for kind, each in found]
    return "\n".join([*lines, *(f"event {_told(each)}" for each in events)])


def _name(body: dict[str, Any]) -> str:
    metadata = body["metadata"]
    return "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)


def _time(event: dict[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp"))


def _told(event: dict[str, Any]) -> str:
    about = event.get("involvedObject") or {}
    return f"{_time(event)} {about.get('kind')} {about.get('name')}: {event.get('reason')}: {event.get('message')}"
