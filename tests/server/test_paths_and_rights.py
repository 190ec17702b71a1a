"""No path leads around the rights of who asks: an administrator of one namespace has nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.access.user import User
from kube_actors.server.http import Full
from kube_actors.verbs.session import Session
from tests.access.roles import binding, role, rule
from tests.server.kit import ask, config_map, create, json_of, new_session

BOB = User("bob", ("system:authenticated",))
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "top"}, "stringData": {"password": "planted"}}
VOLUME: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "disk"},
    "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/disk"}},
}


async def session_of_bob() -> Session:
    """Bob may do everything in the namespace `shop`, and nothing elsewhere."""
    session = await new_session("shop", "bank")
    await create(session, role("all", rule("*", "*", "*"), namespace="shop"), "shop")
    await create(session, binding("all", "all", "User bob", namespace="shop", kind="Role"), "shop")
    await create(session, NODE)
    await create(session, VOLUME)
    await create(session, SECRET, "bank")
    await create(session, config_map("own"), "shop")
    return session


async def status_of(session: Session, method: str, target: str, body: Any = b"") -> int:
    """What Bob is answered."""
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    if body != b"" and method != "PATCH":
        headers["content-type"] = "application/json"
    authorizer = RbacAuthorizer(session.plane.store)
    response = await ask(session, method, target, body, headers, user=BOB, authorizer=authorizer)
    assert isinstance(response, Full), f"{method} {target} is a stream"
    assert b"planted" not in b"".join([response.body] if isinstance(response.body, bytes) else response.body)
    return response.status


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/shop/nodes/one",
        "/api/v1/namespaces/shop/nodes/one/status",
        "/api/v1/namespaces/shop/nodes/one/proxy/pods",
        "/api/v1/namespaces/shop/persistentvolumes/disk",
        "/api/v1/namespaces/shop/namespaces/bank",
        "/api/v1/namespaces/shop/namespaces/bank/finalize",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/clusterroles/cluster-admin",
        "/api/v1/watch/namespaces/shop/nodes/one",
    ],
)
async def test_what_stands_in_no_namespace_is_not_found_in_one(method: str, path: str) -> None:
    """Rights in a namespace are none over nodes, volumes and other namespaces, wherever the path puts them."""
    session = await session_of_bob()
    before = session.plane.store.head
    assert await status_of(session, method, path, {} if method in ("PUT", "PATCH") else b"") == 404
    assert session.plane.store.head == before


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("resource", ["nodes", "namespaces", "persistentvolumes"])
async def test_nor_are_all_of_them(method: str, resource: str) -> None:
    """Listing, creating and deleting a collection the same way."""
    session = await session_of_bob()
    before = session.plane.store.head
    path = f"/api/v1/namespaces/shop/{resource}"
    assert await status_of(session, method, path, NODE if method == "POST" else b"") == 404
    assert session.plane.store.head == before


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/secrets",
        "/api/v1/secrets/top",
        "/api/v1/namespaces//secrets",
        "/api/v1/namespaces//secrets/top",
        "/api/v1/namespaces/bank/secrets",
        "/api/v1/namespaces/bank/secrets/top",
        "/api/v1/namespaces/bank",
        "/api/v1/secrets?fieldSelector=metadata.namespace%3Dshop",
        "/api/v1/secrets?fieldSelector=metadata.name%3Dtop",
        "/api/v1/secrets?watch=1",
        "/api/v1/watch/secrets",
        "/api/v1/watch/namespaces/bank/secrets",
        "/api/v1/watch/namespaces/bank/secrets/top",
        "/api/v1/namespaces/shop/watch/secrets",
        "/api/v1/namespaces/shop/secrets/../../bank/secrets/top",
        "/api/v1/namespaces/shop/secrets/..%2f..%2fbank%2fsecrets%2ftop",
        "/api/v1/namespaces/shop/secrets/%2e%2e/%2e%2e/bank/secrets/top",
        "/api/v1/namespaces/shop/../bank/secrets/top",
        "/api/v1/namespaces/shop%2f..%2fbank/secrets/top",
        "//api/v1/namespaces/bank/secrets/top",
        "/api//v1/namespaces/bank/secrets/top",
        "/api/v1//namespaces/bank/secrets/top",
        "/apis//v1/namespaces/bank/secrets/top",
        "/api/v1/namespaces/bank//secrets/top",
        "/healthz/../api/v1/namespaces/bank/secrets/top",
        "/version/../../api/v1/namespaces/bank/secrets",
    ],
)
async def test_secrets_of_another_namespace_are_out_of_reach(path: str) -> None:
    """However the path is written."""
    assert await status_of(await session_of_bob(), "GET", path) in (403, 404)


@pytest.mark.parametrize("accept", ["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"])
async def test_selectors_do_not_lead_out_of_the_namespace(accept: str) -> None:
    """A list of his own namespace holds nothing of another, whatever its selectors say."""
    session = await session_of_bob()
    path = "/api/v1/namespaces/shop/secrets?fieldSelector=metadata.namespace%3Dbank"
    authorizer = RbacAuthorizer(session.plane.store)
    listed = json_of(await ask(session, "GET", path, headers={"accept": accept}, user=BOB, authorizer=authorizer))
    assert not [*listed.get("items", ()), *listed.get("rows", ())]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_watch_is_for_looking_only(method: str) -> None:
    """The old paths of watches take no other method."""
    session = await session_of_bob()
    before = session.plane.store.head
    for path in ("/api/v1/watch/namespaces/shop/configmaps", "/api/v1/watch/namespaces/shop/configmaps/own"):
        assert await status_of(session, method, path, config_map("new") if method != "DELETE" else b"") == 405
    assert session.plane.store.head == before


async def test_the_namespace_itself_is_his() -> None:
    """Its own object stands in it, as far as rights go."""
    assert await status_of(await session_of_bob(), "GET", "/api/v1/namespaces/shop") == 200


@pytest.mark.parametrize("path", ["/foo", "/apis/foo.example", "/apis/foo.example/v1/things", "/index.php"])
async def test_paths_outside_the_api_are_told_in_plain_words(path: str) -> None:
    """`404 page not found`, as Kubernetes says it."""
    answer = await ask(await new_session(), "GET", path)
    assert isinstance(answer, Full)
    assert (answer.status, answer.body, answer.content_type) == (
        404,
        b"404 page not found\n",
        "text/plain; charset=utf-8",
    )


@pytest.mark.parametrize("path", ["/api/v1/things", "/api/v2/pods", "/apis/apps/v9/deployments", "/apis/apps/v9"])
async def test_paths_within_the_api_get_a_status(path: str) -> None:
    """404 that clients can read."""
    status = json_of(await ask(await new_session(), "GET", path))
    assert (status["code"], status["message"]) == (404, "the server could not find the requested resource")
