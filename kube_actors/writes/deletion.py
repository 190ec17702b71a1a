"""Deleting, pure: what becomes of an object that somebody wants gone.

An object stays, marked by `deletionTimestamp`, while it has finalizers or time left to end in order; otherwise it goes.
"""

from __future__ import annotations

from typing import Any

import attrs

from kube_actors.api.times import parse_rfc3339, rfc3339
from kube_actors.errors import bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.writes.request import Request

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
PROPAGATION_FINALIZER = {"Orphan": ORPHAN, "Foreground": FOREGROUND, "Background": None}


@attrs.frozen
class DeleteOptions:
    """What the client wants: preconditions, seconds of grace, what becomes of dependents (None: as the kind says)."""

    uid: str | None = None
    resource_version: str | None = None
    grace_seconds: int | None = None
    propagation: str | None = None

    def check(self) -> None:
        """400 for a propagation policy that does not exist."""
        if self.propagation is not None and self.propagation not in PROPAGATION_FINALIZER:
            raise bad_request(
                f'invalid propagationPolicy "{self.propagation}": use "Foreground", "Background" or "Orphan"'
            )
        if self.grace_seconds is not None and self.grace_seconds < 0:
            raise bad_request("gracePeriodSeconds must not be negative")


def check_preconditions(request: Request, options: DeleteOptions) -> None:
    """409 when the object is not the one the client means."""
    found = request.new["metadata"]
    if options.uid and options.uid != found["uid"]:
        message = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {found['uid']}"
        raise request.conflict(message)
    if options.resource_version and options.resource_version != found["resourceVersion"]:
        message = (
            f"Precondition failed: ResourceVersion in precondition: {options.resource_version}, "
            f"ResourceVersion in object meta: {found['resourceVersion']}"
        )
        raise request.conflict(message)


def mark_deleted(request: Request, options: DeleteOptions, now: float) -> bool:
    """Change `request.new` into what is stored while the object ends; True when nothing holds it and it goes at once.

    The first deletion sets time and grace; a later one can only shorten the grace.
    """
    body = request.new
    metadata = body["metadata"]
    _set_propagation(request, options.propagation)
    if "deletionTimestamp" not in metadata:
        grace = _grace(request, options)
        _set_end(metadata, now + grace, grace)
        if request.resource.id == "namespaces":
            del metadata["deletionGracePeriodSeconds"]  # what holds a namespace is no grace
        if "generation" in metadata:
            metadata["generation"] += 1
        if request.resource.id == "namespaces":
            body.setdefault("status", {})["phase"] = "Terminating"
    elif options.grace_seconds is not None:
        before = metadata.get("deletionGracePeriodSeconds", 0)
        if options.grace_seconds < before:
            began = parse_rfc3339(metadata["deletionTimestamp"]) - before
            _set_end(metadata, began + options.grace_seconds, options.grace_seconds)
    return is_released(body)


def is_released(body: Body) -> bool:
    """Whether a deleted object has nothing left to wait for."""
    metadata = body["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("deletionGracePeriodSeconds", 0) > 0:
        return False
    held_by_namespace = body.get("kind") == "Namespace" and body.get("spec", {}).get("finalizers")
    return not metadata.get("finalizers") and not held_by_namespace


def _grace(request: Request, options: DeleteOptions) -> int:
    default = request.hooks.default_grace
    if default is None:
        return 0
    longest = default(request.new)
    if longest == 0 or options.grace_seconds is None:
        return longest
    return options.grace_seconds


def _set_end(metadata: dict[str, Any], end: float, grace: int) -> None:
    metadata["deletionTimestamp"] = rfc3339(end)
    metadata["deletionGracePeriodSeconds"] = grace


def _set_propagation(request: Request, propagation: str | None) -> None:
    """The finalizer that makes the garbage collector do its part before the object goes.

    What the client says counts, then what an earlier finalizer says, then the kind's own way.
    """
    metadata = request.new["metadata"]
    before = metadata.get("finalizers") or []
    if propagation is None:
        if not request.hooks.orphans_dependents or ORPHAN in before or FOREGROUND in before:
            return
        propagation = "Orphan"
    kept = [each for each in before if each not in (ORPHAN, FOREGROUND)]
    wanted = PROPAGATION_FINALIZER[propagation]
    if wanted is not None:
        kept.append(wanted)
    if kept:
        metadata["finalizers"] = kept
    else:
        metadata.pop("finalizers", None)
