"""DELETE: one object, or all of a collection that selectors match."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.kinds import hooks_for
from kube_actors.server.call import Call
from kube_actors.server.http import Full, Response
from kube_actors.server.reading.list_options import list_options
from kube_actors.server.reading.negotiation import form_of, represent, served
from kube_actors.server.reading.paging import Page, page_of
from kube_actors.server.reading.selection import selection_of
from kube_actors.server.writing.answers import success
from kube_actors.server.writing.delete_options import Deletion, read_deletion
from kube_actors.server.writing.places import check_collection, check_object_path

ACCEPTED: Final = 202
# Kinds whose last state is the answer to their deletion; of others it is a Status that names the object.
ANSWER_THE_OBJECT: Final = frozenset(
    {
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
    }
)


async def delete(call: Call) -> Response:
    """200 with a Status once the object has gone; the object itself while it waits for its end."""
    check_object_path(call)
    form_of(call)
    deletion = await call.work.run(_read, call)
    store, key = call.api.store, call.key
    last = store.get(key)
    waiting = await call.client.delete(
        key,
        uid=deletion.uid,
        resource_version=deletion.resource_version,
        grace_seconds=deletion.grace_seconds,
        propagation=deletion.propagation,
        dry_run=deletion.dry_run,
    )
    if waiting is not None:  # not as other writes are answered: what the object asks for concerns nobody any more
        await store.durable(waiting.resource_version)
        return represent(call, waiting, ACCEPTED if deletion.waits_for_dependents else 200)
    assert last is not None, "what was deleted has been there"
    await store.durable(store.head)
    if key.resource in ANSWER_THE_OBJECT:
        return represent(call, last)
    details = {"name": last.key.name, "group": call.row.group, "kind": call.row.plural, "uid": last.uid}
    return success(details={name: value for name, value in details.items() if value})


async def delete_collection(call: Call) -> Response:
    """200 with the list of all that was deleted, as it was before: with `limit` a page of it, to be gone on with."""
    check_collection(call)
    deletion = await call.work.run(_read, call)
    options, store = list_options(call.request, watch=False), call.api.store
    page = await page_of(store, selection_of(call, options), options)
    await call.client.delete_all(
        page.revisions, grace_seconds=deletion.grace_seconds, propagation=deletion.propagation, dry_run=deletion.dry_run
    )
    await store.durable(store.head)
    return _listed(call, page)


def _read(call: Call) -> Deletion:
    """The options; of kinds whose dependents stay behind where nothing is said, a warning."""
    deletion = read_deletion(call)
    warning = hooks_for(call.row.id).orphan_warning
    if warning and deletion.propagation is None:
        call.warn(warning)
    return deletion


def _listed(call: Call, page: Page) -> Full:
    row = call.row
    body: dict[str, Any] = {
        "apiVersion": row.api_version,
        "kind": f"{row.kind}List",
        "metadata": page.metadata,
        "items": [],
    }
    beginning = json.dumps(body).removesuffix(b"}")
    items = b",".join(served(each, row) for each in page.revisions)
    return Full(200, beginning.replace(b'"items":[]', b'"items":[' + items + b"]") + b"}")
