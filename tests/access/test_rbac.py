"""Role-based access control: what rules match, whom bindings mean, and that decisions follow every write at once."""

from __future__ import annotations

import pytest

from kube_actors.access.attributes import Attributes
from kube_actors.access.user import User
from kube_actors.kinds.rbac_facts import policy_rule
from tests.access.roles import binding, cluster_role, key, new_cluster, role, rule

BOB = User("bob", ("dev", "system:authenticated"))
ACCOUNT = User("system:serviceaccount:default:app", ("system:serviceaccounts", "system:serviceaccounts:default"))


@pytest.mark.parametrize(
    ("held", "wish", "allowed"),
    [
        (rule("get", "pods"), ("get", "", "pods", "", "web"), True),
        (rule("get", "pods"), ("list", "", "pods", "", ""), False),
        (rule("get", "pods"), ("get", "apps", "pods", "", "web"), False),
        (rule("get", "pods"), ("get", "", "pods", "log", "web"), False),
        (rule("get", "pods/log"), ("get", "", "pods", "log", "web"), True),
        (rule("get", "pods/log"), ("get", "", "pods", "", "web"), False),
        (rule("get", "pods/*"), ("get", "", "pods", "log", "web"), False),
        (rule("update", "*/scale", "*"), ("update", "apps", "deployments", "scale", "web"), True),
        (rule("update", "*/scale", "*"), ("update", "apps", "deployments", "", "web"), False),
        (rule("*", "*", "*"), ("delete", "apps", "deployments", "status", "web"), True),
        (rule("get", "*"), ("get", "", "pods", "log", "web"), True),
        (rule("get", "secrets", names="a b"), ("get", "", "secrets", "", "b"), True),
        (rule("get", "secrets", names="a b"), ("get", "", "secrets", "", "c"), False),
        (rule("list", "secrets", names="a b"), ("list", "", "secrets", "", ""), False),
    ],
)
def test_rules_for_resources(held: dict[str, object], wish: tuple[str, str, str, str, str], allowed: bool) -> None:
    """Whole words, `*`, `*/subresource` and names match; nothing else does."""
    assert policy_rule(held).allows(*wish) is allowed


@pytest.mark.parametrize(
    ("urls", "path", "allowed"),
    [
        ("/healthz", "/healthz", True),
        ("/healthz", "/healthz/etcd", False),
        ("/healthz/*", "/healthz/etcd", True),
        ("/healthz/*", "/healthz", False),
        ("*", "/anything/at/all", True),
        ("/api*", "/apis/apps", True),
        ("/a/*/c", "/a/b/c", False),
    ],
)
def test_rules_for_paths(urls: str, path: str, allowed: bool) -> None:
    """Only an asterisk at the end stands for more."""
    assert policy_rule(rule("get", urls=urls)).allows_path("get", path) is allowed
    assert not policy_rule(rule("get", urls=urls)).allows_path("post", path)


async def test_nobody_may_anything_without_a_binding() -> None:
    """A role alone gives nothing; masters need none."""
    cluster = await new_cluster()
    await cluster.create(cluster_role("reader", rule("get", "pods")))
    assert not cluster.may(BOB, "get", "pods", "web", "default")
    assert cluster.may(User("root", ("system:masters",)), "get", "pods", "web", "default")


@pytest.mark.parametrize(
    ("subject", "user", "whom"),
    [
        ("User bob", BOB, 'User "bob"'),
        ("Group dev", BOB, 'Group "dev"'),
        ("ServiceAccount default/app", ACCOUNT, 'ServiceAccount "app/default"'),
        ("User system:serviceaccount:default:app", ACCOUNT, 'User "system:serviceaccount:default:app"'),
        ("Group system:serviceaccounts:default", ACCOUNT, 'Group "system:serviceaccounts:default"'),
    ],
)
async def test_whom_a_binding_means(subject: str, user: User, whom: str) -> None:
    """Users by name, everybody of a group, service accounts by namespace and name; the reason says which."""
    cluster = await new_cluster("other")
    await cluster.create(cluster_role("reader", rule("get", "pods")), binding("all", "reader", subject))
    decision = cluster.rbac.decide(Attributes(user, "get", "", "v1", "pods", "", "other", "web"))
    assert decision.allowed
    assert decision.reason == f'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "reader" to {whom}'
    assert not cluster.may(User("eve", ("system:authenticated",)), "get", "pods", "web", "other")


async def test_a_role_binding_holds_in_its_namespace() -> None:
    """To a ClusterRole or a Role of the namespace, and nowhere else; never for plain paths."""
    cluster = await new_cluster("other")
    await cluster.create(
        cluster_role("reader", rule("get", "pods"), rule("get", urls="/metrics")),
        role("writer", rule("create", "pods")),
        role("writer", rule("delete", "pods"), namespace="other"),
        binding("r", "reader", "User bob", namespace="default"),
        binding("w", "writer", "User bob", namespace="default", kind="Role"),
        binding("w", "writer", "User eve", namespace="other", kind="Role"),
    )
    eve = User("eve")
    assert cluster.may(eve, "delete", "pods", "web", "other")
    assert not cluster.may(eve, "create", "pods", "", "other")
    assert cluster.may(BOB, "get", "pods", "web", "default")
    assert cluster.may(BOB, "create", "pods", "", "default")
    assert not cluster.may(BOB, "delete", "pods", "web", "default")
    assert not cluster.may(BOB, "get", "pods", "web", "other")
    assert not cluster.may(BOB, "list", "pods")
    assert not cluster.rbac.decide(Attributes(BOB, "get", path="/metrics", is_resource=False)).allowed
    decision = cluster.rbac.decide(Attributes(BOB, "create", "", "v1", "pods", "", "default"))
    assert decision.reason == 'RBAC: allowed by RoleBinding "w/default" of Role "writer" to User "bob"'


async def test_accounts_of_a_role_bindings_own_namespace() -> None:
    """A service account that names no namespace is of the binding's."""
    cluster = await new_cluster()
    await cluster.create(
        cluster_role("reader", rule("get", "pods")),
        binding("r", "reader", "ServiceAccount app", namespace="default"),
    )
    assert cluster.may(ACCOUNT, "get", "pods", "web", "default")


async def test_every_write_counts_at_once() -> None:
    """Subjects, rules and bindings that change or go are what the next decision knows."""
    cluster = await new_cluster()
    admin = cluster.admin
    await cluster.create(cluster_role("reader", rule("get", "pods")), binding("all", "reader", "User bob", "User eve"))
    eve = User("eve")
    assert cluster.may(BOB, "get", "pods")
    assert cluster.may(eve, "get", "pods")

    def only_eve(body: dict[str, list[object]]) -> None:
        body["subjects"] = body["subjects"][1:]

    await admin.mutate(key("ClusterRoleBinding", "all"), only_eve)
    assert not cluster.may(BOB, "get", "pods")
    assert cluster.may(eve, "get", "pods")

    def may_list(body: dict[str, list[object]]) -> None:
        body["rules"] = [rule("list", "pods")]

    await admin.mutate(key("ClusterRole", "reader"), may_list)
    assert not cluster.may(eve, "get", "pods")
    assert cluster.may(eve, "list", "pods")
    await admin.delete(key("ClusterRoleBinding", "all"))
    assert not cluster.may(eve, "list", "pods")


async def test_a_role_that_is_bound_twice() -> None:
    """One binding of two may go; a group that is bound a thousand times to one role is decided by looking once."""
    cluster = await new_cluster()
    await cluster.create(cluster_role("reader", rule("get", "pods")))
    for number in range(5):
        await cluster.create(binding(f"b{number}", "reader", "Group dev"))
    assert len(list(cluster.rbac.rules_for(BOB, "").rules)) == 1
    for number in range(5):
        assert cluster.may(BOB, "get", "pods")
        await cluster.admin.delete(key("ClusterRoleBinding", f"b{number}"))
    assert not cluster.may(BOB, "get", "pods")


async def test_missing_roles_are_named() -> None:
    """Whoever is bound to a role that is not there is told so; what other bindings give still counts."""
    cluster = await new_cluster()
    await cluster.create(
        binding("gone", "gone", "User bob"),
        binding("away", "away", "User bob", "Group dev", namespace="default", kind="Role"),
    )
    decision = cluster.rbac.decide(Attributes(BOB, "get", "", "v1", "pods", "", "kube-system"))
    assert decision.reason == 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'
    both = cluster.rbac.decide(Attributes(BOB, "get", "", "v1", "pods", "", "default"))
    assert both.reason == (
        'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, '
        'role.rbac.authorization.k8s.io "away" not found]'
    )
    await cluster.create(cluster_role("reader", rule("get", "pods")), binding("all", "reader", "User bob"))
    assert cluster.may(BOB, "get", "pods", "web", "default")


async def test_everything_one_may() -> None:
    """The rules of all bindings, each role's once, and the roles that are missing."""
    cluster = await new_cluster()
    await cluster.create(
        cluster_role("reader", rule("get", "pods")),
        binding("all", "reader", "User bob", "Group dev"),
        role("own", rule("create", "pods")),
        binding("own", "own", "User bob", namespace="default", kind="Role"),
        binding("gone", "gone", "Group dev", namespace="default", kind="Role"),
    )
    held = cluster.rbac.rules_for(BOB, "default")
    assert [(each.verbs, each.resources) for each in held.rules] == [(("get",), ("pods",)), (("create",), ("pods",))]
    assert held.problems == ('role.rbac.authorization.k8s.io "gone" not found',)
    assert [each.verbs for each in cluster.rbac.rules_for(BOB, "kube-system").rules] == [("get",)]
