"""PodTemplates: a template that is kept by itself."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.pod_specs import validate_template
from kube_actors.kinds.workloads import default_template


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    return validate_template(new.get("template") or {}, "template")


def _changed(new: Body, old: Body) -> bool:
    return bool(new.get("template") != old.get("template"))


HOOKS = Hooks(default=default_template, validate=_validate, generation=_changed)
