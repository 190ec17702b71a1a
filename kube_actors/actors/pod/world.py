"""What a Pod actor is given of its node and cluster."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from kube_actors.actors.control_plane import EventSink
from kube_actors.actors.node.link import NodeLink
from kube_actors.api.views import PodView
from kube_actors.network.addresses import AddressPool
from kube_actors.node.images import ImageMap
from kube_actors.node.objects import Objects, Place
from kube_actors.node.runtime.base import Dns, Runtime
from kube_actors.writes import Client


@attrs.frozen
class PodWorld:
    """Where a node's pods live.

    `place` is the node's own part of what a pod may ask about itself; `objects` fetches the ConfigMaps, Secrets and
    Services a pod refers to; `dns` gives its resolver settings; `logs` is the directory of all pods' logs.
    """

    node: str
    place: Place
    addresses: AddressPool
    images: ImageMap
    runtime: Runtime
    client: Client
    events: EventSink
    link: NodeLink
    dns: Callable[[PodView], Dns]
    objects: Callable[[str, frozenset[str], frozenset[str]], Objects]
    logs: str
    cluster_domain: str = "cluster.local"

    def log_path(self, namespace: str, pod: str, uid: str, container: str, attempt: int) -> str:
        """Where an attempt's log goes: `<namespace>_<pod>_<uid>/<container>/<attempt>.log`, as a kubelet lays it out."""
        return f"{self.logs}/{namespace}_{pod}_{uid}/{container}/{attempt}.log"
