"""ClusterRoles: rules for the whole cluster, their own or gathered from others by label."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rbac_facts import role_facts
from kube_actors.kinds.rules.rbac import check_rules
from kube_actors.kinds.rules.selectors import label_selector_rules

SELECTORS = "aggregationRule.clusterRoleSelectors"


def _validate(new: Body, old: Body | None) -> list[Cause]:
    found = check_rules(new, namespaced=False)
    rule = new.get("aggregationRule")
    if rule is None:
        return found
    selectors = rule.get("clusterRoleSelectors")
    if not selectors:
        why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        return [*found, causes.required(SELECTORS, why)]
    for index, selector in enumerate(selectors):
        found += label_selector_rules(selector, f"{SELECTORS}[{index}]")
    return found


HOOKS = Hooks(validate=_validate, project=role_facts, name=names.path_segment, generation=None)
