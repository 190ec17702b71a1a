"""Roles and bindings as people write them, and a cluster that has them."""

from __future__ import annotations

import random
from typing import Any

from kube_actors.access.admission import with_access_checks
from kube_actors.access.attributes import Attributes
from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.access.user import AUTHENTICATED, User
from kube_actors.api.registry import Registry
from kube_actors.kernel import VirtualClock
from kube_actors.kinds import project
from kube_actors.store import Commit, Key, Store
from kube_actors.store.journal.memory import MemoryJournal
from kube_actors.writes import Client, Identity, Pipeline
from kube_actors.writes.plugins import built_in_admission

API_VERSION = "rbac.authorization.k8s.io/v1"
ADMIN = Identity("admin", ("system:masters", AUTHENTICATED))


def _raise(error: Exception, _commit: Commit) -> None:
    raise error


class Cluster:
    """A store with its authorizer; `admin` writes in a master's name, `named` in anybody's."""

    def __init__(self) -> None:
        self.store = Store(MemoryJournal(), project=project, on_error=_raise)
        self.rbac = RbacAuthorizer(self.store)
        source = random.Random(7)
        admission = with_access_checks(built_in_admission(self.store, source), self.store, self.rbac)
        self.pipeline = Pipeline(self.store, Registry.built_in(), VirtualClock(), source, admission)
        self.admin = Client(self.pipeline, ADMIN)

    def named(self, name: str, *groups: str) -> Client:
        """A client of a user in these groups, all of them authenticated."""
        return Client(self.pipeline, Identity(name, (*groups, AUTHENTICATED)))

    async def create(self, *bodies: dict[str, Any]) -> None:
        """Store objects as the administrator."""
        for body in bodies:
            await self.admin.create(body)

    def may(self, user: User, verb: str, resource: str, name: str = "", namespace: str = "", group: str = "") -> bool:
        """Whether a user may do something to a resource; `pods/log` is a subresource."""
        plural, _, subresource = resource.partition("/")
        return self.rbac.decide(Attributes(user, verb, group, "v1", plural, subresource, namespace, name)).allowed


async def new_cluster(*namespaces: str) -> Cluster:
    """A cluster with these namespaces, and no roles."""
    cluster = Cluster()
    for name in ("default", "kube-system", "kube-public", *namespaces):
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return cluster


def rule(verbs: str, resources: str = "", group: str = "", names: str = "", urls: str = "") -> dict[str, Any]:
    """A rule; words are separated by blanks."""
    if urls:
        return {"verbs": verbs.split(), "nonResourceURLs": urls.split()}
    named = {"resourceNames": names.split()} if names else {}
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **named}


def cluster_role(name: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A ClusterRole."""
    return {"apiVersion": API_VERSION, "kind": "ClusterRole", "metadata": {"name": name}, "rules": [*rules], **more}


def role(name: str, *rules: dict[str, Any], namespace: str = "default") -> dict[str, Any]:
    """A Role."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "Role", "metadata": metadata, "rules": [*rules]}


def binding(name: str, role: str, *subjects: str, namespace: str = "", kind: str = "ClusterRole") -> dict[str, Any]:
    """A ClusterRoleBinding, or with `namespace` a RoleBinding, to `User bob` or `ServiceAccount ns/name`."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": API_VERSION,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [_subject(each) for each in subjects],
    }


def _subject(text: str) -> dict[str, str]:
    kind, _, name = text.partition(" ")
    if kind == "ServiceAccount":
        namespace, _, account = name.rpartition("/")
        return {"kind": kind, "name": account, **({"namespace": namespace} if namespace else {})}
    return {"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"}


def key(kind: str, name: str, namespace: str = "") -> Key:
    """The key of a role or binding."""
    return Key(f"{kind.lower()}s.rbac.authorization.k8s.io", namespace, name)
