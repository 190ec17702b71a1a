"""What a request is about, read from its method and path alone (Kubernetes calls it RequestInfo)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Final

from kube_actors.records import frozen

_VERBS: Final[Mapping[str, str]] = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
# Parts of a namespace that are not resources in it.
_OF_NAMESPACE: Final = frozenset({"status", "finalize"})
_REMEMBERED: Final = 256
"""Characters of a path that is worth being remembered."""
_FALSE: Final = frozenset({"0", "false"})


@frozen
class RequestInfo:
    """A request for a resource, or for a plain path (`is_resource` false; `verb` is then the method in lower case).

    `resource` is the plural of the path, `trailing` what follows the subresource (the path of a proxied request,
    starting with `/`, or empty).
    """

    verb: str
    path: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    trailing: str = ""

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


def request_info(method: str, path: str, query: Mapping[str, tuple[str, ...]]) -> RequestInfo:
    """Read the path as Kubernetes does: `/apis/GROUP/VERSION[/namespaces/NS]/RESOURCE[/NAME[/SUBRESOURCE[/…]]]`."""
    watching = is_true(query.get("watch"))
    return _known(method, path, watching) if len(path) <= _REMEMBERED else _read(method, path, watching)


def _read(method: str, path: str, watching: bool) -> RequestInfo:
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return RequestInfo(method.lower(), path)
    watches = rest[0] == "watch" and len(rest) > 1
    if watches:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _OF_NAMESPACE:
            rest = rest[2:]
    resource, name, subresource = rest[0], *[*rest[1:3], "", ""][:2]
    trailing = path.split("/" + "/".join(rest[:3]), 1)[1] if len(rest) >= 3 else ""
    verb = _VERBS.get(method, method.lower())
    if verb == "get" and not name:
        verb = "watch" if watching else "list"
    if verb == "delete" and not name:
        verb = "deletecollection"
    if watches:
        verb = "watch"
    return RequestInfo(verb, path, True, group, version, resource, subresource, namespace, name, trailing)


_known = functools.lru_cache(maxsize=1024)(_read)


def is_true(values: Sequence[str] | None) -> bool:
    """A flag of the query as Kubernetes reads it: there, and neither `0` nor `false`. `?watch` alone is true."""
    return values is not None and len(values) > 0 and values[0].lower() not in _FALSE
