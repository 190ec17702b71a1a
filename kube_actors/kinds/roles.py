"""Roles: rules of one namespace."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rbac_facts import role_facts
from kube_actors.kinds.rules.rbac import check_rules


def _validate(new: Body, old: Body | None) -> list[Cause]:
    return check_rules(new, namespaced=True)


HOOKS = Hooks(validate=_validate, project=role_facts, name=names.path_segment, generation=None)
