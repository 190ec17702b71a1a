"""The parameters of a list or a watch, read and checked as kube-apiserver does, all problems at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kube_actors.api.selectors import FieldSelector, LabelSelector, SelectorError
from kube_actors.errors import Cause, bad_request, invalid
from kube_actors.records import frozen
from kube_actors.server.http import HttpRequest
from kube_actors.server.reading.resource_versions import resource_version

Match = Literal["", "Exact", "NotOlderThan"]
_MATCH = "resourceVersionMatch"
_INT64 = 2**63
_MOST_DIGITS = 20  # of a number of 64 bits


@frozen
class ListOptions:
    """What a list or a watch was asked for; `meta/v1 ListOptions`.

    `resource_version` is None when not given; `limit` 0 means no limit; `timeout_seconds` None: the server's choice.
    """

    labels: LabelSelector
    fields: FieldSelector
    resource_version: int | None
    match: str
    limit: int
    token: str
    timeout_seconds: int | None
    bookmarks: bool
    send_initial_events: bool | None

    @property
    def selects(self) -> bool:
        """Whether there is a selector, of either sort."""
        return bool(self.fields.terms) or not self.labels.empty


def list_options(request: HttpRequest, *, watch: bool) -> ListOptions:
    """Read the parameters. ApiError 400 for what cannot be read, 422 for what does not go together, in this order."""
    try:
        labels = LabelSelector.parse(request.parameter("labelSelector"))
        fields = FieldSelector.parse(request.parameter("fieldSelector"))
    except SelectorError as error:
        raise bad_request(str(error)) from None
    limit, timeout = _integer(request, "limit"), _integer(request, "timeoutSeconds")
    causes = list(_watch_causes(request) if watch else _list_causes(request))
    if causes:
        raise invalid("ListOptions", "", causes, group="meta.k8s.io")
    return ListOptions(
        labels,
        fields,
        resource_version(request),
        request.parameter(_MATCH),
        max(0, limit or 0),
        request.parameter("continue"),
        timeout,
        request.flag("allowWatchBookmarks"),
        request.flag("sendInitialEvents") if "sendInitialEvents" in request.query else None,
    )


def _integer(request: HttpRequest, name: str) -> int | None:
    if name not in request.query:
        return None
    text = request.parameter(name)
    digits = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if len(digits) > _MOST_DIGITS or not -_INT64 <= int(text) < _INT64:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
    return int(text)


def _list_causes(request: HttpRequest) -> Iterator[Cause]:
    match, version = request.parameter(_MATCH), request.parameter("resourceVersion")
    if match:
        if not version:
            yield _forbidden(_MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if request.parameter("continue"):
            yield _forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided")
        if match not in ("Exact", "NotOlderThan"):
            yield _unsupported(match, '"Exact", "NotOlderThan", ""')
        if match == "Exact" and version == "0":
            yield _forbidden(_MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if "sendInitialEvents" in request.query:
        yield _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _watch_causes(request: HttpRequest) -> Iterator[Cause]:
    match, is_initial_given = request.parameter(_MATCH), "sendInitialEvents" in request.query
    if is_initial_given and match != "NotOlderThan":
        yield _forbidden(_MATCH, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if match:
        if not is_initial_given:
            yield _forbidden(_MATCH, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
        if match != "NotOlderThan":
            yield _unsupported(match, '"NotOlderThan"')
        if request.parameter("continue"):
            yield _forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided")


def _forbidden(field: str, message: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {message}", field)


def _unsupported(value: str, supported: str) -> Cause:
    return Cause("FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {supported}', _MATCH)
