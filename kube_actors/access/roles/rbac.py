"""Role-based access control: allowed is what a role allows that a binding gives to the user, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kube_actors.access.attributes import Attributes, Decision
from kube_actors.access.roles.bindings import Bindings
from kube_actors.access.user import MASTERS, User
from kube_actors.errors import ApiError, not_found
from kube_actors.kinds.rbac_facts import PolicyRule
from kube_actors.records import frozen
from kube_actors.store import Key, Store

_MASTER: Final = Decision(True)
_NO_RULE: Final = Decision(False)


@frozen
class HeldRules:
    """What a user may do, rule by rule; `problems` name the roles that are bound and do not exist.

    `incomplete`: the user may do more, which cannot be said in rules.
    """

    rules: tuple[PolicyRule, ...]
    problems: tuple[str, ...] = ()
    incomplete: bool = False


class RbacAuthorizer:
    """Decides by the roles and bindings in the store as they are now; members of `system:masters` may do everything.

    No decision scans: bindings are found by the user's name and groups, roles by their key.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bindings = Bindings(store)

    def decide(self, attributes: Attributes) -> Decision:
        """Whether the user may do this now, and by which binding."""
        if MASTERS in attributes.user.groups:
            return _MASTER
        missing: dict[Key, None] = {}
        for grant in self._bindings.grants(attributes.user, attributes.namespace):
            role = self._store.get(grant.role)
            if role is None:
                missing[grant.role] = None
            elif _allowed(role.projection.facts.rules, attributes):
                return Decision(True, grant.reason)
        if not missing:
            return _NO_RULE
        return Decision(False, f"RBAC: {aggregated([missing_role(key).message for key in missing])}")

    def rules_for(self, user: User, namespace: str) -> HeldRules:
        """Everything the user's bindings give in this namespace (empty: only what holds everywhere)."""
        rules: list[PolicyRule] = []
        seen: dict[Key, None] = {}
        problems = []
        for grant in self._bindings.grants(user, namespace):
            if grant.role in seen:
                continue
            seen[grant.role] = None
            try:
                rules += self.rules_of(grant.role)
            except ApiError as error:
                problems.append(error.message)
        return HeldRules(tuple(rules), tuple(problems))

    def rules_of(self, role: Key) -> tuple[PolicyRule, ...]:
        """The rules of a role; 404 when there is none."""
        revision = self._store.get(role)
        if revision is None:
            raise missing_role(role)
        rules: tuple[PolicyRule, ...] = revision.projection.facts.rules
        return rules


def _allowed(rules: tuple[PolicyRule, ...], attributes: Attributes) -> bool:
    verb = attributes.verb
    if not attributes.is_resource:
        return any(rule.allows_path(verb, attributes.path) for rule in rules)
    group, resource = attributes.group, attributes.resource
    subresource, name = attributes.subresource, attributes.name
    return any(rule.allows(verb, group, resource, subresource, name) for rule in rules)


def missing_role(key: Key) -> ApiError:
    """404 in the words of RBAC, which name the kind in the singular."""
    return not_found(key.plural.removesuffix("s"), key.name, group=key.group)


def aggregated(problems: Sequence[str]) -> str:
    """Several problems as one text, as Kubernetes joins them: `[one, two]`."""
    return problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
