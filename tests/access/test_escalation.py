"""Nobody gives away more than they have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.access.roles.covering import MOST_MISSING, compacted, described, missing_rules
from kube_actors.errors import ApiError
from kube_actors.kinds.rbac_facts import PolicyRule, policy_rule
from tests.access.roles import Cluster, binding, cluster_role, key, new_cluster, role, rule

RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("held", "wanted", "missing"),
    [
        ([rule("get list", "pods services")], rule("list", "services"), []),
        ([rule("get", "pods"), rule("get", "services")], rule("get", "pods services"), []),
        ([rule("get", "pods")], rule("get list", "pods"), ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}']),
        ([rule("*", "*", "*")], rule("delete", "pods/log", "apps", names="a"), []),
        ([rule("get", "pods")], rule("get", "*"), ['{APIGroups:[""], Resources:["*"], Verbs:["get"]}']),
        ([rule("get", "pods")], rule("*", "pods"), ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}']),
        ([rule("get", "*/scale")], rule("get", "pods/scale"), []),
        (
            [rule("get", "*/scale")],
            rule("get", "pods/log"),
            ['{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}'],
        ),
        ([rule("get", "pods")], rule("get", "pods", names="a"), []),
        ([rule("get", "pods", names="a b")], rule("get", "pods", names="a"), []),
        (
            [rule("get", "pods", names="a")],
            rule("get list", "pods", names="a b"),
            [
                '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["list"]}',
                '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get" "list"]}',
            ],
        ),
        (
            [rule("get", "pods", names="a")],
            rule("get", "pods"),
            ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
        ),
        ([rule("get", urls="/api/*")], rule("get", urls="/api/v1 /api/*"), []),
        (
            [rule("get", urls="/api")],
            rule("get post put", urls="/api"),
            ['{NonResourceURLs:["/api"], Verbs:["post"]}', '{NonResourceURLs:["/api"], Verbs:["put"]}'],
        ),
    ],
)
def test_what_some_rules_lack_of_others(held: list[dict[str, Any]], wanted: dict[str, Any], missing: list[str]) -> None:
    """Part by part: verbs, groups, resources with subresources, names and paths."""
    found = missing_rules([policy_rule(each) for each in held], [policy_rule(wanted)])
    assert sorted(described(each) for each in compacted(found)) == missing


def some(words: str, most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    """A few of these words."""
    return st.lists(st.sampled_from(words.split()), min_size=1, max_size=most, unique=True).map(tuple)


RESOURCE_RULES = st.builds(
    PolicyRule,
    some("get list *"),
    some("core apps *"),
    some("pods nodes pods/log */log nodes/scale */scale *"),
    st.one_of(st.just(()), some("a b")),
)
PATH_RULES = st.builds(PolicyRule, some("get list *"), non_resource_urls=some("/a /a/* /a/b /ab* *"))
WISHES = [
    (verb, group, resource, subresource, name)
    for verb in ("get", "list", "delete")
    for group in ("core", "apps", "batch")
    for resource in ("pods", "nodes", "jobs")
    for subresource in ("", "log", "scale", "status")
    for name in ("", "a", "b", "c")
]
PATHS = [(verb, path) for verb in ("get", "delete") for path in ("/a", "/a/b", "/a/c/d", "/ab", "/abc", "/x")]


@given(st.lists(RESOURCE_RULES, max_size=4), st.lists(RESOURCE_RULES, max_size=2))
def test_covered_rules_give_nothing_new(held: list[PolicyRule], wanted: list[PolicyRule]) -> None:
    """With the missing parts added, whatever the wanted rules allow is allowed; with none missing, already before."""
    complete = [*held, *missing_rules(held, wanted)]
    assert not missing_rules(complete, wanted)
    for wish in WISHES:
        if any(rule.allows(*wish) for rule in wanted):
            assert any(rule.allows(*wish) for rule in complete)


@given(st.lists(PATH_RULES, max_size=4), st.lists(PATH_RULES, max_size=2))
def test_covered_paths_give_nothing_new(held: list[PolicyRule], wanted: list[PolicyRule]) -> None:
    """The same of paths."""
    complete = [*held, *missing_rules(held, wanted)]
    assert not missing_rules(complete, wanted)
    for wish in PATHS:
        if any(rule.allows_path(*wish) for rule in wanted):
            assert any(rule.allows_path(*wish) for rule in complete)


async def cluster_of_alice(*rules: dict[str, Any]) -> Cluster:
    """Alice writes roles and bindings everywhere, and has these rules beside."""
    cluster = await new_cluster()
    resources = "clusterroles clusterrolebindings roles rolebindings"
    await cluster.create(
        cluster_role("alice", rule("create update patch delete get", resources, RBAC), *rules),
        binding("alice", "alice", "User alice"),
    )
    return cluster


async def test_a_role_of_rules_one_holds() -> None:
    """Whoever may read pods may write a role that reads pods."""
    cluster = await cluster_of_alice(rule("get list", "pods"))
    await cluster.named("alice").create(cluster_role("reader", rule("get", "pods")))
    await cluster.named("alice").create(role("reader", rule("list", "pods")))


async def test_a_role_of_rules_one_does_not_hold() -> None:
    """Every missing permission is named."""
    cluster = await cluster_of_alice(rule("get", "pods"))
    with pytest.raises(ApiError) as refused:
        await cluster.named("alice", "dev").create(role("writer", rule("get create", "pods"), rule("get", "secrets")))
    assert refused.value.code == 403
    assert refused.value.message == (
        'roles.rbac.authorization.k8s.io "writer" is forbidden: user "alice" (groups=["dev" "system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["create"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
    )
    await cluster.create(role("writer", rule("create", "pods")))


async def test_what_holds_in_a_namespace_is_given_there_only() -> None:
    """A RoleBinding's rules can be given on in its namespace, not for the cluster."""
    cluster = await cluster_of_alice()
    await cluster.create(
        cluster_role("pods", rule("get", "pods")), binding("p", "pods", "User alice", namespace="default")
    )
    alice = cluster.named("alice")
    await alice.create(role("reader", rule("get", "pods")))
    await alice.create(binding("reader", "pods", "User bob", namespace="default"))
    for body in (
        cluster_role("reader", rule("get", "pods")),
        binding("reader", "pods", "User bob"),
        binding("reader", "pods", "User bob", namespace="kube-system"),
    ):
        with pytest.raises(ApiError, match="not currently held"):
            await alice.create(body)


async def test_updates_are_judged_too() -> None:
    """Also of roles somebody else made; owners and finalizers may change all the same."""
    cluster = await cluster_of_alice()
    await cluster.create(role("writer", rule("create", "pods")))
    alice, writer = cluster.named("alice"), key("Role", "writer", "default")
    with pytest.raises(ApiError, match="not currently held"):
        await alice.mutate(writer, lambda body: body["metadata"].update(labels={"a": "b"}))
    await alice.mutate(writer, lambda body: body["metadata"].update(finalizers=["example.com/wait"]))
    with pytest.raises(ApiError, match="not currently held"):
        await alice.apply(role("writer", rule("create delete", "pods")), force=True)


async def test_escalate() -> None:
    """The verb lets one write any rules; limited to a name it lets one change that role, not make it."""
    cluster = await cluster_of_alice(rule("escalate", "roles", RBAC, names="writer fresh"))
    await cluster.create(role("writer"), role("other"))
    alice = cluster.named("alice")

    def widen(body: dict[str, Any]) -> None:
        body["rules"] = [rule("create", "pods")]

    await alice.mutate(key("Role", "writer", "default"), widen)
    with pytest.raises(ApiError, match="not currently held"):
        await alice.mutate(key("Role", "other", "default"), widen)
    with pytest.raises(ApiError, match="not currently held"):
        await alice.create(role("fresh", rule("create", "pods")))


async def test_binding_a_role() -> None:
    """One must hold what the role gives; a role that is not there cannot be bound."""
    cluster = await cluster_of_alice(rule("get", "pods"))
    await cluster.create(cluster_role("reader", rule("get", "pods")), cluster_role("writer", rule("create", "pods")))
    alice = cluster.named("alice")
    await alice.create(binding("reader", "reader", "User bob"))
    with pytest.raises(ApiError, match="not currently held") as refused:
        await alice.create(binding("writer", "writer", "User bob", namespace="default"))
    assert refused.value.message.startswith(
        'rolebindings.rbac.authorization.k8s.io "writer" is forbidden: user "alice"'
    )
    with pytest.raises(ApiError) as missing:
        await alice.create(binding("gone", "gone", "User bob"))
    assert (missing.value.code, missing.value.message) == (
        404,
        'clusterrole.rbac.authorization.k8s.io "gone" not found',
    )


async def test_bind() -> None:
    """The verb lets one bind that role whatever it gives."""
    cluster = await cluster_of_alice(rule("bind", "clusterroles", RBAC, names="writer"))
    await cluster.create(cluster_role("writer", rule("create", "pods")), cluster_role("root", rule("*", "*", "*")))
    alice = cluster.named("alice")
    await alice.create(binding("writer", "writer", "User bob"))
    with pytest.raises(ApiError, match="not currently held"):
        await alice.create(binding("root", "root", "User bob"))


async def test_aggregation_takes_an_administrator() -> None:
    """For what is gathered cannot be known beforehand."""
    cluster = await cluster_of_alice(rule("get", "pods"))
    gathering = cluster_role("all", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]})
    with pytest.raises(ApiError) as refused:
        await cluster.named("alice").create(gathering)
    assert refused.value.message == (
        'clusterroles.rbac.authorization.k8s.io "all" is forbidden: '
        "must have cluster-admin privileges to use the aggregationRule"
    )
    await cluster.create(
        cluster_role("root", rule("*", "*", "*"), rule("*", urls="*")), binding("root", "root", "User eve")
    )
    await cluster.named("eve").create(gathering)


def test_a_rule_of_billions_of_parts_is_judged_at_once() -> None:
    """A thousand groups, resources and verbs: covered by one rule that has them all, else missing."""
    words = tuple(f"w{number}" for number in range(1000))
    wanted = PolicyRule(words, words, words)
    assert missing_rules([PolicyRule(("*",), ("*",), ("*",))], [wanted]) == []
    halves = [PolicyRule(words[:500], ("*",), ("*",)), PolicyRule(words[500:], ("*",), ("*",))]
    assert missing_rules(halves, [wanted]) == [wanted]


def test_of_what_is_missing_the_first_parts_are_told() -> None:
    """As many as somebody may read."""
    words = tuple(f"w{number}" for number in range(40))
    missing = missing_rules([], [PolicyRule(words, words, words)])
    assert len(missing) == MOST_MISSING
    assert missing[0] == PolicyRule(("w0",), ("w0",), ("w0",))
