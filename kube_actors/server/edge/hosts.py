"""Which names a client may call the server by.

A page in a browser can have its own name point to 127.0.0.1 and then talk to servers there (DNS rebinding). It cannot
choose the Host header, though: that carries its own name, which is none of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

import attrs

from kube_actors.records import define

_SERVICE: Final = "kubernetes.default.svc"
OWN_NAMES: Final = frozenset({"localhost", "kubernetes", "kubernetes.default", _SERVICE, f"{_SERVICE}.cluster.local"})
_REMEMBERED: Final = 256


@define
class HostCheck:
    """Accepts IP addresses, `localhost`, what the API is called inside a cluster, and `names`, with any port."""

    names: frozenset[str]
    _known: dict[str, bool] = attrs.field(factory=dict, init=False)

    @classmethod
    def of(cls, names: Iterable[str]) -> HostCheck:
        """A check that accepts these names too."""
        return cls(OWN_NAMES.union(name.lower().rstrip(".") for name in names))

    def accepts(self, host: str) -> bool:
        """Whether the value of a Host header is one of ours."""
        known = self._known.get(host)
        if known is None:
            known = self._judge(host)
            if len(self._known) < _REMEMBERED:
                self._known[host] = known
        return known

    def _judge(self, host: str) -> bool:
        if host.startswith("["):
            name, closed, rest = host[1:].partition("]")
            return bool(closed) and _is_port(rest) and _is_address(name)
        name, colon, port = host.partition(":")
        name = name.lower().rstrip(".")
        return _is_port(colon + port) and (name in self.names or name.endswith(".localhost") or _is_address(name))


def _is_port(text: str) -> bool:
    return not text or text == ":" or (text[0] == ":" and text[1:].isdecimal())


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
