"""What a Pod actor is given of its node and cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kube_actors.actors.control_plane import EventSink
from kube_actors.actors.node.link import NodeLink
from kube_actors.api.views import PodView
from kube_actors.messages.events import ObjectReference
from kube_actors.network.addresses import AddressPool
from kube_actors.node.images import ImageMap
from kube_actors.node.objects import Objects, Place, references
from kube_actors.node.runtime.base import Dns, Runtime
from kube_actors.node.tokens import TokenIssuer
from kube_actors.records import frozen
from kube_actors.store import Key
from kube_actors.writes import Client

VOLUMES = "volumes"
"""Key that wakes a Pod actor when files of its volumes may have changed."""


class Users:
    """Which pods use which ConfigMaps and Secrets, so that a change of one wakes those that show it in a volume."""

    def __init__(self) -> None:
        self._pods: dict[Key, set[str]] = {}
        self._keys: dict[str, tuple[Key, ...]] = {}

    def add(self, uid: str, namespace: str, body: Mapping[str, Any]) -> None:
        """A pod with this body runs."""
        names = references(body)
        keys = [Key("configmaps", namespace, name) for name in names.config_maps]
        keys += [Key("secrets", namespace, name) for name in names.secrets]
        self._keys[uid] = tuple(keys)
        for key in keys:
            self._pods.setdefault(key, set()).add(uid)

    def remove(self, uid: str) -> None:
        """The pod runs no more."""
        for key in self._keys.pop(uid, ()):
            users = self._pods[key]
            users.discard(uid)
            if not users:
                del self._pods[key]

    def of(self, key: Key) -> tuple[str, ...]:
        """The uids of the pods that use it."""
        return tuple(sorted(self._pods.get(key, ())))


@frozen
class PodWorld:
    """Where a node's pods live.

    `place` is the node's own part of what a pod may ask about itself; `objects` fetches the ConfigMaps, Secrets and
    Services a pod refers to; `dns` gives its resolver settings; `handler` the handler that a RuntimeClass of this name
    asks for (None: there is no such class) and `handlers` those this node has; `logs` is the directory of all pods'
    logs. Without `addresses` the runtime gives pods theirs.
    """

    node: str
    place: Place
    addresses: AddressPool | None
    images: ImageMap
    runtime: Runtime
    client: Client
    events: EventSink
    link: NodeLink
    dns: Callable[[PodView], Dns]
    objects: Callable[[str, frozenset[str], frozenset[str]], Objects]
    handler: Callable[[str], str | None]
    handlers: tuple[str, ...]
    logs: str
    users: Users
    tokens: TokenIssuer
    cluster_domain: str = "cluster.local"

    def record(self, pod: PodView, type: str, reason: str, message: str, container: str = "") -> None:
        """Record an Event about a pod, or about one of its containers."""
        meta = pod.metadata
        field_path = ""
        if container:
            kinds = {one.name: "initContainers" for one in pod.spec.init_containers}
            kinds |= {one.name: "ephemeralContainers" for one in pod.spec.ephemeral_containers}
            field_path = f"spec.{kinds.get(container, 'containers')}{{{container}}}"
        about = ObjectReference("v1", "Pod", meta.namespace, meta.name, meta.uid, meta.resource_version, field_path)
        self.events.record(about, type, reason, message)

    def log_path(self, namespace: str, pod: str, uid: str, container: str, attempt: int) -> str:
        """Where an attempt's log goes: `<namespace>_<pod>_<uid>/<container>/<attempt>.log`, as a kubelet does."""
        return f"{self.logs}/{namespace}_{pod}_{uid}/{container}/{attempt}.log"
