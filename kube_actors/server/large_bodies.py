"""Calls with large bodies, and changes of large objects: answered aside, so that everybody else is served meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.routes import Answer
from kube_actors.writes.aside import LARGE

_CHANGING: Final = frozenset({"update", "patch"})


def answered(call: Call, answer: Answer) -> Awaitable[Response]:
    """What `answer` says; one after the other where the bodies are large."""
    return _aside(call, answer) if _is_large(call) else answer(call)


async def _aside(call: Call, answer: Answer) -> Response:
    async with call.api.session.client.pipeline.aside.turn() as call.work:
        return await answer(call)


def _is_large(call: Call) -> bool:
    if len(call.request.body) > LARGE:
        return True
    if call.info.verb not in _CHANGING or call.resource is None:
        return False
    live = call.api.store.get(call.key)
    return live is not None and len(live.raw) > LARGE
