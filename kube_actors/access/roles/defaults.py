"""The roles and bindings every cluster begins with, as Kubernetes v1.36 has them.

`default_roles.json` says them in short: a rule is verbs, groups (`core`, or `url` for plain paths), resources and
perhaps names, each separated by blanks; `joins` is the role whose rules these become part of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.rbac import GROUP
from kube_actors.plan.role_aggregation import cluster_role, plan_aggregation
from kube_actors.store import Key

API_VERSION: Final = f"{GROUP}/v1"
AUTOUPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"
SYSTEM: Final = "kube-system"
CONTROLLER: Final = "system:controller:"
_FACTS: Final = Path(__file__).with_name("default_roles.json")


def default_roles() -> list[Body]:
    """All default roles, then all default bindings; fresh bodies for the caller to keep."""
    facts = json.loads_trusted(_FACTS.read_bytes())
    short = facts["verbs"]
    roles = [_cluster_role(name, row, short) for name, row in facts["cluster_roles"].items()]
    bindings = [_binding("ClusterRole", name, row) for name, row in facts["cluster_roles"].items() if _is_bound(row)]
    for name, rules in facts["controllers"].items():
        roles.append(_role("ClusterRole", CONTROLLER + name, rules, short))
        bindings.append(_binding("ClusterRole", CONTROLLER + name, {"service_account": name}))
    _gather(roles)
    for namespace, rows in facts["roles"].items():
        for name, row in rows.items():
            roles.append(_role("Role", name, row["rules"], short, namespace=namespace))
            bindings.append(_binding("Role", name, row, namespace=namespace))
    return [*roles, *bindings]


def default_role_keys() -> Iterator[Key]:
    """Where the default roles and bindings are kept."""
    facts = json.loads_trusted(_FACTS.read_bytes())
    for name, row in facts["cluster_roles"].items():
        yield _key("clusterroles", name)
        if _is_bound(row):
            yield _key("clusterrolebindings", row.get("binding", name))
    for name in facts["controllers"]:
        yield from (_key(resource, CONTROLLER + name) for resource in ("clusterroles", "clusterrolebindings"))
    for namespace, rows in facts["roles"].items():
        for name, row in rows.items():
            yield _key("roles", name, namespace)
            yield _key("rolebindings", row.get("binding", name), namespace)


def _key(resource: str, name: str, namespace: str = "") -> Key:
    return Key(f"{resource}.{GROUP}", namespace, name)


def _is_bound(row: Mapping[str, Any]) -> bool:
    return not row.keys().isdisjoint({"users", "groups", "service_account", "bound"})


def _cluster_role(name: str, row: Mapping[str, Any], short: Mapping[str, str]) -> Body:
    role = _role("ClusterRole", name, row.get("rules", ()), short)
    if "joins" in row:
        role["metadata"]["labels"][_joins(row["joins"])] = "true"
    if "aggregates" in row:
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {_joins(row["aggregates"]): "true"}}]}
    return role


def _joins(role: str) -> str:
    return f"{GROUP}/aggregate-to-{role}"


def _gather(roles: Iterable[Body]) -> None:
    """Give the aggregating roles their rules at once, as the controller would one after the other."""
    by_name = {role["metadata"]["name"]: role for role in roles}
    while plan := plan_aggregation(map(cluster_role, by_name.values())):
        for name, rules in plan.items():
            by_name[name]["rules"] = list(rules)


def _role(kind: str, name: str, rules: Iterable[list[str]], short: Mapping[str, str], *, namespace: str = "") -> Body:
    return _object(kind, name, namespace, rules=[_rule(short, *rule) for rule in rules])


def _rule(short: Mapping[str, str], verbs: str, groups: str, resources: str, names: str = "") -> Body:
    all_verbs = sorted({each for verb in verbs.split() for each in short.get(verb, verb).split()})
    if groups == "url":
        return {"verbs": all_verbs, "nonResourceURLs": resources.split()}
    api_groups = ["" if group == "core" else group for group in groups.split()]
    named = {"resourceNames": names.split()} if names else {}
    return {"verbs": all_verbs, "apiGroups": api_groups, "resources": resources.split(), **named}


def _binding(kind: str, role: str, row: Mapping[str, Any], *, namespace: str = "") -> Body:
    subjects = list(_subjects(row))
    role_ref = {"apiGroup": GROUP, "kind": kind, "name": role}
    body = _object(f"{kind}Binding", row.get("binding", role), namespace, roleRef=role_ref)
    return {**body, "subjects": subjects} if subjects else body


def _subjects(row: Mapping[str, Any]) -> Iterator[Body]:
    for kind, names in (("User", row.get("users", "")), ("Group", row.get("groups", ""))):
        for name in names.split():
            yield {"kind": kind, "apiGroup": GROUP, "name": name}
    if "service_account" in row:
        yield {"kind": "ServiceAccount", "name": row["service_account"], "namespace": SYSTEM}


def _object(kind: str, name: str, namespace: str, **content: Any) -> Body:
    metadata: Body = {
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {AUTOUPDATE: "true"},
    }
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, **content}
