"""Who is bound to which role: an index of all bindings by subject, kept by the store's commits.

So a decision looks at the bindings of one user and of that user's groups, however many others there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kube_actors.access.user import User
from kube_actors.kinds.rbac_facts import BindingFacts, Subject
from kube_actors.records import frozen
from kube_actors.store import Commit, Key, Revision, Store

ROLES: Final = "roles.rbac.authorization.k8s.io"
CLUSTER_ROLES: Final = "clusterroles.rbac.authorization.k8s.io"
ROLE_BINDINGS: Final = "rolebindings.rbac.authorization.k8s.io"
CLUSTER_ROLE_BINDINGS: Final = "clusterrolebindings.rbac.authorization.k8s.io"
ACCOUNT_PREFIX: Final = "system:serviceaccount:"

# Namespace of the binding (empty: everywhere) and whom it means: there, by role and by binding, are the grants.
_Place = tuple[str, str, str]


@frozen
class Grant:
    """What one binding gives to one subject: a role, and the sentence that says so."""

    role: Key
    reason: str


class Bindings:
    """The grants of all bindings of a store. Correct from the moment a commit returns."""

    def __init__(self, store: Store) -> None:
        self._grants: dict[_Place, dict[Key, dict[Key, Grant]]] = {}
        for resource in (CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS):
            for revision in store.list(resource):
                self._add(revision)
            store.subscribe(self._committed, resource)

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """What this user has everywhere, then what in the namespace (empty: nowhere else).

        However often one and the same role is bound to somebody, it comes once.
        """
        for place in ("", namespace) if namespace else ("",):
            for kind, name in _identities(user):
                for bindings in self._grants.get((place, kind, name), _NONE).values():
                    yield next(iter(bindings.values()))

    def _committed(self, commit: Commit) -> None:
        if commit.kind != "added":
            self._discard(commit.previous or commit.revision)
        if commit.kind != "deleted":
            self._add(commit.revision)

    def _add(self, revision: Revision) -> None:
        role = role_key(revision.projection.facts, revision.key.namespace)
        for subject in revision.projection.facts.subjects:
            roles = self._grants.setdefault(_place(revision.key, subject), {})
            roles.setdefault(role, {})[revision.key] = _grant(revision, role, subject)

    def _discard(self, revision: Revision) -> None:
        role = role_key(revision.projection.facts, revision.key.namespace)
        for subject in revision.projection.facts.subjects:
            place = _place(revision.key, subject)
            roles = self._grants.get(place, {})
            bindings = roles.get(role, {})
            bindings.pop(revision.key, None)
            if not bindings:
                roles.pop(role, None)
            if not roles:
                self._grants.pop(place, None)


_NONE: Final[dict[Key, dict[Key, Grant]]] = {}


def _identities(user: User) -> Iterator[tuple[str, str]]:
    """As whom a binding can mean this user."""
    yield "User", user.name
    if user.name.startswith(ACCOUNT_PREFIX):
        yield "ServiceAccount", user.name
    for group in user.groups:
        yield "Group", group


def _place(key: Key, subject: Subject) -> _Place:
    name = f"{ACCOUNT_PREFIX}{subject.namespace}:{subject.name}" if subject.kind == "ServiceAccount" else subject.name
    return key.namespace, subject.kind, name


def role_key(facts: BindingFacts, namespace: str) -> Key:
    """The key of the role a binding (in this namespace) refers to."""
    if facts.role_kind == "ClusterRole":
        return Key(CLUSTER_ROLES, "", facts.role_name)
    return Key(ROLES, namespace, facts.role_name)


def _grant(revision: Revision, role: Key, subject: Subject) -> Grant:
    """The grant with its reason in the words of kube-apiserver."""
    facts: BindingFacts = revision.projection.facts
    key = revision.key
    binding = f'RoleBinding "{key.name}/{key.namespace}"' if key.namespace else f'ClusterRoleBinding "{key.name}"'
    whom = f"{subject.name}/{subject.namespace}" if subject.kind == "ServiceAccount" else subject.name
    reason = f'RBAC: allowed by {binding} of {facts.role_kind} "{facts.role_name}" to {subject.kind} "{whom}"'
    return Grant(role, reason)
