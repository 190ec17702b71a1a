"""Acting as somebody else (`kubectl --as`): whoever is allowed to becomes that user for one request.

Each of the things asked for (user, groups, uid, extras) is a permission of its own, in one of two ways. *Constrained*
impersonation has a mode for each kind of user, and two verbs: `impersonate:MODE` says whom, and
`impersonate-on:MODE:VERB` what may be done in their name. The *legacy* verb `impersonate` lets one do anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

import attrs

from kube_actors.access.attributes import Attributes
from kube_actors.access.nodes.identity import NODE_PREFIX, NODES
from kube_actors.access.user import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User
from kube_actors.api import names
from kube_actors.errors import ApiError, bad_request
from kube_actors.server.call import Call, denied

PREFIX: Final = "impersonate-"
USER: Final = "impersonate-user"
GROUP: Final = "impersonate-group"
UID: Final = "impersonate-uid"
EXTRA: Final = "impersonate-extra-"
AUTHENTICATION: Final = "authentication.k8s.io"
ACCOUNT_PREFIX: Final = "system:serviceaccount:"
NODE_NAME: Final = "authentication.kubernetes.io/node-name"
"""What an account's token says of the node its pod runs on."""
LEGACY: Final = ""
ASSOCIATED: Final = "associated-node"
ARBITRARY: Final = "arbitrary-node"
ACCOUNT: Final = "serviceaccount"
USER_INFO: Final = "user-info"
MANY: Final = 4
"""From so many groups or extras on it is first asked whether all of them are allowed at once."""
_EXTRA_KEY: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[a-z0-9/%:@!$&'()*+,;=._~-]+")


def impersonate(call: Call) -> None:
    """Let the call go on as the user its headers name; `call.impersonator` is then who really asks.

    ApiError 403 for what that one may not impersonate, 400 for a group, uid or extra without a user.
    """
    if PREFIX not in " ".join(call.request.headers):  # hardly anybody does, and this is the quickest way to see it
        return
    headers = {name: value for name, value in call.request.headers.items() if name.startswith(PREFIX)}
    if not any(headers.values()):
        return
    wanted = _wanted(headers)
    asker = call.user
    call.impersonator, call.user = asker, _impersonated(call, wanted)
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


def _impersonated(call: Call, wanted: User) -> User:
    """The user the asker becomes, in the first mode that lets them. ApiError 403 as the first mode refuses it."""
    refusals: list[ApiError] = []
    for mode in _modes(call.user, wanted):
        try:
            _check(call, wanted, mode)
        except ApiError as refusal:
            refusals.append(refusal)
        else:
            return _completed(wanted, mode)
    raise refusals[0]


def _modes(asker: User, wanted: User) -> Iterator[str]:
    """The modes in which such a user can be impersonated, in Kubernetes' order. Groups, uid and extras of nodes and
    accounts are not for the asker to say."""
    node, account = _node(wanted.name), _account(wanted.name)
    named_only = not (wanted.groups or wanted.uid or wanted.extra)
    if node and named_only:
        if _account(asker.name) is not None and asker.extra.get(NODE_NAME) == (node,):
            yield ASSOCIATED
        yield ARBITRARY
    if account is not None and named_only:
        yield ACCOUNT
    if not node and account is None:
        yield USER_INFO
    yield LEGACY


def _check(call: Call, wanted: User, mode: str) -> None:
    """ApiError 403 for what the asker may not in this mode."""
    if mode:
        call.check_allowed(call.attributes(f"impersonate-on:{mode}:{call.info.verb}"))
    call.check_allowed(_named(call.user, wanted, mode))
    if wanted.uid:
        call.check_allowed(_wish(call.user, mode, "uids", wanted.uid, group=AUTHENTICATION))
    _check_all(call, list(_groups(call.user, wanted, mode)), mode)
    _check_all(call, list(_extras(call.user, wanted, mode)), mode)


def _check_all(call: Call, wishes: list[Attributes], mode: str) -> None:
    if mode and len(wishes) >= MANY:
        subresource = "*" if wishes[0].subresource else ""
        if call.api.authorizer.decide(attrs.evolve(wishes[0], name="*", subresource=subresource)).allowed:
            return
    for wish in wishes:
        call.check_allowed(wish)


def _wish(
    asker: User, mode: str, resource: str, name: str, subresource: str = "", namespace: str = "", *, group: str = ""
) -> Attributes:
    """What the asker must be allowed to. In the legacy way users and groups are of the core group."""
    verb = f"impersonate:{mode}" if mode else "impersonate"
    return Attributes(asker, verb, AUTHENTICATION if mode else group, "v1", resource, subresource, namespace, name)


def _named(asker: User, wanted: User, mode: str) -> Attributes:
    account = _account(wanted.name)
    if account is not None:
        return _wish(asker, mode, "serviceaccounts", account[1], namespace=account[0])
    if mode in (ASSOCIATED, ARBITRARY):
        return _wish(asker, mode, "nodes", "*" if mode == ASSOCIATED else _node(wanted.name))
    return _wish(asker, mode, "users", wanted.name)


def _groups(asker: User, wanted: User, mode: str) -> Iterator[Attributes]:
    if mode and MASTERS in wanted.groups:
        why = f"impersonating the {MASTERS} group is not allowed"
        raise denied(_wish(asker, mode, "groups", MASTERS), why)
    for group in wanted.groups:
        yield _wish(asker, mode, "groups", group)


def _extras(asker: User, wanted: User, mode: str) -> Iterator[Attributes]:
    for key, values in wanted.extra.items():
        if mode and not _EXTRA_KEY.fullmatch(key):
            wrong = f'extra.key: Invalid value: "{key}": must be a domain-prefixed path (such as "acme.io/foo")'
            why = f"impersonating an invalid key in extra is not allowed: {wrong}"
            raise denied(_wish(asker, mode, "userextras", ""), why)
        if mode and not values:
            raise denied(_wish(asker, mode, "userextras", ""), "impersonating empty values in extra is not allowed")
        for value in values:
            yield _wish(asker, mode, "userextras", value, key, group=AUTHENTICATION)


def _node(name: str) -> str:
    """The node a user's name stands for; empty for other users."""
    node = name.removeprefix(NODE_PREFIX) if name.startswith(NODE_PREFIX) else ""
    return "" if node and names.dns1123_subdomain(node) else node


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account a user's name stands for."""
    if not name.startswith(ACCOUNT_PREFIX):
        return None
    namespace, _, account = name.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, account) if namespace and account and ":" not in account else None


def _completed(wanted: User, mode: str) -> User:
    """The user with the groups that everybody of their kind has."""
    groups = wanted.groups
    account = _account(wanted.name)
    if account is not None and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    if mode in (ASSOCIATED, ARBITRARY):
        groups = (NODES,)
    if wanted.name == ANONYMOUS:
        groups = groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED)
    elif AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    return attrs.evolve(wanted, groups=groups)
