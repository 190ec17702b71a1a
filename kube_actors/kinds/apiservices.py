"""APIServices: groups and versions, and the server that answers for them: this one, or one behind a Service."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks

HTTPS: Final = 443
HIGHEST_GROUP, HIGHEST_VERSION = 20_000, 1_000


def _default(body: Body) -> None:
    spec = body.get("spec")
    service = spec.get("service") if isinstance(spec, dict) else None
    if isinstance(service, dict):
        service.setdefault("port", HTTPS)


def _prepare_create(body: Body) -> None:
    """What is served here is available at once; of others nobody knows yet."""
    if (body.get("spec") or {}).get("service") is None:
        condition = {
            "type": "Available",
            "status": "True",
            "lastTransitionTime": body["metadata"].get("creationTimestamp"),
            "reason": "Local",
            "message": "Local APIServices are always available",
        }
        body["status"] = {"conditions": [condition]}


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    group, version = spec.get("group", ""), spec.get("version", "")
    name, wanted = new["metadata"].get("name", ""), f"{version}.{group}"
    found = []
    if name != wanted:
        found.append(causes.invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{wanted}"'))
    if not group:
        found += _core(spec, version)
    else:
        found += [causes.invalid("spec.group", group, why) for why in names.dns1123_subdomain(group)]
    found += [causes.invalid("spec.version", version, why) for why in names.dns1035_label(version)]
    found += _priorities(spec)
    service = spec.get("service")
    return found + (_local(spec) if service is None else _remote(spec, service))


def _core(spec: Body, version: str) -> list[Cause]:
    """The group without a name has one version, which nobody else can serve."""
    found = []
    if version != "v1":
        found.append(causes.required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
    if spec.get("service") is not None:
        found.append(causes.invalid("spec.service", spec["service"], "only local APIServices may have an empty group"))
    return found


def _priorities(spec: Body) -> list[Cause]:
    found = []
    for name, highest in (("groupPriorityMinimum", HIGHEST_GROUP), ("versionPriority", HIGHEST_VERSION)):
        value = spec.get(name, 0)
        if not 0 < value <= highest:
            found.append(causes.invalid(f"spec.{name}", value, f"must be positive and less than {highest}"))
    return found


def _local(spec: Body) -> list[Cause]:
    found = []
    if spec.get("caBundle"):
        why = "local APIServices may not have a caBundle"
        found.append(causes.invalid("spec.caBundle", f"{len(spec['caBundle'])} bytes", why))
    if spec.get("insecureSkipTLSVerify"):
        why = "local APIServices may not have insecureSkipTLSVerify"
        found.append(causes.invalid("spec.insecureSkipTLSVerify", True, why))
    return found


def _remote(spec: Body, service: Body) -> list[Cause]:
    found = [causes.required(f"spec.service.{name}") for name in ("namespace", "name") if not service.get(name)]
    found += causes.port("spec.service.port", service.get("port"))
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        why = "may not be true if caBundle is present"
        found.append(causes.invalid("spec.insecureSkipTLSVerify", True, why))
    return found


HOOKS = Hooks(
    default=_default,
    prepare_create=_prepare_create,
    validate=_validate,
    name=names.path_segment,
    generation=None,
    status_metadata=(),
)
