"""What a pod names that has to be somewhere: ConfigMaps, Secrets, claims, priority classes, service accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kube_actors.config.objects import PodTemplate
from kube_actors.records import frozen
from kube_actors.store import Key

Body = Mapping[str, Any]


@frozen
class Reference:
    """A name that stands at `path`; with `data_key`, that key of the object is needed as well."""

    path: str
    kind: str
    key: Key
    data_key: str = ""


_RESOURCES = {
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PriorityClass": "priorityclasses.scheduling.k8s.io",
    "ServiceAccount": "serviceaccounts",
}


def references_of(template: PodTemplate) -> Iterator[Reference]:
    """Every reference a pod cannot start without; optional ones are left out."""
    at, spec = f"{template.path}.spec", template.spec
    namespace = template.owner.key.namespace
    yield from _of_containers(at, spec, namespace)
    for index, volume in enumerate(spec.get("volumes") or ()):
        yield from _of_volume(f"{at}.volumes[{index}]", volume, namespace)
    if (name := spec.get("priorityClassName")) and not str(name).startswith("system-"):
        yield _reference(f"{at}.priorityClassName", "PriorityClass", "", name)
    if (name := spec.get("serviceAccountName")) and name != "default":
        yield _reference(f"{at}.serviceAccountName", "ServiceAccount", namespace, name)


def _of_containers(at: str, spec: Body, namespace: str) -> Iterator[Reference]:
    for field in ("initContainers", "containers"):
        for number, container in enumerate(spec.get(field) or ()):
            place = f"{at}.{field}[{number}]"
            for index, source in enumerate(container.get("envFrom") or ()):
                yield from _named(f"{place}.envFrom[{index}]", source, namespace)
            for index, variable in enumerate(container.get("env") or ()):
                yield from _named(f"{place}.env[{index}].valueFrom", variable.get("valueFrom") or {}, namespace)


def _named(place: str, source: Body, namespace: str) -> Iterator[Reference]:
    """`configMapRef`, `secretRef`, and those that name a key as well."""
    fields = (
        ("configMapRef", "ConfigMap"),
        ("configMapKeyRef", "ConfigMap"),
        ("secretRef", "Secret"),
        ("secretKeyRef", "Secret"),
    )
    for field, kind in fields:
        target = source.get(field) or {}
        if target.get("name") and not target.get("optional"):
            yield _reference(f"{place}.{field}.name", kind, namespace, target["name"], target.get("key", ""))


def _of_volume(place: str, volume: Body, namespace: str) -> Iterator[Reference]:
    for field, name, kind in (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret")):
        yield from _of_source(f"{place}.{field}", volume.get(field) or {}, name, kind, namespace)
    claim = volume.get("persistentVolumeClaim") or {}
    if claim.get("claimName"):
        path = f"{place}.persistentVolumeClaim.claimName"
        yield _reference(path, "PersistentVolumeClaim", namespace, claim["claimName"])
    for index, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
        for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
            target = source.get(field) or {}
            yield from _of_source(f"{place}.projected.sources[{index}].{field}", target, "name", kind, namespace)


def _of_source(place: str, source: Body, name: str, kind: str, namespace: str) -> Iterator[Reference]:
    """A volume made of an object: all of it, or the keys its `items` list."""
    target = source.get(name)
    if not target or source.get("optional"):
        return
    yield _reference(f"{place}.{name}", kind, namespace, target)
    for index, item in enumerate(source.get("items") or ()):
        yield _reference(f"{place}.items[{index}].key", kind, namespace, target, item.get("key", ""))


def _reference(path: str, kind: str, namespace: str, name: str, data_key: str = "") -> Reference:
    return Reference(path, kind, Key(_RESOURCES[kind], namespace, str(name)), data_key)
