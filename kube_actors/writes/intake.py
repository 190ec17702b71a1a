"""From what a client sends to which object it means."""

from __future__ import annotations

from typing import Any

from kube_actors.api.patches import clone
from kube_actors.api.registry import Registry, Resource
from kube_actors.errors import bad_request, method_not_allowed
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.versions import as_version, convert
from kube_actors.store import Key

DEFAULT_NAMESPACE = "default"


def take_in(registry: Registry, body: Any) -> tuple[Resource, Body, list[str]]:
    """The resource a body is stored as, a copy in that version, and warnings. 400 when it is no object."""
    sent, own, warnings = recognize(registry, body)
    storage = registry.storage_of(sent)
    return storage, as_version(own, storage), warnings


def recognize(registry: Registry, body: Any, in_place: bool = False) -> tuple[Resource, Body, list[str]]:
    """The resource of a body, in the version the body has, a copy (or, `in_place`, itself), and warnings. 400 when it
    is no object.

    A version that is not served any more is read as the one that took its place.
    """
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized: it must be an object with apiVersion and kind")
    for name in ("apiVersion", "kind"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise bad_request(f"Object '{name[0].upper()}{name[1:]}' is missing or not a string")
    if not isinstance(body.get("metadata", {}), (dict, type(None))):
        raise bad_request("metadata must be an object")
    converted, warnings = convert(body)
    resource = registry.by_kind(converted["apiVersion"], converted["kind"])
    if resource is None:
        raise bad_request(f'no matches for kind "{converted["kind"]}" in version "{converted["apiVersion"]}"')
    own: Body = clone(converted) if converted is body and not in_place else converted
    if own.get("metadata") is None:
        own["metadata"] = {}
    return resource, own, warnings


def place(resource: Resource, body: Body, namespace: str | None) -> Key:
    """Put the object into its namespace and say under which key it is kept; the name may still be missing."""
    if "get" not in resource.verbs:
        raise method_not_allowed(f"the server does not allow this method on {resource.plural}: they are not stored")
    metadata = body["metadata"]
    name = metadata.get("name") or ""
    sent = metadata.get("namespace") or ""
    for field, value in (("name", name), ("namespace", sent)):
        if not isinstance(value, str):
            raise bad_request(f"metadata.{field} must be a string")
    if not resource.namespaced:
        metadata.pop("namespace", None)
        return Key(resource.id, "", name)
    if namespace and sent and namespace != sent:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = sent or namespace or DEFAULT_NAMESPACE
    return Key(resource.id, metadata["namespace"], name)
