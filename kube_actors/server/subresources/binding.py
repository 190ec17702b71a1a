"""Binding a pod to a node, as schedulers do: by the pod's path or by a Binding that names the pod."""

from __future__ import annotations

from kube_actors.errors import bad_request, invalid
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.writing.answers import success
from kube_actors.server.writing.bodies import Expected, check_types, read_body
from kube_actors.server.writing.options import WriteOptions, read_options
from kube_actors.server.writing.places import check_collection, settle_created
from kube_actors.store import Key

CREATED = 201


async def binding(call: Call) -> Response:
    """POST pods/NAME/binding: 201 with a Status; 409 for a pod that is bound already."""
    body, options = await call.work.run(_read, call)
    if body["metadata"].get("name", call.info.name) != call.info.name:
        raise bad_request("name in URL does not match name in Binding object")
    return await _bind(call, body, options, call.info.name)


async def create_binding(call: Call) -> Response:
    """POST bindings: the same for the pod that `metadata.name` says."""
    check_collection(call)
    body, options = await call.work.run(_read, call)
    return await _bind(call, body, options, body["metadata"].get("name") or "")


def _read(call: Call) -> tuple[Body, WriteOptions]:
    options = read_options(call, "CreateOptions")
    expected = Expected.type(call, "v1", "Binding")
    body = read_body(call, options.validation, expected)
    settle_created(call, body)
    check_types(body, expected)
    return body, options


async def _bind(call: Call, body: Body, options: WriteOptions, name: str) -> Response:
    target = body.get("target") or {}
    metadata = body["metadata"]
    if target.get("kind") not in (None, "", "Node"):
        cause = causes.not_supported("target.kind", target["kind"], ("Node", "<empty>"))
        raise invalid("Binding", name, [cause])
    if not target.get("name"):
        raise invalid("Binding", name, [causes.required("target.name")])
    revision = await call.client.bind(
        Key("pods", call.info.namespace, name),
        target["name"],
        uid=metadata.get("uid") or None,
        sent=metadata,
        dry_run=options.dry_run,
    )
    await call.api.store.durable(revision.resource_version)
    return success(CREATED)
