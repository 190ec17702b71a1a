"""What a node has to do with: its pods, and what those name. Looked up in the store when a kubelet asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from kube_actors.kinds.hooks import Body
from kube_actors.node.objects import references
from kube_actors.records import frozen
from kube_actors.store import Key, Revision, Store

MIRROR: Final = "kubernetes.io/config.mirror"
SECRETS: Final = "secrets"
CONFIG_MAPS: Final = "configmaps"
CLAIMS: Final = "persistentvolumeclaims"
VOLUMES: Final = "persistentvolumes"
ACCOUNTS: Final = "serviceaccounts"
RESOURCE_CLAIMS: Final = "resourceclaims.resource.k8s.io"
ATTACHMENTS: Final = "volumeattachments.storage.k8s.io"
SLICES: Final = "resourceslices.resource.k8s.io"
REMEMBERED: Final = 8192
"""Pods whose references are known."""


@frozen(eq=False)
class NodeRelations:
    """Asks the store; what a pod names is remembered for as long as the pod does not change."""

    store: Store
    _named: dict[Key, tuple[int, frozenset[Key]]] = attrs.field(factory=dict, init=False)

    def related(self, node: str, key: Key) -> bool:
        """Whether a pod of this node is, names or uses the object, or the object is the node's own."""
        if key.resource == "pods":
            return self._on(node, key) is not None
        if key.resource in (ATTACHMENTS, SLICES):
            found = self.store.get(key)
            return found is not None and found.body()["spec"].get("nodeName") == node
        if key.resource == VOLUMES:
            return self._claimed(node, key)
        return self._is_named(node, key) or (key.resource == SECRETS and self._of_a_volume(node, key))

    def _on(self, node: str, key: Key) -> Revision | None:
        return next((pod for pod in self.store.on_node(node) if pod.key == key), None)

    def _is_named(self, node: str, key: Key) -> bool:
        return any(
            pod.key.namespace == key.namespace and key in self._named_by(pod) for pod in self.store.on_node(node)
        )

    def _named_by(self, pod: Revision) -> frozenset[Key]:
        known = self._named.get(pod.key)
        if known is None or known[0] != pod.resource_version:
            if len(self._named) >= REMEMBERED:
                self._named.clear()
            known = self._named[pod.key] = pod.resource_version, frozenset(named_by(pod.body()))
        return known[1]

    # -- volumes: a pod names a claim, the claim a volume, and that perhaps a Secret

    def _claimed(self, node: str, key: Key) -> bool:
        volume = self.store.get(key)
        claim = {} if volume is None else volume.body()["spec"].get("claimRef") or {}
        return bool(claim) and self._is_named(node, Key(CLAIMS, claim.get("namespace", ""), claim.get("name", "")))

    def _of_a_volume(self, node: str, secret: Key) -> bool:
        for volume in self.store.list(VOLUMES):
            if secret in _secrets_of(volume.body()["spec"]) and self._claimed(node, volume.key):
                return True
        return False


def named_by(pod: Body) -> Iterator[Key]:
    """Everything a pod names in its namespace. A mirror pod, which its node has from elsewhere, names nothing."""
    metadata, spec = pod["metadata"], pod["spec"]
    if MIRROR in (metadata.get("annotations") or {}):
        return
    namespace = metadata["namespace"]
    for resource, name in objects_named(metadata.get("name", ""), spec):
        yield Key(resource, namespace, name)
    for status in (pod.get("status") or {}).get("resourceClaimStatuses") or ():
        if status.get("resourceClaimName"):
            yield Key(RESOURCE_CLAIMS, namespace, status["resourceClaimName"])


def objects_named(pod: str, spec: Body) -> Iterator[tuple[str, str]]:
    """Resource and name of everything that the spec of this pod names in its namespace."""
    everything = [*(spec.get("containers") or ()), *(spec.get("ephemeralContainers") or ())]
    named = references({"spec": {**spec, "containers": everything}})
    yield from ((CONFIG_MAPS, name) for name in named.config_maps)
    yield from ((SECRETS, name) for name in named.secrets)
    yield from ((SECRETS, each["name"]) for each in spec.get("imagePullSecrets") or () if each.get("name"))
    if spec.get("serviceAccountName"):
        yield ACCOUNTS, spec["serviceAccountName"]
    for claim in spec.get("resourceClaims") or ():
        if claim.get("resourceClaimName"):
            yield RESOURCE_CLAIMS, claim["resourceClaimName"]
    for volume in spec.get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            yield CLAIMS, volume["persistentVolumeClaim"]["claimName"]
        if "ephemeral" in volume:
            yield CLAIMS, f"{pod}-{volume['name']}"
        yield from ((SECRETS, reference["name"]) for reference in _secret_references(volume))


def _secrets_of(volume: Body) -> Iterator[Key]:
    """The Secrets a kubelet needs for a PersistentVolume; those without a namespace are in the claim's."""
    place = (volume.get("claimRef") or {}).get("namespace", "")
    for reference in _secret_references(volume):
        yield Key(SECRETS, reference.get("namespace") or place, reference["name"])


def _secret_references(volume: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Of whatever kind of volume: `secretRef`, `nodePublishSecretRef` and the like, and the one that spells it out."""
    for source in volume.values():
        if not isinstance(source, dict):
            continue
        for field, value in source.items():
            is_reference = field.endswith(("secretRef", "SecretRef")) and isinstance(value, dict)
            if is_reference and value.get("name") and not field.startswith("controller"):
                yield value
    azure = volume.get("azureFile") or {}
    if azure.get("secretName"):
        yield {"name": azure["secretName"], "namespace": azure.get("secretNamespace") or ""}
