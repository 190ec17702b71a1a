"""What the environment of a container may not be."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.mounts import Volumes, local_path_rules
from kube_actors.kinds.rules.resources import divisor_rules

ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
RESOURCE_FIELDS = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)


def environment_rules(container: Body, field: str, volumes: Volumes) -> list[Cause]:
    """`env` and `envFrom` of one container, in a pod with these volumes."""
    found = _variables(container.get("env") or (), f"{field}.env", volumes)
    return found + _sources(container.get("envFrom") or (), f"{field}.envFrom")


def _variables(variables: Any, field: str, volumes: Volumes) -> list[Cause]:
    found = []
    for index, variable in enumerate(variables):
        place, name = f"{field}[{index}]", variable.get("name", "")
        if not name:
            found.append(causes.required(f"{place}.name"))
        else:
            found += [causes.invalid(f"{place}.name", name, why) for why in names.env_var_name(name)]
        source = variable.get("valueFrom")
        if source is not None:
            found += _value_from(source, f"{place}.valueFrom", volumes, has_value=bool(variable.get("value")))
    return found


def _value_from(source: Body, field: str, volumes: Volumes, *, has_value: bool) -> list[Cause]:
    given = [name for name in ENV_SOURCES if source.get(name) is not None]
    listed = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
    if not given:
        return [causes.invalid(field, "", f"must specify one of: {listed}")]
    if has_value:
        return [causes.invalid(field, "", "may not be specified when `value` is not empty")]
    if len(given) > 1:
        return [causes.invalid(field, "", "may not have more than one field specified at a time")]
    reference, place = source[given[0]], f"{field}.{given[0]}"
    match given[0]:
        case "fieldRef":
            return field_path_rules(reference.get("fieldPath", ""), f"{place}.fieldPath", ENV_FIELDS)
        case "resourceFieldRef":
            return resource_field_rules(reference, place)
        case "fileKeyRef":
            return _file_key(reference, place, volumes)
        case _:
            return _key_reference(reference, place)


def field_path_rules(path: str, field: str, plain: tuple[str, ...]) -> list[Cause]:
    """A `fieldPath`: one of the plain fields, or a single label or annotation."""
    if not path:
        return [causes.required(field)]
    for prefix in ("metadata.labels", "metadata.annotations"):
        if path.startswith(f"{prefix}['") and path.endswith("']"):
            key = path[len(prefix) + 2 : -2]
            return [causes.invalid(field, path, why) for why in names.qualified_name(key.lower())]
    if path in plain:
        return []
    known = sorted((*plain, "metadata.annotations['<KEY>']", "metadata.labels['<KEY>']"))
    return [causes.not_supported(field, path, known)]


def resource_field_rules(reference: Body, field: str) -> list[Cause]:
    """An amount that a container has or asks for, and the unit in which it is told."""
    resource, place = reference.get("resource") or "", f"{field}.resource"
    if not resource:
        return [causes.required(place)]
    if resource not in RESOURCE_FIELDS and ".hugepages-" not in resource:
        return [causes.not_supported(place, resource, sorted(RESOURCE_FIELDS))]
    return divisor_rules(resource, reference.get("divisor"), f"{field}.divisor")


def _key_reference(reference: Body, field: str) -> list[Cause]:
    key, name = reference.get("key", ""), reference.get("name", "")
    found = [causes.invalid(f"{field}.name", name, why) for why in names.dns1123_subdomain(name)]
    if not key:
        return [*found, causes.required(f"{field}.key")]
    return found + [causes.invalid(f"{field}.key", key, why) for why in names.config_map_key(key)]


def _file_key(reference: Body, field: str, volumes: Volumes) -> list[Cause]:
    """A variable out of a file that another container of the pod writes into an emptyDir."""
    key, path, volume = (reference.get(name, "") for name in ("key", "path", "volumeName"))
    found = [causes.invalid(f"{field}.key", key, why) for why in names.env_var_name(key)] if key else []
    found += [causes.required(f"{field}.{name}") for name in ("key", "path", "volumeName") if not reference.get(name)]
    if path:
        found += local_path_rules(path, f"{field}.path")
    if volume and volume not in volumes:
        found.append(causes.not_found(f"{field}.volumeName", volume))
    elif volume and volumes[volume].get("emptyDir") is None:
        found.append(causes.invalid(f"{field}.volumeName", volume, "referenced volume must be of type emptyDir"))
    return found


def _sources(sources: Any, field: str) -> list[Cause]:
    found = []
    for index, source in enumerate(sources):
        place = f"{field}[{index}]"
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        if not given:
            found.append(causes.invalid(place, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            found.append(causes.invalid(place, "", "may not have more than one field specified at a time"))
        else:
            name, at = source[given[0]].get("name") or "", f"{place}.{given[0]}.name"
            problems = [causes.invalid(at, name, why) for why in names.dns1123_subdomain(name)]
            found += problems if name else [causes.required(at)]
        if source.get("prefix"):
            found += [
                causes.invalid(f"{place}.prefix", source["prefix"], why) for why in names.env_var_name(source["prefix"])
            ]
    return found
