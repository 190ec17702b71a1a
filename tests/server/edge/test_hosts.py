"""Names a client may call the server by."""

from __future__ import annotations

import pytest

from kube_actors.server.edge.hosts import HostCheck


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("127.0.0.1:6443", True),
        ("10.96.0.1", True),
        ("[::1]:6443", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST:6443", True),
        ("kubernetes", True),
        ("kubernetes.default.svc", True),
        ("kubernetes.default.svc.cluster.local:443", True),
        ("api.example.com:6443", True),
        ("evil.example.com", False),
        ("kubernetes.default.svc.evil.com", False),
        ("kubernetes.evil.com:6443", False),
        ("localhost.evil.com", False),
        ("127.0.0.1.evil.com", False),
        ("localhost:evil", False),
        ("localhost, evil.com", False),
        ("[::1].evil.com", False),
        ("", False),
    ],
)
def test_names(host: str, accepted: bool) -> None:
    """Addresses, what the API is called in a cluster, and configured names; nothing a page could be served from."""
    assert HostCheck.of(["API.example.com."]).accepts(host) is accepted
