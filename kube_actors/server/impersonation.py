"""Acting as somebody else (`kubectl --as`): whoever is allowed to becomes that user for one request.

Each of the things asked for (user, groups, uid, extras) is a permission of its own: the verb `impersonate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

import attrs

from kube_actors.access.attributes import Attributes
from kube_actors.access.user import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User
from kube_actors.errors import bad_request
from kube_actors.server.call import Call

USER: Final = "impersonate-user"
GROUP: Final = "impersonate-group"
UID: Final = "impersonate-uid"
EXTRA: Final = "impersonate-extra-"
AUTHENTICATION: Final = "authentication.k8s.io"
ACCOUNT_PREFIX: Final = "system:serviceaccount:"


def impersonate(call: Call) -> None:
    """Let the call go on as the user its headers name; `call.impersonator` is then who really asks.

    ApiError 403 for what that one may not impersonate, 400 for a group, uid or extra without a user.
    """
    headers = {name: value for name, value in call.request.headers.items() if name.startswith("impersonate-")}
    if not any(headers.values()):
        return
    wanted = _wanted(headers)
    asker = call.user
    for wish in _wishes(asker, wanted):
        call.check_allowed(wish)
    call.impersonator, call.user = asker, _completed(wanted)
    rest = {name: value for name, value in call.request.headers.items() if name not in headers}
    call.request = attrs.evolve(call.request, headers=rest)


def _wanted(headers: Mapping[str, str]) -> User:
    """Whom the headers name. Values of several headers of one name are joined by `, `."""
    groups = _values(headers.get(GROUP, ""))
    extra = {
        unquote(name.removeprefix(EXTRA)).lower(): _values(value)
        for name, value in sorted(headers.items())
        if name.startswith(EXTRA)
    }
    name, uid = headers.get(USER, ""), headers.get(UID, "")
    if not name:
        asked = [*(groups and ["groups"]), *(uid and ["uid"]), *(extra and ["userextras"])]
        raise bad_request(f"requested {', '.join(asked)} without impersonating a user")
    return User(name, groups, uid, extra)


def _values(joined: str) -> tuple[str, ...]:
    return tuple(value for value in joined.split(", ") if value)


def _wishes(asker: User, wanted: User) -> Iterator[Attributes]:
    """What the asker must be allowed to, one after the other."""
    account = _account(wanted.name)
    if account is not None:
        namespace, name = account
        yield Attributes(asker, "impersonate", "", "v1", "serviceaccounts", namespace=namespace, name=name)
    else:
        yield Attributes(asker, "impersonate", "", "v1", "users", name=wanted.name)
    for group in wanted.groups:
        yield Attributes(asker, "impersonate", "", "v1", "groups", name=group)
    for key, values in wanted.extra.items():
        for value in values:
            yield Attributes(asker, "impersonate", AUTHENTICATION, "v1", "userextras", key, name=value)
    if wanted.uid:
        yield Attributes(asker, "impersonate", AUTHENTICATION, "v1", "uids", name=wanted.uid)


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account a user's name stands for."""
    if not name.startswith(ACCOUNT_PREFIX):
        return None
    namespace, _, account = name.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, account) if namespace and account and ":" not in account else None


def _completed(wanted: User) -> User:
    """The user with the groups that everybody of their kind has."""
    groups = wanted.groups
    account = _account(wanted.name)
    if account is not None and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    if wanted.name == ANONYMOUS:
        groups = groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED)
    elif AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    return attrs.evolve(wanted, groups=groups)
