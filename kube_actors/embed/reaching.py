"""From the program to a Service of its cluster."""

from __future__ import annotations

from kube_actors.cluster import Cluster
from kube_actors.errors import not_found
from kube_actors.network.services import ServiceName
from kube_actors.store import Key
from kube_actors.verbs.session import Session


def service_url(cluster: Cluster, session: Session, service: tuple[str, str], port: int | str | None) -> str:
    """See `Cluster.url`; `service` is its namespace and name."""
    namespace, name = service
    if session.plane.store.get(Key("services", namespace, name)) is None:
        raise not_found("services", name)
    return cluster.network.listener_to(ServiceName(namespace, name), port).url
