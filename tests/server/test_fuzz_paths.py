"""Paths, methods, headers and queries of any shape: they are answered or refused, and give nobody what is not his."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kube_actors.access.roles.rbac import RbacAuthorizer
from kube_actors.access.user import User
from kube_actors.server.edge.targets import target_of
from kube_actors.server.http import Full
from kube_actors.server.request_info import request_info
from tests.server.kit import ask, body_of, create, new_session

PLANTED = "cGxhbnRlZA=="
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "top"}, "data": {"password": PLANTED}}
NOBODY = User("nobody", ("system:authenticated",))

METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
PARTS = st.one_of(
    st.sampled_from(
        [
            *("", ".", "..", "api", "apis", "v1", "apps", "namespaces", "default", "secrets", "top", "pods", "nodes"),
            *("watch", "proxy", "status", "scale", "finalize", "exec", "log", "token", "eviction", "binding", "~"),
            *("services", "https:a:1", "version", "healthz", "livez", "openapi", "v2", "v3", "deployments", "%2e%2e"),
            *("rbac.authorization.k8s.io", "clusterroles", "serviceaccounts", "bindings", "componentstatuses"),
            *("authentication.k8s.io", "tokenreviews", "selfsubjectreviews", "events", "metrics", "*"),
        ]
    ),
    st.text(max_size=6),
)
PATHS = st.lists(PARTS, max_size=9).map(lambda parts: "/" + "/".join(parts))
QUERIES = st.dictionaries(
    st.sampled_from(["watch", "limit", "fieldSelector", "labelSelector", "dryRun", "force", "fieldManager", "command"]),
    st.one_of(st.sampled_from(["1", "true", "metadata.name=top", "a in (b)", "All", "x"]), st.text(max_size=8)),
    max_size=2,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("accept", "content-type", "content-encoding", "user-agent", "impersonate-user", "impersonate-group"),
            *("impersonate-uid", "impersonate-extra-a%zz", "connection", "upgrade", "sec-websocket-key"),
            "if-none-match",
        ]
    ),
    st.one_of(
        st.sampled_from(["application/json", "application/yaml", "Upgrade", "websocket", "SPDY/3.1", "*"]),
        st.text(max_size=12),
    ),
    max_size=3,
)
BODIES = st.one_of(st.just(b""), st.sampled_from([b"{}", b"[]", b"null", b'{"kind": 1}']), st.binary(max_size=20))


def target_text(path: str, query: dict[str, str]) -> str:
    """As a client would write it; what is no path is escaped."""
    values = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    return quote(path, safe="/%~*:") + (f"?{values}" if values else "")


@given(method=METHODS, path=st.one_of(PATHS, st.text()), query=QUERIES)
def test_every_path_is_about_something(method: str, path: str, query: dict[str, str]) -> None:
    """And what it is about is made of parts of it."""
    found = request_info(method, path, {name: (value,) for name, value in query.items()})
    assert found.path == path
    if found.is_resource:
        assert "/" not in found.namespace + found.resource + found.subresource
        assert path.endswith(found.trailing)


@given(url=st.one_of(st.binary(max_size=60), st.text(max_size=40).map(str.encode)))
@example(url=b"http://evil.example")
@example(url=b"//evil.example/version")
@example(url=b"/a?" + b"%" * 40)
def test_every_url_is_one_or_none(url: bytes) -> None:
    """It begins with a slash, or is the star of OPTIONS."""
    target = target_of(url)
    assert target is None or target.path == "*" or target.path.startswith("/")


@settings(max_examples=150)
@given(method=METHODS, path=PATHS, query=QUERIES, headers=HEADERS, body=BODIES, is_admin=st.booleans())
def test_any_request(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, is_admin: bool
) -> None:
    """Nothing breaks, and who may nothing sees no secret and changes nothing."""

    async def check() -> None:
        session = await new_session()
        await create(session, SECRET)
        before = session.plane.store.head
        if is_admin:
            response = await ask(session, method, target_text(path, query), body, headers)
        else:
            authorizer = RbacAuthorizer(session.plane.store)
            response = await ask(
                session, method, target_text(path, query), body, headers, user=NOBODY, authorizer=authorizer
            )
            assert session.plane.store.head == before
            assert isinstance(response, Full)
            assert response.status >= 400
            assert PLANTED.encode() not in body_of(response)
        if isinstance(response, Full):
            assert response.status != 500, body_of(response)

    trio.run(check)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/apis/apps/v1/"])
async def test_discovery_with_and_without_a_slash(path: str) -> None:
    """Both are answered."""
    response = await ask(await new_session(), "GET", path)
    assert isinstance(response, Full)
    assert response.status == 200
