"""Whether a body belongs where the path says."""

from __future__ import annotations

from kube_actors.errors import bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.routes import not_allowed


def check_collection(call: Call) -> None:
    """405 for a write to a path that names no place for it: an object to create in, or all namespaces at once."""
    if call.row.namespaced and not call.info.namespace:
        raise not_allowed()


def check_object_path(call: Call) -> None:
    """405 for a write of one object to a path that names none."""
    check_collection(call)
    if not call.info.name:
        raise not_allowed()


def settle(call: Call, body: Body) -> None:
    """Put the namespace of the path into the body where it has none; 400 when it names other places than the path."""
    info, metadata = call.info, _metadata(body)
    name = metadata.get("name") or ""
    if not name:
        why = "name must be provided"
        raise bad_request(f"the name of the object ({info.name} based on URL) was undeterminable: {why}")
    if name != info.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({info.name})")
    settle_namespace(call, body)


def settle_namespace(call: Call, body: Body) -> None:
    """The same for the namespace alone."""
    if not call.row.namespaced:
        return
    metadata, wanted = _metadata(body), call.info.namespace
    namespace = metadata.get("namespace") or ""
    if namespace and namespace != wanted:
        ours = f"the namespace on the request ({wanted})"
        raise bad_request(f"the namespace of the object ({namespace}) does not match {ours}")
    metadata["namespace"] = wanted


def settle_created(call: Call, body: Body) -> None:
    """The same for what is posted below another object (a Binding, an Eviction), in the words that POST has for it."""
    metadata = _metadata(body)
    if metadata.get("namespace") not in (None, "", call.info.namespace):
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = call.info.namespace


def _metadata(body: Body) -> Body:
    """The body's metadata, made where there is none; 400 when it is something else than an object."""
    metadata = body.get("metadata")
    if metadata is None:
        metadata = body["metadata"] = {}
    if not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    for field in ("name", "namespace"):
        if not isinstance(metadata.get(field, ""), (str, type(None))):
            raise bad_request(f"metadata.{field} must be a string")
    return metadata
