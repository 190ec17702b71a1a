"""Which objects of a resource a list or a watch is about: by namespace, name, labels and fields."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from kube_actors.api.selectors import FieldSelector, FieldTerm, LabelSelector, SelectorError
from kube_actors.errors import bad_request
from kube_actors.kinds.field_selection import field_condition
from kube_actors.server.call import Call
from kube_actors.server.reading.list_options import ListOptions
from kube_actors.store import Revision

_NAME = "metadata.name"


@attrs.frozen
class Selection:
    """Objects of `resource`, the id they are stored under: in a namespace (None: all), that meet both selectors."""

    resource: str
    namespace: str | None
    labels: LabelSelector | None
    where: Callable[[Revision], bool] | None


def selection_of(call: Call, options: ListOptions) -> Selection:
    """What the path and the selectors say together. ApiError 400 for fields the kind cannot be selected by."""
    namespace = (call.info.namespace or None) if call.row.namespaced else None
    try:
        where = field_condition(call.row, _with_name(options.fields, call.info.name))
    except SelectorError as error:
        raise bad_request(str(error)) from None
    labels = None if options.labels.empty else options.labels
    return Selection(call.key.resource, namespace, labels, where)


def _with_name(fields: FieldSelector, name: str) -> FieldSelector:
    """The field selector of a path with a name in it, as in `/watch/…/pods/web`. ApiError 400 when it contradicts."""
    if not name:
        return fields
    if not fields.terms:
        return FieldSelector((FieldTerm(_NAME, True, name),))
    if fields.required(_NAME) != name:
        raise bad_request("fieldSelector metadata.name doesn't match requested name")
    return fields
