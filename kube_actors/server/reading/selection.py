"""Which objects of a resource a list or a watch is about: by namespace, name, labels and fields."""

from __future__ import annotations

from collections.abc import Callable

from kube_actors.api.selectors import FieldSelector, FieldTerm, LabelSelector, SelectorError
from kube_actors.errors import bad_request
from kube_actors.kinds.field_selection import field_condition
from kube_actors.records import frozen
from kube_actors.server.call import Call
from kube_actors.server.reading.list_options import ListOptions
from kube_actors.store import Revision

Condition = Callable[[Revision], bool]
_NAME = "metadata.name"
_NODE = "spec.nodeName"


@frozen
class Selection:
    """Objects of `resource`, the id they are stored under: in a namespace (None: all), of a name (None: any), that
    meet the label selector and every other condition (`where`). `node` is the one that it demands of pods, if any."""

    resource: str
    namespace: str | None
    name: str | None
    labels: LabelSelector | None
    where: Condition | None
    node: str = ""

    @property
    def condition(self) -> Condition | None:
        """What is not asked of namespace and labels, in one; None: nothing."""
        name, where = self.name, self.where
        if name is None:
            return where
        return lambda revision: revision.key.name == name and (where is None or where(revision))


def selection_of(call: Call, options: ListOptions) -> Selection:
    """What the path and the selectors say together. ApiError 400 for fields the kind cannot be selected by."""
    namespace = (call.info.namespace or None) if call.row.namespaced else None
    name, fields = _name_apart(options.fields, call.info.name)
    try:
        where = field_condition(call.row, fields)
    except SelectorError as error:
        raise bad_request(str(error)) from None
    labels = None if options.labels.empty else options.labels
    node = fields.required(_NODE) if call.key.resource == "pods" else None
    return Selection(call.key.resource, namespace, name, labels, where, node or "")


def _name_apart(fields: FieldSelector, path_name: str) -> tuple[str | None, FieldSelector]:
    """The one name that the path (`/watch/…/pods/web`) or the field selector demands, and what the selector demands
    beside it. ApiError 400 when the two contradict each other."""
    demanded = fields.required(_NAME)
    if path_name and fields.terms and demanded != path_name:
        raise bad_request("fieldSelector metadata.name doesn't match requested name")
    name = path_name or demanded
    if name is None:
        return None, fields
    return name, FieldSelector(tuple(each for each in fields.terms if each != FieldTerm(_NAME, True, name)))
