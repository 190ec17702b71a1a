"""Who simulated containers run as: what a node would find, were there no file in their images."""

from __future__ import annotations

from typing import Final

from kube_actors.node.runtime.base import ContainerSpec
from kube_actors.plan.container_user import User

_ROOT: Final = "root"
"""The name that every image knows."""


def user_of(spec: ContainerSpec) -> User | None:
    """The user that is asked for, or the image's, or root; None for names that only an image could tell the number of.

    Without another word the group is that of root, and the groups are this one and those that are asked for.
    """
    security = spec.security
    user, _, group = spec.image.user.partition(":")
    if security.run_as_user is not None:
        user, group = str(security.run_as_user), ""
    if security.run_as_group is not None:
        group = str(security.run_as_group)
    uid, gid = _number(user), _number(group)
    if uid is None or gid is None:
        return None
    return User(uid, gid, tuple(sorted({gid, *security.supplemental_groups})))


def _number(text: str) -> int | None:
    if text in ("", _ROOT):
        return 0
    return int(text) if text.isdecimal() else None
