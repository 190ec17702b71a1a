"""What the authorizer reads of roles and bindings: rules and subjects, read once at commit.

How a rule matches is Kubernetes' own: whole words or `*`; for subresources also `*/scale`; for paths a trailing `*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.records import frozen

ALL: Final = "*"
Words = tuple[str, ...]


@frozen(weakref_slot=False)
class PolicyRule:
    """One rule of a role: `verbs` on resources (of `api_groups`, perhaps only some names), or on plain paths."""

    verbs: Words = ()
    api_groups: Words = ()
    resources: Words = ()
    resource_names: Words = ()
    non_resource_urls: Words = ()

    def allows(self, verb: str, group: str, resource: str, subresource: str, name: str) -> bool:
        """Whether the rule lets one do this to a resource; `resource` is the plural alone, `name` may be empty."""
        return (
            (verb in self.verbs or ALL in self.verbs)
            and (group in self.api_groups or ALL in self.api_groups)
            and self._has_resource(resource, subresource)
            and (not self.resource_names or name in self.resource_names)
        )

    def _has_resource(self, resource: str, subresource: str) -> bool:
        resources = self.resources
        if not subresource:
            return resource in resources or ALL in resources
        return f"{resource}/{subresource}" in resources or f"*/{subresource}" in resources or ALL in resources

    def allows_path(self, verb: str, path: str) -> bool:
        """Whether the rule lets one do this (a method in lower case) to a plain path."""
        if not (verb in self.verbs or ALL in self.verbs):
            return False
        return any(path_covered(each, path) for each in self.non_resource_urls)


def path_covered(pattern: str, path: str) -> bool:
    """Whether `/healthz/*` (or the very path, or `*`) stands for this path, which may be such a pattern itself."""
    return pattern == path or (pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL)))


@frozen(weakref_slot=False)
class RoleFacts:
    """A Role or ClusterRole; `aggregates`: its rules are gathered from others."""

    rules: tuple[PolicyRule, ...]
    aggregates: bool = False


@frozen(weakref_slot=False)
class Subject:
    """Whom a binding means: a `User`, a `Group`, or a `ServiceAccount` of a namespace."""

    kind: str
    name: str
    namespace: str = ""


@frozen(weakref_slot=False)
class BindingFacts:
    """A RoleBinding or ClusterRoleBinding: which role (`Role` or `ClusterRole`) it gives to whom."""

    role_kind: str
    role_name: str
    subjects: tuple[Subject, ...]


def policy_rule(body: Mapping[str, Any]) -> PolicyRule:
    """A rule as it stands in an object."""
    return PolicyRule(
        tuple(body.get("verbs") or ()),
        tuple(body.get("apiGroups") or ()),
        tuple(body.get("resources") or ()),
        tuple(body.get("resourceNames") or ()),
        tuple(body.get("nonResourceURLs") or ()),
    )


def role_facts(body: Mapping[str, Any]) -> RoleFacts:
    """The facts of a role's body."""
    return RoleFacts(tuple(map(policy_rule, body.get("rules") or ())), bool(body.get("aggregationRule")))


def binding_facts(body: Mapping[str, Any]) -> BindingFacts:
    """The facts of a binding's body. Service accounts that name no namespace are of the binding's."""
    own = (body.get("metadata") or {}).get("namespace", "")
    role = body.get("roleRef") or {}
    subjects = []
    for each in body.get("subjects") or ():
        kind = each.get("kind", "")
        namespace = (each.get("namespace") or own) if kind == "ServiceAccount" else ""
        subjects.append(Subject(kind, each.get("name", ""), namespace))
    return BindingFacts(role.get("kind", ""), role.get("name", ""), tuple(subjects))
