"""What a request is about, read from method, path and query."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from kube_actors.server.request_info import RequestInfo, request_info


def info(method: str, target: str) -> RequestInfo:
    """Of a request as it is written."""
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    return request_info(method, parts.path, {name: tuple(values) for name, values in query.items()})


@pytest.mark.parametrize(
    ("method", "target", "verb", "where"),
    [
        ("GET", "/api/v1/pods", "list", ("", "v1", "pods", "", "", "")),
        ("GET", "/api/v1/namespaces/shop/pods", "list", ("", "v1", "pods", "", "shop", "")),
        ("GET", "/api/v1/namespaces/shop/pods/web", "get", ("", "v1", "pods", "", "shop", "web")),
        ("HEAD", "/api/v1/namespaces/shop/pods/web", "get", ("", "v1", "pods", "", "shop", "web")),
        ("GET", "/api/v1/namespaces/shop/pods/web?watch=1", "get", ("", "v1", "pods", "", "shop", "web")),
        ("GET", "/api/v1/namespaces/shop/pods/web/log", "get", ("", "v1", "pods", "log", "shop", "web")),
        ("POST", "/api/v1/namespaces/shop/pods/web/exec", "create", ("", "v1", "pods", "exec", "shop", "web")),
        ("GET", "/api/v1/namespaces", "list", ("", "v1", "namespaces", "", "", "")),
        ("GET", "/api/v1/namespaces/shop", "get", ("", "v1", "namespaces", "", "shop", "shop")),
        ("PUT", "/api/v1/namespaces/shop/finalize", "update", ("", "v1", "namespaces", "finalize", "shop", "shop")),
        ("GET", "/apis/apps/v1/deployments?watch=true", "watch", ("apps", "v1", "deployments", "", "", "")),
        ("GET", "/apis/apps/v1/deployments?watch", "watch", ("apps", "v1", "deployments", "", "", "")),
        ("GET", "/apis/apps/v1/deployments?watch=0", "list", ("apps", "v1", "deployments", "", "", "")),
        ("GET", "/api/v1/watch/namespaces/shop/pods/web", "watch", ("", "v1", "pods", "", "shop", "web")),
        ("DELETE", "/api/v1/namespaces/shop/pods", "deletecollection", ("", "v1", "pods", "", "shop", "")),
        ("DELETE", "/api/v1/nodes/one", "delete", ("", "v1", "nodes", "", "", "one")),
        ("PATCH", "/apis/apps/v1/namespaces/a/jobs/b/scale", "patch", ("apps", "v1", "jobs", "scale", "a", "b")),
    ],
)  # fmt: skip
def test_requests_for_resources(method: str, target: str, verb: str, where: tuple[str, ...]) -> None:
    """Verb, and then group, version, resource, subresource, namespace and name."""
    found = info(method, target)
    assert found.is_resource
    assert found.verb == verb
    assert (found.group, found.version, found.resource, found.subresource, found.namespace, found.name) == where


@pytest.mark.parametrize("path", ["/", "/version", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/openapi/v3"])
def test_plain_paths(path: str) -> None:
    """They are asked for by method, and are about no resource."""
    assert info("GET", path) == RequestInfo("get", path)


def test_what_follows_a_proxy() -> None:
    """The rest of the path belongs to the program behind it."""
    found = info("GET", "/api/v1/namespaces/shop/services/web:80/proxy/a/b%20c/")
    assert (found.subresource, found.name, found.trailing) == ("proxy", "web:80", "/a/b%20c/")
