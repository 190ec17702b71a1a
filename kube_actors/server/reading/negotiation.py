"""One object as the client accepts it: as it is stored, as a Table, or its metadata alone; JSON or YAML.

Reads and the answers of writes go through `represent`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

import attrs

from kube_actors.api.codecs import json
from kube_actors.api.registry import Resource
from kube_actors.errors import ApiError, bad_request
from kube_actors.server.call import Call
from kube_actors.server.http import Full, HttpRequest
from kube_actors.server.reading.accept import ALL_FORMS, META, OBJECTS, PLAIN, UNLISTED, YAML, Accepted, Kind, choose
from kube_actors.store import Key, Revision

__all__ = [
    "Accepted",
    "encoded",
    "form_of",
    "include_object",
    "negotiate",
    "not_acceptable",
    "partial",
    "represent",
    "served",
]

Body = Mapping[str, Any]
# Programs that people read the answers of: they get indented JSON, as from kube-apiserver.
_BROWSERS: Final = ("curl", "Wget", "Mozilla/5.0")
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
IncludeObject = Literal["None", "Metadata", "Object"]
_INCLUDE_OBJECT: Final[Mapping[str, IncludeObject]] = {
    "": "Metadata",
    "None": "None",
    "Metadata": "Metadata",
    "Object": "Object",
}

# What was made of a revision in another form: made once, and forgotten with the revision.
_made: WeakKeyDictionary[Revision, dict[str, bytes]] = WeakKeyDictionary()


def negotiate(
    request: HttpRequest, offered: tuple[str, ...] = OBJECTS, *, forms: frozenset[Kind] = ALL_FORMS
) -> Accepted:
    """Which of these forms to answer in. ApiError 406 when the client accepts nothing of what is `offered`."""
    accepted = choose(request.header("accept"), offered, forms)
    if accepted is None:
        raise not_acceptable(f"only the following media types are accepted: {', '.join(offered)}")
    if accepted.pretty or not is_for_people(request):
        return accepted
    return attrs.evolve(accepted, pretty=True)


def form_of(call: Call) -> Accepted:
    """Which form to answer in with an object of the call's resource: settled when first asked, for writes before they
    write anything. ApiError 406."""
    if call.form is None:
        call.form = negotiate(call.request, forms=ALL_FORMS if "get" in call.row.verbs else UNLISTED)
    return call.form


def form_of_errors(request: HttpRequest) -> Accepted:
    """How to write a `Status`: as the client accepts it, and to one that accepts no such thing as JSON for people."""
    accepted = choose(request.header("accept"), OBJECTS, PLAIN)
    if accepted is None or is_for_people(request):
        return attrs.evolve(accepted or Accepted(), pretty=True)
    return accepted


def is_for_people(request: HttpRequest) -> bool:
    """Whether a person looks at the answer: `pretty` says so, or without it the name of the program."""
    asked = request.parameter("pretty")
    if asked:
        return asked in _TRUE
    return request.header("user-agent").startswith(_BROWSERS)


def not_acceptable(message: str) -> ApiError:
    """406: there is no answer in any form the client takes."""
    return ApiError("NotAcceptable", 406, message)


def represent(call: Call, revision_or_body: Revision | Body, status: int = 200) -> Full:
    """One object in the form that the call accepts. A plain body may be of any kind; `Status` stays what it is.

    ApiError 406 when the client accepts nothing that can be written, or only a list.
    """
    row, accepted = call.row, form_of(call)
    if not isinstance(revision_or_body, Revision):
        if accepted.kind == "object" or revision_or_body.get("kind") != row.kind:
            return encoded(accepted, json.dumps(revision_or_body), status)
        revision_or_body = _unstored(call, revision_or_body)
    return encoded(accepted, _in_form(call, accepted, revision_or_body), status)


def _in_form(call: Call, accepted: Accepted, revision: Revision) -> bytes:
    if accepted.kind == "object":
        return served(revision, call.row)
    if accepted.kind == "partial":
        return partial(revision, accepted.version)
    if accepted.kind == "partial_list":
        what = f"the requested object is not a list ({call.row.kind})"
        raise not_acceptable(f"you requested PartialObjectMetadataList, but {what}")
    from kube_actors.server.tables import table_of  # most programs never ask for a table

    return table_of(
        call.row,
        [revision],
        call.api.session.now,
        version=accepted.version,
        include_object=include_object(call.request),
        list_metadata={"resourceVersion": str(revision.resource_version)},
    )


def _unstored(call: Call, body: Body) -> Revision:
    """A body that is not in the store (the outcome of a dry run) as if it were."""
    from kube_actors.kinds import project

    metadata = body.get("metadata") or {}
    key = Key(call.key.resource, metadata.get("namespace", ""), metadata.get("name", ""))
    version = int(metadata.get("resourceVersion") or 0)
    return Revision(key, metadata.get("uid", ""), version, json.dumps(body), project(key.resource, body))


def include_object(request: HttpRequest) -> IncludeObject:
    """How much of the object a Table's row is to carry: `includeObject`, by default the metadata. ApiError 400."""
    wanted = request.parameter("includeObject")
    if wanted not in _INCLUDE_OBJECT:
        problem = f"includeObject: Invalid value: \"{wanted}\": must be 'Metadata', 'Object', 'None', or empty"
        raise bad_request(f"Unable to convert to Table as requested: {problem}")
    return _INCLUDE_OBJECT[wanted]


def encoded(accepted: Accepted, body: bytes, status: int = 200) -> Full:
    """An answer that is JSON by now, in the media type accepted."""
    if accepted.media_type == YAML:
        from kube_actors.api.codecs.yaml_writer import dump

        return Full(status, dump(json.loads_trusted(body)).encode(), YAML)
    if accepted.pretty:
        return Full(status, json.dumps_indented(json.loads_trusted(body)))
    return Full(status, body)


def served(revision: Revision, resource: Resource) -> bytes:
    """The object in the version of `resource`: the stored bytes where they are in that version."""
    raw = revision.raw
    if raw.startswith(_beginning(resource.api_version)):  # keys are sorted, and few fields come before this one
        return raw
    return _once(revision, resource.api_version, lambda: _converted(revision, resource))


def _converted(revision: Revision, resource: Resource) -> bytes:
    body = revision.body()
    if body.get("apiVersion") == resource.api_version:
        return revision.raw
    from kube_actors.kinds.versions import as_version

    return json.dumps(as_version(body, resource))


def _beginning(api_version: str) -> bytes:
    return b'{"apiVersion":"' + api_version.encode() + b'"'


def partial(revision: Revision, version: str) -> bytes:
    """The object's metadata alone, as `PartialObjectMetadata` of a version of `meta.k8s.io`."""
    return _once(revision, f"{META}/{version}", lambda: _partial(revision, version))


def _partial(revision: Revision, version: str) -> bytes:
    metadata = revision.body().get("metadata") or {}
    return json.dumps({"apiVersion": f"{META}/{version}", "kind": "PartialObjectMetadata", "metadata": metadata})


def _once(revision: Revision, form: str, make: Callable[[], bytes]) -> bytes:
    """What `make` makes of the revision in this form, kept for as long as the revision is."""
    forms = _made.get(revision)
    if forms is None:
        forms = _made[revision] = {}
    made = forms.get(form)
    if made is None:
        made = forms[form] = make()
    return made
