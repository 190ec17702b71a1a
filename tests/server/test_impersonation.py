"""Acting as somebody else: who may, as whom, and what the call then knows."""

from __future__ import annotations

import pytest

from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.access.user import User
from kube_actors.errors import ApiError
from kube_actors.server.call import Call
from kube_actors.server.impersonation import impersonate
from kube_actors.verbs.session import Session
from tests.access.roles import binding, cluster_role, role, rule
from tests.server.kit import ADMIN, ask, create, json_of, make_call, new_session

ALICE = User("alice", ("system:authenticated",), "uid-1")


async def session_of_alice(*rules: dict[str, object]) -> Session:
    """Alice has these rules."""
    session = await new_session()
    await create(session, cluster_role("alice", *rules))
    await create(session, binding("alice", "alice", "User alice"))
    return session


def call_as(session: Session, headers: dict[str, str], user: User = ALICE) -> Call:
    """A call with these headers after impersonation."""
    authorizer = RbacAuthorizer(session.plane.store)
    call = make_call(session, "GET", "/api/v1/nodes", headers=headers, user=user, authorizer=authorizer)
    impersonate(call)
    return call


async def test_without_headers_nothing_happens() -> None:
    """The call stays its own."""
    call = call_as(await new_session(), {"User-Agent": "kubectl"})
    assert (call.user, call.impersonator) == (ALICE, None)


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({"Impersonate-User": "bob"}, User("bob", ("system:authenticated",))),
        (
            {"Impersonate-User": "bob", "Impersonate-Group": "dev, ops"},
            User("bob", ("dev", "ops", "system:authenticated")),
        ),
        (
            {"Impersonate-User": "bob", "Impersonate-Uid": "42", "Impersonate-Extra-Scopes%2fa": "x, y"},
            User("bob", ("system:authenticated",), "42", {"scopes/a": ("x", "y")}),
        ),
        (
            {"Impersonate-User": "system:serviceaccount:default:app"},
            User(
                "system:serviceaccount:default:app",
                ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"),
            ),
        ),
        ({"Impersonate-User": "system:anonymous"}, User("system:anonymous", ("system:unauthenticated",))),
        (
            {"Impersonate-User": "bob", "Impersonate-Group": "system:unauthenticated"},
            User("bob", ("system:unauthenticated",)),
        ),
    ],
)
async def test_whom_the_call_becomes(headers: dict[str, str], user: User) -> None:
    """The user with the groups everybody of that kind has; the asker stays known, the headers go."""
    call = call_as(await new_session(), headers, ADMIN)
    assert (call.user, call.impersonator) == (user, ADMIN)
    assert not any(name.startswith("impersonate") for name in call.request.headers)


ON = 'nodes is forbidden: User "alice" cannot impersonate-on:user-info:list resource "nodes" in API group "" '


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        ({"Impersonate-User": "bob"}, 'resource "users"'),
        ({"Impersonate-User": "carol", "Impersonate-Group": "system:masters"}, 'resource "groups"'),
        ({"Impersonate-User": "carol", "Impersonate-Uid": "42"}, 'resource "uids"'),
        ({"Impersonate-User": "carol", "Impersonate-Extra-Scopes": "x"}, 'resource "userextras" .*an invalid key'),
        ({"Impersonate-User": "carol", "Impersonate-Extra-A.b%2fc": "x"}, 'resource "userextras/a.b/c"'),
        ({"Impersonate-User": "system:serviceaccount:default:app"}, 'resource "serviceaccounts"'),
    ],
)
async def test_what_one_may_not_impersonate(headers: dict[str, str], missing: str) -> None:
    """Each of user, groups, uid and extras is a permission of its own; it is refused as the first way there is does."""
    session = await session_of_alice(rule("impersonate", "users", names="carol"))
    with pytest.raises(ApiError) as refused:
        call_as(session, headers)
    mode = "serviceaccount" if "serviceaccount" in headers["Impersonate-User"] else "user-info"
    why = ON.replace("user-info", mode) + "at the cluster scope"
    assert (refused.value.code, refused.value.message) == (403, why)
    on_nodes = (
        rule(f"impersonate-on:{mode}:list", "nodes"),
        rule(f"impersonate:{mode}", "users", AUTHENTICATION, "carol"),
    )
    session = await session_of_alice(*on_nodes)
    with pytest.raises(ApiError, match=f"cannot impersonate:{mode} {missing}"):
        call_as(session, headers)


AUTHENTICATION = "authentication.k8s.io"
AGENT = User(
    "system:serviceaccount:default:agent",
    ("system:serviceaccounts", "system:authenticated"),
    extra={"authentication.kubernetes.io/node-name": ("n1",)},
)


async def test_what_may_be_done_as_somebody_else() -> None:
    """Only the verbs that are named, and only as those who are; nobody becomes a master so."""
    session = await session_of_alice(
        rule("impersonate:user-info", "users", AUTHENTICATION, "bob"),
        rule("impersonate:user-info", "groups", AUTHENTICATION),
        rule("impersonate-on:user-info:list", "nodes"),
    )
    many = {"Impersonate-User": "bob", "Impersonate-Group": "a, b, c, d, e"}
    assert call_as(session, many).user.groups == ("a", "b", "c", "d", "e", "system:authenticated")
    with pytest.raises(
        ApiError, match=r'"system:masters" is forbidden: .*impersonating the system:masters group is not'
    ):
        call_as(session, {"Impersonate-User": "bob", "Impersonate-Group": "system:masters"})
    authorizer = RbacAuthorizer(session.plane.store)
    call = make_call(
        session, "DELETE", "/api/v1/nodes/a", headers={"Impersonate-User": "bob"}, user=ALICE, authorizer=authorizer
    )
    with pytest.raises(ApiError, match="cannot impersonate-on:user-info:delete"):
        impersonate(call)


async def test_nodes() -> None:
    """An agent acts as the node it runs on, and as no other; its groups are those of nodes."""
    session = await new_session()
    rules = (
        rule("impersonate:associated-node", "nodes", AUTHENTICATION),
        rule("impersonate-on:associated-node:list", "nodes"),
    )
    await create(session, cluster_role("agent", *rules))
    await create(session, binding("agent", "agent", "ServiceAccount default/agent"))
    assert call_as(session, {"Impersonate-User": "system:node:n1"}, AGENT).user == User(
        "system:node:n1", ("system:nodes", "system:authenticated")
    )
    with pytest.raises(ApiError, match="cannot impersonate-on:arbitrary-node:list"):
        call_as(session, {"Impersonate-User": "system:node:n2"}, AGENT)
    assert call_as(session, {"Impersonate-User": "system:node:n2"}, ADMIN).user.groups[0] == "system:nodes"


async def test_accounts_of_a_namespace() -> None:
    """Who may impersonate service accounts of a namespace needs nothing for their groups."""
    session = await new_session()
    await create(session, role("as", rule("impersonate", "serviceaccounts")))
    await create(session, binding("as", "as", "User alice", namespace="default", kind="Role"))
    call = call_as(session, {"Impersonate-User": "system:serviceaccount:default:app"})
    assert call.user.groups[0] == "system:serviceaccounts"


@pytest.mark.parametrize("header", ["Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-Scopes"])
async def test_nothing_without_a_user(header: str) -> None:
    """A group, uid or extra alone is a bad request, also for who may do anything."""
    with pytest.raises(ApiError, match="without impersonating a user") as refused:
        call_as(await new_session(), {header: "x"}, ADMIN)
    assert refused.value.code == 400


async def test_the_chain_acts_as_the_other() -> None:
    """What the other may not do is refused in the other's name."""
    session = await new_session()
    authorizer = RbacAuthorizer(session.plane.store)
    response = await ask(session, "GET", "/api/v1/nodes", headers={"Impersonate-User": "bob"}, authorizer=authorizer)
    message = json_of(response)["message"]
    assert message == 'nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope'


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dsettings", 200),
        ("/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name==settings,metadata.namespace=default", 200),
        ("/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name!%3Dsettings", 403),
        ("/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dother", 403),
        ("/api/v1/namespaces/default/configmaps", 403),
    ],
)
async def test_a_list_of_one_name(target: str, code: int) -> None:
    """Who may list one object may list by its name: clients watch a single object so."""
    session = await session_of_alice(rule("list watch", "configmaps", names="settings"))
    response = await ask(session, "GET", target, user=ALICE, authorizer=RbacAuthorizer(session.plane.store))
    assert response.status == code  # type: ignore[union-attr]  # a whole answer
