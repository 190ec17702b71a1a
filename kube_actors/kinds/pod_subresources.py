"""What the subresources of a pod may change: `ephemeralcontainers` adds debugging containers, `resize` resources."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.patches import clone
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.pod_qos import qos_class
from kube_actors.kinds.rules.containers import container_rules
from kube_actors.kinds.rules.pod_specs import pod_resources_rules
from kube_actors.kinds.rules.resources import resources_rules

EPHEMERAL: Final = "ephemeralContainers"
RESIZABLE: Final = ("resources", "resizePolicy")
RESIZED_RESOURCES: Final = ("cpu", "memory")
MIRROR_ANNOTATION: Final = "kubernetes.io/config.mirror"
# What a debugging container has no use for.
NOT_EPHEMERAL: Final = (
    *("lifecycle", "livenessProbe", "ports", "readinessProbe", "resizePolicy", "restartPolicyRules"),
    "startupProbe",
)


def confine(new: Body, old: Body, subresource: str) -> None:
    """Put everything back that this subresource does not change, in place."""
    if subresource == "ephemeralcontainers":
        _keep_frame(new, old)
        new["spec"] = _with(old["spec"], EPHEMERAL, new["spec"].get(EPHEMERAL))
    elif subresource == "resize" and not _rearranged(new["spec"], old["spec"]):
        _keep_frame(new, old)
        spec = clone(old["spec"])
        _put(spec, "resources", new["spec"].get("resources"))
        for kind in ("containers", "initContainers"):
            for container, sent in zip(spec.get(kind) or (), new["spec"].get(kind) or (), strict=True):
                for name in RESIZABLE:
                    _put(container, name, sent.get(name))
        new["spec"] = spec


def validate_ephemeral_containers(new: Body, old: Body) -> list[Cause]:
    """Debugging containers are added, never changed or taken away."""
    if MIRROR_ANNOTATION in (old["metadata"].get("annotations") or {}):
        return [causes.forbidden("", "static pods do not support ephemeral containers")]
    spec, field = new["spec"], f"spec.{EPHEMERAL}"
    containers = spec.get(EPHEMERAL) or []
    before = {each["name"]: each for each in old["spec"].get(EPHEMERAL) or ()}
    now = {each.get("name"): each for each in containers}
    found = []
    for name, container in before.items():
        if name not in now:
            found.append(causes.forbidden(field, f'existing ephemeral containers "{name}" may not be removed'))
        elif now[name] != container:
            found.append(causes.forbidden(field, f'existing ephemeral containers "{name}" may not be changed'))
    others = [each["name"] for kind in ("containers", "initContainers") for each in spec.get(kind) or ()]
    taken = set(others)
    volumes = {each.get("name", ""): each for each in spec.get("volumes") or ()}
    for index, container in enumerate(containers):
        place = f"{field}[{index}]"
        name = container.get("name") or ""
        if name and name in taken:
            found.append(causes.duplicate(f"{place}.name", name))
        taken.add(name)
        found += container_rules(container, place, spec, volumes) + _ephemeral_container(container, place, others)
    return found


def _ephemeral_container(container: Body, field: str, others: list[str]) -> list[Cause]:
    """What a debugging container must not have, and whose namespaces it is to join."""
    target = container.get("targetContainerName") or ""
    found = []
    for forbidden in NOT_EPHEMERAL:
        if container.get(forbidden):
            found.append(causes.forbidden(f"{field}.{forbidden}", "cannot be set for an Ephemeral Container"))
    if container.get("resources"):
        found.append(causes.forbidden(f"{field}.resources", "cannot be set for an Ephemeral Container"))
    if target and target not in others:
        found.append(causes.not_found(f"{field}.targetContainerName", target))
    return found


def validate_resize(new: Body, old: Body) -> list[Cause]:
    """Only cpu and memory of containers that run on change, and the class of quality stays what it is."""
    if MIRROR_ANNOTATION in (old["metadata"].get("annotations") or {}):
        return [causes.forbidden("", "static pods cannot be resized")]
    spec, before = new["spec"], old["spec"]
    found = _arrangement(spec, before)
    if found:
        return found
    if spec.get("resources") != before.get("resources"):
        found += pod_resources_rules(spec, "spec.resources")
        found += _changed_resources(spec.get("resources") or {}, before.get("resources") or {}, "spec.resources")
    for kind in ("containers", "initContainers"):
        for index, (container, earlier) in enumerate(zip(spec.get(kind) or (), before.get(kind) or (), strict=True)):
            found += _resized(container, earlier, f"spec.{kind}[{index}].resources", kind == "initContainers")
    qos = qos_class(before)
    if qos_class(spec) != qos:
        found.append(causes.invalid("spec", qos, "Pod QOS Class may not change as a result of resizing"))
    return found


def _resized(container: Body, earlier: Body, field: str, is_init: bool) -> list[Cause]:
    """What is wrong with one container's new resources."""
    resources, before = container.get("resources") or {}, earlier.get("resources") or {}
    if resources == before:
        return []
    if is_init and container.get("restartPolicy") != "Always":
        return [causes.forbidden(field, "resources for non-sidecar init containers are immutable")]
    return resources_rules(resources, field) + _changed_resources(resources, before, field)


def _changed_resources(resources: Body, before: Body, field: str) -> list[Cause]:
    """Amounts of cpu and memory change or are added; nothing else does, and none is removed."""
    found = []
    if _unresizable(resources) != _unresizable(before):
        found.append(causes.forbidden("spec", "only cpu and memory resources are mutable"))
    for kind in ("limits", "requests"):
        kept, had = resources.get(kind) or {}, before.get(kind) or {}
        if any(name in had and name not in kept for name in RESIZED_RESOURCES):
            found.append(causes.forbidden(f"{field}.{kind}", f"resource {kind} cannot be removed"))
    return found


def _unresizable(resources: Body) -> Body:
    """Everything but amounts of cpu and memory."""
    rest: dict[str, Any] = {name: value for name, value in resources.items() if name not in ("limits", "requests")}
    for kind in ("limits", "requests"):
        amounts = (resources.get(kind) or {}).items()
        rest[kind] = {name: amount for name, amount in amounts if name not in RESIZED_RESOURCES}
    return rest


def _arrangement(spec: Body, before: Body) -> list[Cause]:
    """Containers are neither added, removed, renamed nor put in another order."""
    found = []
    for kind in ("containers", "initContainers"):
        now, was = _names(spec, kind), _names(before, kind)
        if len(now) != len(was):
            found.append(causes.forbidden(f"spec.{kind}", f"{kind} may not be added or removed on resize"))
        elif now != was:
            found.append(causes.forbidden(f"spec.{kind}", f"{kind} may not be renamed or reordered on resize"))
    return found


def _rearranged(spec: Body, before: Body) -> bool:
    return any(_names(spec, kind) != _names(before, kind) for kind in ("containers", "initContainers"))


def _names(spec: Body, kind: str) -> list[Any]:
    return [container.get("name") for container in spec.get(kind) or ()]


def _keep_frame(new: Body, old: Body) -> None:
    """The metadata stays as it is, but for who owns what."""
    entries = new["metadata"].get("managedFields")
    new["metadata"] = _with(old["metadata"], "managedFields", entries)


def _with(body: Body, name: str, value: Any) -> Body:
    changed = dict(body)
    _put(changed, name, value)
    return changed


def _put(body: Body, name: str, value: Any) -> None:
    if value is None:
        body.pop(name, None)
    else:
        body[name] = value
