"""`scale`: how many replicas, in a form that is the same for every kind that has them."""

from __future__ import annotations

from kube_actors.api.structured_merge import check_applied
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import encoded, include_object, negotiate, represent
from kube_actors.server.routes import not_allowed
from kube_actors.server.writing.answers import written_body
from kube_actors.server.writing.apply import read_configuration
from kube_actors.server.writing.bodies import Expected, check_types, read_body
from kube_actors.server.writing.options import read_options
from kube_actors.server.writing.patch import Patched, judge_fields, patch_kind, read_patch
from kube_actors.server.writing.places import check_object_path, settle
from kube_actors.store import Revision
from kube_actors.writes.subresources import scale_of

VERSION, KIND = "autoscaling/v1", "Scale"


async def scale(call: Call) -> Response:
    """GET, PUT and PATCH of the `autoscaling/v1 Scale` that stands for the object."""
    check_object_path(call)
    negotiate(call.request)
    match call.info.verb:
        case "get":
            return _represented(call, call.client.scale(call.key))
        case "update":
            return await _update(call)
        case "patch":
            return await (_apply(call) if patch_kind(call) is None else _patch(call))
    raise not_allowed()


def _represented(call: Call, body: Body) -> Response:
    accepted = negotiate(call.request)
    if accepted.kind != "table":
        return represent(call, body)
    from kube_actors.server.tables.scale import scale_table  # most programs never ask for a table

    shown = include_object(call.request)
    table = scale_table(body, call.api.session.now, version=accepted.version, include_object=shown)
    return encoded(accepted, table)


async def _update(call: Call) -> Response:
    options = read_options(call, "UpdateOptions")
    expected = Expected.type(call, VERSION, KIND, "apps/v1", "extensions/v1beta1")
    body = await call.work.run(read_body, call, options.validation, expected)
    settle(call, body)
    check_types(body, expected)
    return await _answer(call, await call.client.update_scale(call.key, body, dry_run=options.dry_run))


async def _patch(call: Call) -> Response:
    options = read_options(call, "PatchOptions")
    kind, decoded = patch_kind(call), await call.work.run(read_patch, call, options.validation)
    assert kind is not None, "applies go elsewhere"
    expected = Expected.type(call, VERSION, KIND)

    def check(before: Body, new: Body) -> None:
        settle(call, new)
        judge_fields(call, expected.schema, Patched(new, before, decoded, kind), options.validation)

    revision = await call.client.patch_scale(call.key, decoded.value, kind, dry_run=options.dry_run, check=check)
    return await _answer(call, revision)


async def _apply(call: Call) -> Response:
    """An applied Scale is an applied object of which the manager wants the replicas."""
    options = read_options(call, "PatchOptions", applies=True)
    body = await call.work.run(read_configuration, call, options, VERSION, KIND)
    check_applied(body, Expected.type(call, VERSION, KIND).schema)
    settle(call, body)
    call.client.scale(call.key)  # 404 unless there is something to scale
    storage = call.api.registry.storage_of(call.row)
    replicas = (body.get("spec") or {}).get("replicas")
    wanted: Body = {"apiVersion": storage.api_version, "kind": storage.kind, "metadata": body["metadata"]}
    if replicas is not None:
        wanted["spec"] = {"replicas": replicas}
    applied = await call.client.apply(wanted, force=options.force, dry_run=options.dry_run, subresource="scale")
    return await _answer(call, applied.revision)


async def _answer(call: Call, revision: Revision) -> Response:
    return await written_body(call, revision, scale_of(call.api.registry.storage_of(call.row), revision.body()))
