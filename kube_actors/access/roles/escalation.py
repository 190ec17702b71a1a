"""Nobody gives away more than they have: who writes a role must hold its rules, who binds one must hold that role's.

Except who may `escalate` roles, or `bind` this one. As in Kubernetes this is judged on every write of a role or binding
that changes more than what garbage collection needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from kube_actors.access.attributes import Attributes
from kube_actors.access.roles.bindings import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, role_key
from kube_actors.access.roles.covering import compacted, described, missing_rules, quoted
from kube_actors.access.roles.rbac import HeldRules, RbacAuthorizer
from kube_actors.access.user import MASTERS, User
from kube_actors.errors import ApiError, forbidden
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rbac_facts import BindingFacts, PolicyRule, binding_facts, role_facts
from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.identity import Identity
from kube_actors.writes.request import Operation, Request

_ROLES: Final = frozenset({ROLES, CLUSTER_ROLES})
_GUARDED: Final = _ROLES | {ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS}
_EVERYTHING: Final = (
    PolicyRule(("*",), ("*",), ("*",)),
    PolicyRule(("*",), non_resource_urls=("*",)),
)
# Parts of the metadata whose change gives nobody anything.
_HARMLESS: Final = frozenset({"finalizers", "managedFields", "ownerReferences", "resourceVersion"})


@frozen(eq=False)
class EscalationCheck:
    """The admission plugin: judges roles and bindings by what their writer holds according to `rbac`."""

    resources: ClassVar[Resources] = _GUARDED
    rbac: RbacAuthorizer

    def matches(self, request: Request) -> bool:
        """Roles and bindings that are created or changed."""
        return request.operation is not Operation.DELETE and MASTERS not in request.identity.groups

    def admit(self, request: Request) -> None:
        """ApiError 403 that names every permission the writer lacks."""
        if request.old is not None and _same(request.new, request.old):
            return
        user = user_of(request.identity)
        if request.resource.id in _ROLES:
            self._check_role(request, user)
        else:
            self._check_binding(request, user)

    def _check_role(self, request: Request, user: User) -> None:
        name = request.key.name if request.old is not None else ""
        if self._may(user, "escalate", request, request.resource.plural, name):
            return
        held = self.rbac.rules_for(user, request.key.namespace)
        self._check_held(request, user, held, role_facts(request.new).rules)
        aggregates = [body for body in (request.new, request.old) if body is not None and body.get("aggregationRule")]
        if aggregates and missing_rules(held.rules, _EVERYTHING):
            raise _refusal(request, "must have cluster-admin privileges to use the aggregationRule")

    def _check_binding(self, request: Request, user: User) -> None:
        facts: BindingFacts = binding_facts(request.new)
        role = role_key(facts, request.key.namespace)
        if self._may(user, "bind", request, role.plural, role.name):
            return
        held = self.rbac.rules_for(user, request.key.namespace)
        self._check_held(request, user, held, self.rbac.rules_of(role))

    def _may(self, user: User, verb: str, request: Request, plural: str, name: str) -> bool:
        group, namespace = request.resource.group, request.key.namespace
        wish = Attributes(user, verb, group, "*", plural, namespace=namespace, name=name)
        return self.rbac.decide(wish).allowed

    def _check_held(self, request: Request, user: User, held: HeldRules, wanted: Sequence[PolicyRule]) -> None:
        missing = missing_rules(held.rules, wanted)
        if not missing:
            return
        listed = "\n".join(sorted(map(described, compacted(missing))))
        who = f'user "{user.name}" (groups={quoted(user.groups)})'
        why = f"{who} is attempting to grant RBAC permissions not currently held:\n{listed}"
        if held.problems:
            why += f"; resolution errors: [{', '.join(held.problems)}]"
        raise _refusal(request, why)


def user_of(identity: Identity) -> User:
    """Who writes, as authorizers know them."""
    return User(identity.user, identity.groups, identity.uid, identity.extra)


def _refusal(request: Request, why: str) -> ApiError:
    return forbidden(request.key.plural, request.key.name, why, group=request.key.group)


def _same(new: Body, old: Body) -> bool:
    """Whether nothing differs but what garbage collection and bookkeeping write."""
    return _judged(new) == _judged(old)


def _judged(body: Body) -> Body:
    metadata = {name: value for name, value in body["metadata"].items() if name not in _HARMLESS}
    return {**body, "metadata": metadata}
