"""Lists in pages: all pages of one list show the objects as they were when the first was made.

The store's recent history undoes what has happened since. When that no longer reaches back, the client is told (410)
and given a token with which it can go on with the objects as they are now.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

import attrs
import trio

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError, bad_request
from kube_actors.records import frozen
from kube_actors.server.reading.list_options import ListOptions
from kube_actors.server.reading.resource_versions import reached
from kube_actors.server.reading.selection import Condition, Selection
from kube_actors.store import Revision, Store

BATCH = 256
"""Objects looked at between two checkpoints: about two milliseconds' work when each has to be parsed."""

_VERSION = "meta.k8s.io/v1"
_NOT_BASE64: Final = re.compile("[^A-Za-z0-9_-]")
_NOW = -1  # the revision in a token that goes on with the objects as they are
_TOO_OLD = "The resourceVersion for the provided list is too old."
_TOKEN_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@frozen
class Token:
    """Where a list goes on: behind the object `after` (namespace, name), as it was at `revision`."""

    resource: str
    revision: int
    after: tuple[str, str]

    def encode(self) -> str:
        """The text of `metadata.continue`."""
        body = {"v": _VERSION, "rv": self.revision, "of": self.resource, "start": "/".join(self.after) + "\0"}
        return base64.urlsafe_b64encode(json.dumps(body)).decode().rstrip("=")


def decode_token(text: str, selection: Selection) -> Token:
    """Read a token of a list of the same resource and namespace. ApiError 400."""
    wrong = _NOT_BASE64.search(text)
    if wrong is not None or len(text) % 4 == 1:
        raise _invalid_token(f"illegal base64 data at input byte {wrong.start() if wrong else len(text) - 1}")
    try:
        body = json.parse(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise _invalid_token("it holds no JSON") from None
    if not isinstance(body, dict) or body.get("v") != _VERSION:
        version = body.get("v") if isinstance(body, dict) else ""
        raise _invalid_token(f"server does not recognize this encoded version {version}")
    revision, start = body.get("rv"), body.get("start")
    if type(revision) is not int or revision == 0 or revision < _NOW:
        raise _invalid_token(f"incorrect encoded start resourceVersion (version {_VERSION})")
    if not isinstance(start, str) or not start:
        raise _invalid_token(f"encoded start key empty (version {_VERSION})")
    namespace, slash, name = start.removesuffix("\0").partition("/")
    is_elsewhere = selection.namespace is not None and namespace != selection.namespace
    if not slash or body.get("of") != selection.resource or is_elsewhere:
        raise _invalid_token(f"it belongs to another list: {start!r}")
    return Token(selection.resource, revision, (namespace, name))


def _invalid_token(why: str) -> ApiError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")


class TokenExpired(ApiError):
    """410 for a token that history no longer reaches; its Status carries one to go on with in spite of that."""

    def __init__(self, token: Token) -> None:
        super().__init__("Expired", 410, _TOKEN_TOO_OLD)
        self.token = attrs.evolve(token, revision=_NOW)

    def status(self) -> dict[str, Any]:
        """The Status, with the token in its metadata."""
        return {**super().status(), "metadata": {"continue": self.token.encode()}}


@frozen
class Page:
    """Some objects of a list in order, as they were at `revision`.

    `token` is where the next page begins, empty on the last; `remaining` how many objects come after this page, where
    that is known.
    """

    revisions: Sequence[Revision]
    revision: int
    token: str = ""
    remaining: int | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The `ListMeta`."""
        metadata: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if self.token:
            metadata["continue"] = self.token
        if self.remaining is not None:
            metadata["remainingItemCount"] = self.remaining
        return metadata


async def page_of(store: Store, selection: Selection, options: ListOptions) -> Page:
    """The page that the options ask for. ApiError 400, 410, 504."""
    token = decode_token(options.token, selection) if options.token else None
    if token is not None and options.resource_version:
        raise bad_request("specifying resource version is not allowed when using continue")
    revision = await _revision_of(store, options, token)
    found = _listed(store, selection, revision, token)
    if token is not None:
        found = found[bisect_right(found, token.after, key=lambda each: each.key[1:]) :]
    limit = _limit(options, token) or len(found)
    condition = selection.condition
    chosen = found if condition is None else await _filtered(found, condition, limit + 1)
    if len(chosen) <= limit:
        return Page(chosen, revision)
    last = chosen[limit - 1].key
    following = Token(selection.resource, revision, (last.namespace, last.name))
    remaining = None if options.selects else len(chosen) - limit
    return Page(chosen[:limit], revision, following.encode(), remaining)


def _limit(options: ListOptions, token: Token | None) -> int:
    """How many objects a page has; 0: all. Who takes objects of any age is given all of them, as from kube-apiserver's
    cache, whatever the limit."""
    return 0 if options.resource_version == 0 and token is None else options.limit


async def _revision_of(store: Store, options: ListOptions, token: Token | None) -> int:
    """At which revision the objects are to be shown."""
    if token is not None:
        return store.head if token.revision == _NOW else token.revision
    asked = options.resource_version
    if not asked:
        return store.head
    await reached(store, asked)
    # A limited list at a revision has always meant exactly that one, long before there was a word for it.
    is_exact = options.match == "Exact" or (not options.match and options.limit > 0)
    return asked if is_exact else store.head


def _listed(store: Store, selection: Selection, revision: int, token: Token | None) -> list[Revision]:
    try:
        return store.list_at(revision, selection.resource, selection.namespace, selection.labels)
    except ApiError as error:
        if error.reason != "Expired":
            raise
        raise TokenExpired(token) if token is not None else ApiError("Expired", 410, _TOO_OLD) from None


async def _filtered(found: list[Revision], condition: Condition, limit: int) -> list[Revision]:
    """The first `limit` that meet the condition, letting others work in between: each may have to be parsed."""
    chosen: list[Revision] = []
    for start in range(0, len(found), BATCH):
        chosen += [each for each in found[start : start + BATCH] if condition(each)]
        if len(chosen) >= limit:
            break
        await trio.lowlevel.checkpoint()
    return chosen[:limit]
