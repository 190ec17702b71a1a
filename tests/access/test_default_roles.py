"""The roles and bindings a cluster begins with: who may what by them, and how they are kept complete."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.access.attributes import Attributes
from kube_actors.access.roles.defaults import default_roles
from kube_actors.access.roles.reconciled import reconcile_default_roles
from kube_actors.access.user import User
from tests.access.roles import Cluster, binding, cluster_role, key, new_cluster, rule

ANYBODY = User("bob", ("system:authenticated",))
NOBODY = User.anonymous()
RBAC = "rbac.authorization.k8s.io"


async def started() -> Cluster:
    """A cluster with the default roles."""
    cluster = await new_cluster()
    await reconcile_default_roles(cluster.admin)
    return cluster


@pytest.mark.parametrize(
    ("user", "path", "allowed"),
    [
        (NOBODY, "/healthz", True),
        (NOBODY, "/livez", True),
        (NOBODY, "/readyz", True),
        (NOBODY, "/version", True),
        (NOBODY, "/healthz/etcd", False),
        (NOBODY, "/api", False),
        (NOBODY, "/openapi/v3", False),
        (NOBODY, "/metrics", False),
        (ANYBODY, "/api", True),
        (ANYBODY, "/apis/apps/v1", True),
        (ANYBODY, "/openapi/v3/api/v1", True),
        (ANYBODY, "/metrics", False),
        (ANYBODY, "/.well-known/openid-configuration", False),
        (User("probe", ("system:monitoring",)), "/metrics", True),
        (User("account", ("system:serviceaccounts",)), "/openid/v1/jwks", True),
    ],
)
async def test_paths(user: User, path: str, allowed: bool) -> None:
    """Anonymous sees health and version, the authenticated discovery, and monitoring its own."""
    cluster = await started()
    assert cluster.rbac.decide(Attributes(user, "get", path=path, is_resource=False)).allowed is allowed


@pytest.mark.parametrize(
    ("held", "verb", "resource", "group", "allowed"),
    [
        ("view", "list", "pods", "", True),
        ("view", "get", "pods/log", "", True),
        ("view", "get", "deployments", "apps", True),
        ("view", "get", "secrets", "", False),
        ("view", "create", "pods", "", False),
        ("edit", "get", "secrets", "", True),
        ("edit", "create", "pods/exec", "", True),
        ("edit", "create", "pods/eviction", "", True),
        ("edit", "create", "serviceaccounts/token", "", True),
        ("edit", "deletecollection", "deployments", "apps", True),
        ("edit", "list", "pods", "", True),
        ("edit", "create", "rolebindings", RBAC, False),
        ("edit", "update", "resourcequotas", "", False),
        ("admin", "create", "rolebindings", RBAC, True),
        ("admin", "list", "pods", "", True),
        ("admin", "create", "localsubjectaccessreviews", "authorization.k8s.io", True),
        ("admin", "update", "namespaces", "", False),
    ],
)
async def test_the_roles_of_people(held: str, verb: str, resource: str, group: str, allowed: bool) -> None:
    """view reads but no secrets, edit writes workloads, admin also gives access, each within one namespace."""
    cluster = await started()
    await cluster.create(binding("b", held, "User bob", namespace="default"))
    assert cluster.may(ANYBODY, verb, resource, namespace="default", group=group) is allowed
    assert not cluster.may(ANYBODY, verb, resource, namespace="kube-system", group=group)


async def test_controllers_have_roles_of_their_own() -> None:
    """Service accounts of kube-system may what their controller does."""
    cluster = await started()
    account = User("system:serviceaccount:kube-system:replicaset-controller", ("system:serviceaccounts",))
    assert cluster.may(account, "create", "pods", namespace="default")
    assert not cluster.may(account, "get", "secrets", namespace="default")


def test_bodies_are_marked() -> None:
    """Each is known as a default that is kept up to date; names are not used twice."""
    bodies = default_roles()
    assert all(body["metadata"]["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults" for body in bodies)
    assert all(
        body["metadata"]["annotations"] == {"rbac.authorization.kubernetes.io/autoupdate": "true"} for body in bodies
    )
    names = [(body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"]) for body in bodies]
    assert len(set(names)) == len(names)
    roles = {(body["kind"], body["metadata"]["name"]) for body in bodies}
    for body in bodies:
        if "roleRef" in body:
            assert (body["roleRef"]["kind"], body["roleRef"]["name"]) in roles


async def test_a_second_start_writes_nothing() -> None:
    """Where all is well nothing is written."""
    cluster = await started()
    head = cluster.store.head
    await reconcile_default_roles(cluster.admin)
    assert cluster.store.head == head


async def edited(cluster: Cluster, kind: str, name: str, change: Any) -> dict[str, Any]:
    """The object after somebody changed it and the cluster was started again."""
    await cluster.admin.mutate(key(kind, name), change)
    await reconcile_default_roles(cluster.admin)
    live = cluster.admin.get(key(kind, name))
    assert live is not None
    return live.body()


async def test_what_was_taken_away_comes_back() -> None:
    """Lost rules, subjects and selectors are added again, and what was added stays."""
    cluster = await started()
    extra = rule("get", "widgets", "example.com")
    body = await edited(cluster, "ClusterRole", "system:kube-dns", lambda body: body.update(rules=[extra]))
    assert body["rules"][0] == extra
    assert {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]} in body["rules"]
    eve = {"kind": "User", "name": "eve", "apiGroup": RBAC}
    body = await edited(cluster, "ClusterRoleBinding", "system:discovery", lambda body: body.update(subjects=[eve]))
    assert [each["name"] for each in body["subjects"]] == ["eve", "system:authenticated"]
    other = {"matchLabels": {"mine": "true"}}
    body = await edited(
        cluster, "ClusterRole", "view", lambda body: body.update(aggregationRule={"clusterRoleSelectors": [other]})
    )
    assert len(body["aggregationRule"]["clusterRoleSelectors"]) == 2


async def test_a_role_that_was_widened_is_left_alone() -> None:
    """Rules that cover the default ones are as good as they."""
    cluster = await started()
    wide = rule("*", "*", "*")
    body = await edited(cluster, "ClusterRole", "system:kube-dns", lambda body: body.update(rules=[wide]))
    assert body["rules"] == [wide]


async def test_autoupdate_can_be_switched_off() -> None:
    """An annotation keeps a default as somebody made it."""
    cluster = await started()

    def change(body: dict[str, Any]) -> None:
        body["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"] = "false"
        body["rules"] = []

    assert (await edited(cluster, "ClusterRole", "system:kube-dns", change)).get("rules") == []


async def test_a_binding_of_another_role_is_made_anew() -> None:
    """The role of a default binding is the default one again; its subjects are kept."""
    cluster = await started()
    name = "system:basic-user"
    await cluster.admin.delete(key("ClusterRoleBinding", name))
    await cluster.create(cluster_role("mine"), binding(name, "mine", "User eve"))
    await reconcile_default_roles(cluster.admin)
    live = cluster.admin.get(key("ClusterRoleBinding", name))
    assert live is not None
    assert live.body()["roleRef"]["name"] == name
    assert [each["name"] for each in live.body()["subjects"]] == ["eve", "system:authenticated"]
