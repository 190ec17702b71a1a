"""What a pod's environment and volumes are made from: ConfigMaps, Secrets, Services, and the pod's own place."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from kube_actors.node.runtime.base import RuntimeFailure
from kube_actors.records import frozen

Body = Mapping[str, Any]


@frozen
class Place:
    """Where the pod is: what `fieldRef` and `resourceFieldRef` may ask for and its stored status may not say yet.

    Allocatable amounts of the node stand in for limits a container does not set.
    """

    pod_ip: str = ""
    host_ip: str = ""
    hostname: str = ""
    cpu_milli: int = 0
    memory_bytes: int = 0
    ephemeral_storage_bytes: int = 0


@frozen
class Objects:
    """Bodies by name, all of the pod's namespace; `services` also has `kubernetes` of the namespace `default`."""

    config_maps: Mapping[str, Body] = attrs.field(factory=dict)
    secrets: Mapping[str, Body] = attrs.field(factory=dict)
    services: Sequence[Body] = ()

    def config_map(self, name: str) -> Mapping[str, bytes] | None:
        """Text and binary data together; None when there is no such ConfigMap."""
        body = self.config_maps.get(name)
        if body is None:
            return None
        text = {key: value.encode() for key, value in (body.get("data") or {}).items()}
        return text | {key: base64.b64decode(value) for key, value in (body.get("binaryData") or {}).items()}

    def secret(self, name: str) -> Mapping[str, bytes] | None:
        """Decoded data; None when there is no such Secret."""
        body = self.secrets.get(name)
        if body is None:
            return None
        return {key: base64.b64decode(value) for key, value in (body.get("data") or {}).items()}


@frozen
class References:
    """Names of what a pod needs from its namespace."""

    config_maps: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


def references(pod: Body) -> References:
    """Every ConfigMap and Secret that the pod's containers and volumes name, optional ones too."""
    spec = pod["spec"]
    config_maps: set[str] = set()
    secrets: set[str] = set()
    for container in containers(pod):
        for source in container.get("envFrom") or ():
            config_maps.add((source.get("configMapRef") or {}).get("name", ""))
            secrets.add((source.get("secretRef") or {}).get("name", ""))
        for variable in container.get("env") or ():
            value_from = variable.get("valueFrom") or {}
            config_maps.add((value_from.get("configMapKeyRef") or {}).get("name", ""))
            secrets.add((value_from.get("secretKeyRef") or {}).get("name", ""))
    for volume in spec.get("volumes") or ():
        config_maps.add((volume.get("configMap") or {}).get("name", ""))
        secrets.add((volume.get("secret") or {}).get("secretName", ""))
        for source in (volume.get("projected") or {}).get("sources") or ():
            config_maps.add((source.get("configMap") or {}).get("name", ""))
            secrets.add((source.get("secret") or {}).get("name", ""))
    return References(frozenset(config_maps - {""}), frozenset(secrets - {""}))


def containers(pod: Body) -> Iterator[Body]:
    """All containers of a pod, init containers first."""
    spec = pod["spec"]
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def config_error(message: str) -> RuntimeFailure:
    """A container whose configuration does not add up waits with this reason."""
    return RuntimeFailure("CreateContainerConfigError", message)
