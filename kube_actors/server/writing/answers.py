"""Answers to writes: sent when what they tell is durable."""

from __future__ import annotations

from typing import Any

from kube_actors.kinds.hooks import Body
from kube_actors.kinds.unused_fields import unused_fields, unused_in
from kube_actors.server.call import Call, answer
from kube_actors.server.http import Full, Response
from kube_actors.server.reading.negotiation import represent
from kube_actors.store import Revision
from kube_actors.writes.prepare import content_changed


async def written(call: Call, revision: Revision, status: int = 200, before: Revision | None = None) -> Response:
    """The object as it is now, in the form the client accepts; of fields that do nothing the client is warned.

    `before` is what was there: who changed only metadata, such as a label, is not told again.
    """
    if not call.info.subresource and unused_fields(revision.key.resource):
        for told in await call.work.run(_unused, revision, before):
            call.warn(told)
    await call.api.store.durable(revision.resource_version)
    return represent(call, revision, status)


def _unused(revision: Revision, before: Revision | None) -> list[str]:
    body = revision.body()
    told = unused_in(revision.key.resource, body)
    return told if told and (before is None or content_changed(body, before.body())) else []


async def written_body(call: Call, revision: Revision, body: Body, status: int = 200) -> Response:
    """Another object that stands for the one written, such as its Scale."""
    await call.api.store.durable(revision.resource_version)
    return represent(call, body, status)


def success(status: int = 200, details: dict[str, Any] | None = None) -> Full:
    """A `Status` that says all went well."""
    body: Body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if status != 200:
        body["code"] = status
    return answer(status, {**body, "details": details} if details else body)
