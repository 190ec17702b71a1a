"""`componentstatuses`: how the parts of the control plane are. They are made for each answer and stored nowhere.

The control plane is one process: whoever gets an answer knows that scheduler and controllers are up. What can be ill is
the journal, which stands where others have etcd.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError, not_found
from kube_actors.kinds import project
from kube_actors.server.call import Call
from kube_actors.server.http import Full
from kube_actors.server.reading.list import represent_list
from kube_actors.server.reading.list_options import list_options
from kube_actors.server.reading.negotiation import negotiate, represent
from kube_actors.server.reading.paging import Page
from kube_actors.server.reading.selection import selection_of
from kube_actors.store import Key, Revision

_ALWAYS_WELL: Final = ("scheduler", "controller-manager")
_JOURNAL: Final = "etcd-0"


async def component_statuses(call: Call) -> Full:
    """One component by name, or all of them. ApiError 404 for a name that none has."""
    components = await _components(call)
    if call.info.verb != "list":
        found = next((each for each in components if each.key.name == call.info.name), None)
        if found is None:
            raise not_found(call.row.plural, call.info.name)
        return represent(call, found)
    accepted = negotiate(call.request)
    selection = selection_of(call, list_options(call.request, watch=False))
    condition, labels = selection.condition, selection.labels
    if condition is not None:
        components = [each for each in components if condition(each)]
    if labels is not None:
        components = [each for each in components if labels.matches(each.projection.labels)]
    return await represent_list(call, Page(components, call.api.store.head), accepted)


async def _components(call: Call) -> list[Revision]:
    store = call.api.store
    try:
        await store.durable(store.head)
        journal: Mapping[str, str] = {"status": "True", "message": "ok"}
    except ApiError as error:
        journal = {"status": "False", "error": error.message}
    well = {"status": "True", "message": "ok"}
    return [*(_component(call, name, well) for name in _ALWAYS_WELL), _component(call, _JOURNAL, journal)]


def _component(call: Call, name: str, health: Mapping[str, str]) -> Revision:
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "conditions": [{"type": "Healthy", **health}],
        "kind": "ComponentStatus",
        "metadata": {"name": name},
    }
    key = Key(call.key.resource, "", name)
    return Revision(key, "", 0, json.dumps(body), project(key.resource, body))
