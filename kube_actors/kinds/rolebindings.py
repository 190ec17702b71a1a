"""RoleBindings: who has a role in one namespace."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rbac_facts import binding_facts
from kube_actors.kinds.rules.rbac import check_binding, default_binding


def _validate(new: Body, old: Body | None) -> list[Cause]:
    return check_binding(new, old, ("Role", "ClusterRole"))


HOOKS = Hooks(
    default=default_binding,
    validate=_validate,
    project=binding_facts,
    name=names.path_segment,
    generation=None,
)
