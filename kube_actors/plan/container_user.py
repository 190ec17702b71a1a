"""Who a container runs as. A module of its own, for runtimes are known to much that has nothing to do with pods."""

from __future__ import annotations

from kube_actors.records import frozen


@frozen
class User:
    """Who a container's first process was when it began, in numbers; `groups` include `gid`."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
