"""What roles and bindings have in common: the rules of rules, of subjects and of references to roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

GROUP: Final = "rbac.authorization.k8s.io"


def check_rules(body: Body, *, namespaced: bool) -> list[Cause]:
    """Every rule has verbs, and either groups and resources or plain paths."""
    found: list[Cause] = []
    for index, rule in enumerate(body.get("rules") or ()):
        found += _check_rule(rule, f"rules[{index}]", namespaced)
    return found


def _check_rule(rule: Body, field: str, namespaced: bool) -> list[Cause]:
    found: list[Cause] = []
    if not rule.get("verbs"):
        found.append(causes.required(f"{field}.verbs", "verbs must contain at least one value"))
    paths = rule.get("nonResourceURLs")
    if paths:
        where = f"{field}.nonResourceURLs"
        if namespaced:
            found.append(causes.invalid(where, paths, "namespaced rules cannot apply to non-resource URLs"))
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            found.append(causes.invalid(where, paths, why))
        return found
    if not rule.get("apiGroups"):
        found.append(causes.required(f"{field}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        found.append(causes.required(f"{field}.resources", "resource rules must supply at least one resource"))
    return found


def default_binding(body: Body) -> None:
    """The group of the role, and of users and groups, is RBAC's own."""
    role = body.setdefault("roleRef", {})
    if isinstance(role, dict) and not role.get("apiGroup"):
        role["apiGroup"] = GROUP
    for subject in body.get("subjects") or ():
        if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = GROUP


def check_binding(new: Body, old: Body | None, kinds: tuple[str, ...]) -> list[Cause]:
    """The role is of one of these kinds and stays the same; subjects are complete."""
    found = _check_role(new.get("roleRef") or {}, kinds)
    for index, subject in enumerate(new.get("subjects") or ()):
        found += _check_subject(subject, f"subjects[{index}]", namespaced="Role" in kinds)
    if old is not None and new.get("roleRef") != old.get("roleRef"):
        found.append(causes.invalid("roleRef", new.get("roleRef"), "cannot change roleRef"))
    return found


def _check_role(role: Body, kinds: tuple[str, ...]) -> list[Cause]:
    found: list[Cause] = []
    if role.get("apiGroup") != GROUP:
        found.append(causes.not_supported("roleRef.apiGroup", role.get("apiGroup", ""), [GROUP]))
    if role.get("kind") not in kinds:
        found.append(causes.not_supported("roleRef.kind", role.get("kind", ""), kinds))
    name = role.get("name")
    if not name:
        return [*found, causes.required("roleRef.name")]
    return [*found, *_invalid("roleRef.name", name, names.path_segment(name))]


def _check_subject(subject: Body, field: str, *, namespaced: bool) -> list[Cause]:
    found: list[Cause] = []
    kind, name, group = subject.get("kind", ""), subject.get("name", ""), subject.get("apiGroup", "")
    if not name:
        found.append(causes.required(f"{field}.name"))
    if kind == "ServiceAccount":
        if name:
            found += _invalid(f"{field}.name", name, names.dns1123_subdomain(name))
        if group:
            found.append(causes.not_supported(f"{field}.apiGroup", group, [""]))
        if not namespaced and not subject.get("namespace"):
            found.append(causes.required(f"{field}.namespace"))
    elif kind in ("User", "Group"):
        if group != GROUP:
            found.append(causes.not_supported(f"{field}.apiGroup", group, [GROUP]))
    else:
        found.append(causes.not_supported(f"{field}.kind", kind, ("ServiceAccount", "User", "Group")))
    return found


def _invalid(field: str, value: Any, problems: Iterable[str]) -> list[Cause]:
    return [causes.invalid(field, value, why) for why in problems]
