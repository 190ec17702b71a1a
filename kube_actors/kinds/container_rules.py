"""What a container may not be."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.probe_rules import lifecycle_rules, probe_rules

PLAIN_RESOURCES = ("cpu", "memory", "ephemeral-storage")
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


def containers_rules(spec: Body, field: str, volumes: set[str]) -> list[Cause]:
    """All containers of a pod: each by itself, and their names against each other."""
    found = []
    grace = spec.get("terminationGracePeriodSeconds")
    taken: set[str] = set()
    host_ports: set[tuple[Any, ...]] = set()
    if not spec.get("containers"):
        found.append(causes.required(f"{field}.containers"))
    for list_name in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(list_name) or ()):
            place = f"{field}.{list_name}[{index}]"
            keeps_running = list_name == "containers" or container.get("restartPolicy") == "Always"
            name = container.get("name", "")
            if name in taken:
                found.append(causes.duplicate(f"{place}.name", name))
            taken.add(name)
            found += container_rules(container, place, volumes)
            found += _ports(container, place, host_ports if keeps_running else set(), bool(spec.get("hostNetwork")))
            found += probe_rules(container, place, restartable=keeps_running)
            found += lifecycle_rules(container, place, grace, restartable=keeps_running)
    return found


def container_rules(container: Body, field: str, volumes: set[str]) -> list[Cause]:
    """One container by itself; `volumes` are the names of its pod's."""
    name, image = container.get("name", ""), container.get("image", "")
    found = [causes.invalid(f"{field}.name", name, why) for why in names.dns1123_label(name)] if name else []
    if not name:
        found.append(causes.required(f"{field}.name"))
    if not image:
        found.append(causes.required(f"{field}.image"))
    elif image != image.strip():
        found.append(causes.invalid(f"{field}.image", image, "must not have leading or trailing whitespace"))
    found += _environment(container.get("env") or (), f"{field}.env")
    found += _environment_sources(container.get("envFrom") or (), f"{field}.envFrom")
    found += _mounts(container.get("volumeMounts") or (), f"{field}.volumeMounts", volumes)
    found += resources_rules(container.get("resources") or {}, f"{field}.resources")
    found += _security(container.get("securityContext") or {}, f"{field}.securityContext")
    if container.get("terminationMessagePath") == "":
        found.append(causes.required(f"{field}.terminationMessagePath"))
    return found


def _ports(container: Body, field: str, host_ports: set[tuple[Any, ...]], host_network: bool) -> list[Cause]:
    found = []
    taken: set[str] = set()
    for index, port in enumerate(container.get("ports") or ()):
        place = f"{field}.ports[{index}]"
        name, number, host = port.get("name", ""), port.get("containerPort"), port.get("hostPort")
        if name:
            found += [causes.invalid(f"{place}.name", name, why) for why in names.port_name(name)]
            if name in taken:
                found.append(causes.duplicate(f"{place}.name", name))
            taken.add(name)
        found += causes.port(f"{place}.containerPort", number)
        if not host:
            continue
        found += causes.port(f"{place}.hostPort", host)
        if host_network and host != number:
            found.append(
                causes.invalid(f"{place}.hostPort", host, "must match `containerPort` when `hostNetwork` is true")
            )
        key = (port.get("protocol", "TCP"), port.get("hostIP", ""), host)
        if key in host_ports:
            found.append(causes.duplicate(f"{place}.hostPort", "/".join(str(part) for part in key)))
        host_ports.add(key)
    return found


def _environment(variables: Any, field: str) -> list[Cause]:
    found = []
    for index, variable in enumerate(variables):
        place, name = f"{field}[{index}]", variable.get("name", "")
        if not name:
            found.append(causes.required(f"{place}.name"))
        else:
            found += [causes.invalid(f"{place}.name", name, why) for why in names.env_var_name(name)]
        source = variable.get("valueFrom")
        if source is not None:
            found += _value_from(source, f"{place}.valueFrom", bool(variable.get("value")))
    return found


def _value_from(source: Body, field: str, has_value: bool) -> list[Cause]:
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
            return _resource_field(reference.get("resource", ""), f"{place}.resource")
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
    return [causes.not_supported(field, path, (*plain, "metadata.annotations['<KEY>']", "metadata.labels['<KEY>']"))]


def _resource_field(resource: str, field: str) -> list[Cause]:
    if not resource:
        return [causes.required(field)]
    if resource in RESOURCE_FIELDS or ".hugepages-" in resource:
        return []
    return [causes.not_supported(field, resource, RESOURCE_FIELDS)]


def _key_reference(reference: Body, field: str) -> list[Cause]:
    key, found = reference.get("key", ""), []
    name = reference.get("name", "")
    if "volumeName" not in reference:
        found += [causes.invalid(f"{field}.name", name, why) for why in names.dns1123_subdomain(name)] if name else []
    if not key:
        return [*found, causes.required(f"{field}.key")]
    return found + [causes.invalid(f"{field}.key", key, why) for why in names.config_map_key(key)]


def _environment_sources(sources: Any, field: str) -> list[Cause]:
    found = []
    for index, source in enumerate(sources):
        place = f"{field}[{index}]"
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        if not given:
            found.append(causes.invalid(place, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            found.append(causes.invalid(place, "", "may not have more than one field specified at a time"))
        if source.get("prefix"):
            found += [
                causes.invalid(f"{place}.prefix", source["prefix"], why) for why in names.env_var_name(source["prefix"])
            ]
    return found


def _mounts(mounts: Any, field: str, volumes: set[str]) -> list[Cause]:
    found = []
    taken: set[str] = set()
    for index, mount in enumerate(mounts):
        place, name, path = f"{field}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            found.append(causes.required(f"{place}.name"))
        elif name not in volumes:
            found.append(causes.not_found(f"{place}.name", name))
        if not path:
            found.append(causes.required(f"{place}.mountPath"))
        elif path in taken:
            found.append(causes.invalid(f"{place}.mountPath", path, "must be unique"))
        taken.add(path)
        if mount.get("subPath") and mount.get("subPathExpr"):
            found.append(
                causes.invalid(
                    f"{place}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"
                )
            )
        for key in ("subPath", "subPathExpr"):
            if mount.get(key):
                found += local_path_rules(mount[key], f"{place}.{key}")
    return found


def local_path_rules(path: str, field: str) -> list[Cause]:
    """A path that must not lead out of its directory."""
    found = [causes.invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    if ".." in path.split("/"):
        found.append(causes.invalid(field, path, "must not contain '..'"))
    return found


def resources_rules(resources: Body, field: str) -> list[Cause]:
    """Known resources, amounts that are not negative, no request above its limit."""
    found = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            place = f"{field}.{kind}[{name}]"
            found += _resource_name(name, place)
            found += _amount(name, amount, place)
    for name in limits.keys() & requests.keys():
        if Quantity.parse(requests[name]) > Quantity.parse(limits[name]):
            why = f"must be less than or equal to {name} limit of {Quantity.parse(limits[name])}"
            found.append(causes.invalid(f"{field}.requests", str(Quantity.parse(requests[name])), why))
    return found


def _resource_name(name: str, field: str) -> list[Cause]:
    found = [causes.invalid(field, name, why) for why in names.qualified_name(name)]
    if not found and "/" not in name and name not in PLAIN_RESOURCES and not name.startswith("hugepages-"):
        return [causes.invalid(field, name, "must be a standard resource for containers")]
    return found


def _amount(name: str, amount: Any, field: str) -> list[Cause]:
    quantity = Quantity.parse(amount)
    if quantity.nano < 0:
        return [causes.invalid(field, str(quantity), "must be greater than or equal to 0")]
    if name not in PLAIN_RESOURCES and quantity.nano % 10**9:
        return [causes.invalid(field, str(quantity), "must be an integer")]
    return []


def _security(context: Body, field: str) -> list[Cause]:
    found = [
        causes.invalid(f"{field}.{name}", context[name], "must be between 0 and 2147483647, inclusive")
        for name in ("runAsUser", "runAsGroup")
        if context.get(name) is not None and not 0 <= context[name] <= 2**31 - 1
    ]
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        found.append(
            causes.invalid(field, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        )
    return found
