"""`/healthz`, `/livez` and `/readyz`: whether the server is well, alive and ready.

The answer is a word, a line for each check, or one check alone. What is checked beside the server itself is told by
`HealthChecks`, a part of the API: what a start has to do (`start_hooks`) and what others add.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

import attrs
import trio

from kube_actors.errors import ApiError
from kube_actors.log import Log
from kube_actors.records import define, frozen
from kube_actors.server.cached_documents import check_read_only
from kube_actors.server.call import Api, Call
from kube_actors.server.http import Full, Headers, Response
from kube_actors.server.routes import nothing_there
from kube_actors.server.start_hooks import START_HOOKS, Hook
from kube_actors.store import Store

Check = Callable[[], Awaitable[str]]
"""Answers why it fails; empty when all is well."""

STORE_TIMEOUT: Final = 2.0  # seconds, in which everything written so far must become durable
_ALL: Final = frozenset({"healthz", "livez", "readyz"})
_READY: Final = frozenset({"readyz"})
_TEXT: Final = "text/plain; charset=utf-8"
_HEADERS: Final[Headers] = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-cache, private"))

log = Log(__name__)


@frozen
class HealthCheck:
    """One thing that is checked; `endpoints` are those that ask for it."""

    name: str
    run: Check
    endpoints: frozenset[str] = _ALL


@define(eq=False)
class HealthChecks:
    """What is checked beside the server itself. While it is `draining`, the server is alive but not ready.

    A start hook that is done stays done: who deletes a role later does not make the server ill.
    """

    draining: bool = False
    _more: list[HealthCheck] = attrs.field(factory=list, init=False)
    _done: set[str] = attrs.field(factory=set, init=False)

    def add(self, name: str, run: Check, endpoints: Iterable[str] = _ALL) -> None:
        """Check this as well, under a name like `poststarthook/start-nodes`."""
        self._more.append(HealthCheck(name, run, frozenset(endpoints)))

    def of(self, api: Api) -> tuple[HealthCheck, ...]:
        """What is checked, in the order it is shown."""
        hooks = (HealthCheck(name, partial(self._hook, name, hook, api)) for name, hook in START_HOOKS.items())
        return (*hooks, *self._more, HealthCheck("shutdown", self._shutdown, _READY))

    async def _hook(self, name: str, hook: Hook, api: Api) -> str:
        if name in self._done:
            return ""
        why = hook(api)
        if not why:
            self._done.add(name)
        return why

    async def _shutdown(self) -> str:
        return "process is shutting down" if self.draining else ""


async def health(call: Call) -> Response:
    """`/readyz` and the like with `?verbose` and `?exclude=`, or one check: `/readyz/etcd`. 404 for others."""
    check_read_only(call)
    endpoint, slash, name = call.info.path.removeprefix("/").partition("/")
    checks = [each for each in _checks(call.api) if endpoint in each.endpoints]
    if not slash:
        return await _all(call, endpoint, checks)
    check = next((each for each in checks if each.name == name), None)
    if check is None:
        return nothing_there()
    why = await check.run()
    return _text(500, f"internal server error: {why}\n") if why else _text(200, "ok")


def check_paths(api: Api) -> set[str]:
    """The paths of all single checks."""
    return {f"/{endpoint}/{check.name}" for check in _checks(api) for endpoint in check.endpoints}


async def _all(call: Call, endpoint: str, checks: list[HealthCheck]) -> Full:
    """Every check but the excluded ones. Why one fails is for the log: anybody may ask here."""
    excluded = dict.fromkeys(call.request.query.get("exclude", ()))
    lines, failed = [], []
    for check in checks:
        if check.name in excluded:
            del excluded[check.name]
            lines.append(f"[+]{check.name} excluded: ok\n")
        elif why := await check.run():
            lines.append(f"[-]{check.name} failed: reason withheld\n")
            failed.append(f"{check.name}: {why}")
        else:
            lines.append(f"[+]{check.name} ok\n")
    if excluded:
        names = ",".join(f'"{name}"' for name in sorted(excluded))
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}\n")
    if failed:
        log.warning("a health check failed", endpoint=endpoint, failed="; ".join(failed))
        return _text(500, f"{''.join(lines)}{endpoint} check failed\n")
    if "verbose" in call.request.query:
        return _text(200, f"{''.join(lines)}{endpoint} check passed\n")
    return _text(200, "ok")


def _checks(api: Api) -> tuple[HealthCheck, ...]:
    """Those of the server itself first. One without further parts is ready when its store is."""
    journal = partial(_not_durable, api.store)
    own = (
        HealthCheck("ping", _well),
        HealthCheck("log", _well),
        HealthCheck("etcd", journal),
        HealthCheck("etcd-readiness", journal, _READY),
        HealthCheck("informer-sync", _well, _READY),
    )
    try:
        return (*own, *api.part(HealthChecks).of(api))
    except LookupError:
        return own


async def _well() -> str:
    return ""


async def _not_durable(store: Store) -> str:
    """Whether what was written up to now becomes durable, in time."""
    try:
        with trio.fail_after(STORE_TIMEOUT):
            await store.durable(store.head)
    except trio.TooSlowError:
        return "the journal does not keep up"
    except ApiError as error:
        return str(error)
    return ""


def _text(status: int, text: str) -> Full:
    return Full(status, text.encode(), _TEXT, _HEADERS)
