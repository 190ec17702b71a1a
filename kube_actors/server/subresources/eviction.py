"""POST pods/NAME/eviction: delete the pod if its PodDisruptionBudget can do without it."""

from __future__ import annotations

from kube_actors.access.nodes.restriction import check_eviction
from kube_actors.errors import bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.writing.answers import success
from kube_actors.server.writing.bodies import Expected, check_types, read_body
from kube_actors.server.writing.delete_options import deletion_of
from kube_actors.server.writing.options import read_options
from kube_actors.server.writing.places import settle_created
from kube_actors.verbs.eviction import Eviction, evict_pod

CREATED = 201


async def eviction(call: Call) -> Response:
    """201 with a Status when the pod's deletion has begun; errors as `evict_pod` raises them."""
    options = read_options(call, "CreateOptions")
    expected = Expected.type(call, "policy/v1", "Eviction", "policy/v1beta1")
    body = await call.work.run(read_body, call, options.validation, expected)
    settle_created(call, body)
    check_types(body, expected)
    name = (body.get("metadata") or {}).get("name") or ""
    if name != call.info.name:
        raise bad_request("name in URL does not match name in Eviction object")
    check_eviction(call.api.store, call.user, call.key)
    wanted = _eviction(call, body, dry_run=options.dry_run)
    await evict_pod(call.api.session, call.client, wanted)
    await call.api.store.durable(call.api.store.head)
    return success(CREATED)


def _eviction(call: Call, body: Body, *, dry_run: bool) -> Eviction:
    wanted = deletion_of(body.get("deleteOptions") or {})
    return Eviction(
        call.key,
        wanted.uid,
        wanted.resource_version,
        wanted.grace_seconds,
        wanted.propagation,
        dry_run or wanted.dry_run,
    )
