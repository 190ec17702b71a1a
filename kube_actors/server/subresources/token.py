"""POST serviceaccounts/NAME/token: a token for the account, for a while, for certain audiences."""

from __future__ import annotations

from typing import Final

from kube_actors.access.binding import Binding
from kube_actors.access.nodes.restriction import check_token_request
from kube_actors.access.tokens import ServiceAccountTokens
from kube_actors.api.times import rfc3339
from kube_actors.errors import Cause, conflict, invalid, not_found
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import represent
from kube_actors.server.writing.bodies import Expected, check_types, read_body
from kube_actors.server.writing.options import read_options

GROUP: Final = "authentication.k8s.io"
KIND: Final = "TokenRequest"
DEFAULT_SECONDS: Final = 3600
SHORTEST: Final = 600
LONGEST: Final = 1 << 32


async def token(call: Call) -> Response:
    """201 with the token in `status`; 404 without the account, 409 for another one than was meant, 422 for a life too
    short or too long."""
    options = read_options(call, "CreateOptions")
    expected = Expected.type(call, f"{GROUP}/v1", KIND)
    body = read_body(call, options.validation, expected)
    check_types(body, expected)
    _check_place(call, body)
    uid = _checked_uid(call, body)
    tokens, spec = call.api.part(ServiceAccountTokens), body.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    seconds = DEFAULT_SECONDS if seconds is None else seconds
    _check_life(seconds)
    audiences = tuple(spec.get("audiences") or tokens.audiences)
    binding = _binding(spec)
    asked = tuple(spec.get("audiences") or ())
    check_token_request(call.api.store, call.api.authorizer, call.user, call.key, binding, asked)
    issued = tokens.requested(call.info.namespace, call.info.name, audiences, seconds, binding)
    await call.api.store.durable(call.api.store.head)  # what the token names must outlive the process
    answer: Body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": KIND,
        "metadata": {
            **(body.get("metadata") or {}),
            "name": call.info.name,
            "namespace": call.info.namespace,
            "uid": uid,
            "creationTimestamp": rfc3339(issued.issued_at),
        },
        "spec": {"boundObjectRef": None, **spec, "audiences": list(audiences), "expirationSeconds": seconds},
        "status": {"token": issued.text, "expirationTimestamp": rfc3339(issued.expires_at)},
    }
    return represent(call, answer, 201)


def _check_place(call: Call, body: Body) -> None:
    """A name or namespace in the body must be those of the path."""
    metadata = body.get("metadata") or {}
    found: list[Cause] = []
    for field, wanted in (("name", call.info.name), ("namespace", call.info.namespace)):
        given = metadata.get(field)
        if given and given != wanted:
            what = "service account name" if field == "name" else "service account namespace"
            found.append(causes.invalid(f"metadata.{field}", given, f"must match the {what} if specified"))
    if found:
        raise invalid(KIND, call.info.name, found, group=GROUP)


def _checked_uid(call: Call, body: Body) -> str:
    """The account's uid, which is the one in the body if that has one."""
    account, wanted = call.api.store.get(call.key), (body.get("metadata") or {}).get("uid")
    if account is None:
        raise not_found(call.key.resource, call.info.name)
    if wanted and wanted != account.uid:
        why = f"the UID in the token request ({wanted}) does not match the UID of the service account ({account.uid})"
        raise conflict(KIND, call.info.name, why, group=GROUP)
    return account.uid


def _check_life(seconds: int) -> None:
    why = ""
    if seconds < SHORTEST:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > LONGEST:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        raise invalid(KIND, "", [causes.invalid("spec.expirationSeconds", seconds, why)], group=GROUP)


def _binding(spec: Body) -> Binding | None:
    ref = spec.get("boundObjectRef")
    if ref is None:
        return None
    fields = (ref.get(name) or "" for name in ("apiVersion", "kind", "name", "uid"))
    return Binding(*fields)
