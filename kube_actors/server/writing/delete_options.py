"""How something is to be deleted: from a `DeleteOptions` body or, without a body, from the query."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.errors import ApiError, Cause, bad_request, invalid
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.records import frozen
from kube_actors.server.call import Call
from kube_actors.server.http import HttpRequest
from kube_actors.server.writing.bodies import Expected, check_types
from kube_actors.server.writing.media_types import decode
from kube_actors.server.writing.options import OPTIONS_GROUP, check_dry_run
from kube_actors.writes.deletion import PROPAGATION_FINALIZER

KIND: Final = "DeleteOptions"


@frozen
class Deletion:
    """What the client wants: preconditions, seconds of grace, what becomes of dependents.

    `waits_for_dependents`: the client asked, in the old way (`orphanDependents: false`), that they go first.
    """

    uid: str | None
    resource_version: str | None
    grace_seconds: int | None
    propagation: str | None
    dry_run: bool
    waits_for_dependents: bool


def read_deletion(call: Call) -> Deletion:
    """Read the options. ApiError 400 for a body that is none, 415 for an unknown media type, 422 for wrong values."""
    return deletion_of(_of_body(call) if call.request.body else _of_query(call.request))


def deletion_of(options: Body) -> Deletion:
    """What DeleteOptions of the right types ask for. ApiError 422 for wrong values."""
    _check(options)
    orphan = options.get("orphanDependents")
    propagation = options.get("propagationPolicy") or None
    if orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    preconditions = options.get("preconditions") or {}
    return Deletion(
        preconditions.get("uid") or None,
        preconditions.get("resourceVersion") or None,
        options.get("gracePeriodSeconds"),
        propagation,
        bool(options.get("dryRun")),
        orphan is False,
    )


def _of_body(call: Call) -> Body:
    """Clients send DeleteOptions of any group and version; all are read as `meta.k8s.io/v1`."""
    try:
        body = decode(call.request, call.api.registry, "v1", KIND).value
    except ValueError as error:
        raise _unrecognized(str(error)) from None
    if not isinstance(body, dict):
        raise _unrecognized("it is no object")
    kind = body.get("kind") or KIND
    if kind != KIND:
        raise bad_request(f"decoded object cannot be converted to {KIND}: it is a {str(kind)[:64]}")
    schema = call.api.registry.type_schema(f"meta.v1.{KIND}")
    check_types({**body, "kind": KIND, "apiVersion": "v1"}, Expected("v1", KIND, schema))
    return body


def _unrecognized(why: str) -> ApiError:
    return bad_request(f"the object provided is unrecognized (must be of type {KIND}): {why}")


def _of_query(request: HttpRequest) -> Body:
    options: Body = {"dryRun": list(request.query.get("dryRun", ()))}
    grace = request.parameter("gracePeriodSeconds")
    if grace:
        if not grace.removeprefix("-").isascii() or not grace.removeprefix("-").isdecimal():
            raise bad_request(f'strconv.ParseInt: parsing "{grace}": invalid syntax')
        options["gracePeriodSeconds"] = int(grace)
    if "orphanDependents" in request.query:
        options["orphanDependents"] = request.flag("orphanDependents")
    options["propagationPolicy"] = request.parameter("propagationPolicy") or None
    return options


def _check(options: Body) -> None:
    """422 with everything that is wrong."""
    found: list[Cause] = check_dry_run(options.get("dryRun") or [])
    policy: Any = options.get("propagationPolicy")
    if policy and options.get("orphanDependents") is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        found.append(causes.invalid("propagationPolicy", policy, why))
    elif policy and policy not in PROPAGATION_FINALIZER:
        found.append(causes.not_supported("propagationPolicy", policy, ("Foreground", "Background", "Orphan", "nil")))
    if found:
        raise invalid(KIND, "", found, group=OPTIONS_GROUP)
