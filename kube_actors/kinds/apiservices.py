"""APIServices: groups and versions that another server answers for."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks

HTTPS = 443


def _default(body: Body) -> None:
    spec = body.get("spec")
    service = spec.get("service") if isinstance(spec, dict) else None
    if isinstance(service, dict):
        service.setdefault("port", HTTPS)


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    name, wanted = new["metadata"].get("name", ""), f"{spec.get('version', '')}.{spec.get('group', '')}"
    found = []
    if name != wanted:
        found.append(causes.invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{wanted}"'))
    if not spec.get("version"):
        found.append(causes.required("spec.version"))
    return found


HOOKS = Hooks(default=_default, validate=_validate)
