"""URLs of requests."""

from __future__ import annotations

import pytest

from kube_actors.server.edge.targets import Target, target_of


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (b"/", Target("/", "/", {})),
        (b"/a%2Fb/%C3%BC?q=%C3%BC+x", Target("/a/b/ü", "/a%2Fb/%C3%BC", {"q": ("ü x",)})),
        (b"/exec?command=sh&command=-c&stdin&tty=", Target("/exec", "/exec", {
            "command": ("sh", "-c"), "stdin": ("",), "tty": ("",)})),
        (b"http://host:1/a?b=c", Target("/a", "/a", {"b": ("c",)}, "host:1")),
        (b"HTTPS://host", Target("/", "/", {}, "host")),
        (b"/a#b?c", Target("/a", "/a", {})),
        (b"/\xff", Target("/\ufffd", "/\ufffd", {})),
        (b"*", Target("*", "*", {})),
        (b"host:443", None),
        (b"/%4", None),
        (b"/%zz", None),
        (b"/?" + b"a&" * 20_000, None),
    ],
)  # fmt: skip
def test_urls(url: bytes, target: Target | None) -> None:
    """Paths are decoded, parameters keep their order, and what is no URL is said to be none."""
    assert target_of(url) == target
