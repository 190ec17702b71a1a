"""Who a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kube_actors.records import frozen

ANONYMOUS: Final = "system:anonymous"
AUTHENTICATED: Final = "system:authenticated"
UNAUTHENTICATED: Final = "system:unauthenticated"
MASTERS: Final = "system:masters"


@frozen
class User:
    """A user as authenticated (`authentication.k8s.io/v1 UserInfo`); `extra` is what the authenticator adds, by key."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)

    @staticmethod
    def anonymous() -> User:
        """Whoever brings no credentials."""
        return User(ANONYMOUS, (UNAUTHENTICATED,))


def authenticated(user: User) -> User:
    """The user in the group of all who were authenticated, as everybody is but the anonymous one."""
    if user.name == ANONYMOUS or not {AUTHENTICATED, UNAUTHENTICATED}.isdisjoint(user.groups):
        return user
    return attrs.evolve(user, groups=(*user.groups, AUTHENTICATED))
