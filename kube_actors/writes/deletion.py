"""Deleting, pure: what becomes of an object that somebody wants gone.

An object stays, marked by `deletionTimestamp`, while it has finalizers or time left to end in order; otherwise it goes.
"""

from __future__ import annotations

from typing import Any

import attrs

from kube_actors.api.registry import Resource
from kube_actors.api.times import parse_rfc3339, rfc3339
from kube_actors.errors import bad_request, conflict
from kube_actors.kinds.hooks import Body
from kube_actors.records import frozen
from kube_actors.writes.request import Request

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
PROPAGATION_FINALIZER = {"Orphan": ORPHAN, "Foreground": FOREGROUND, "Background": None}


def _at_least_one_second(grace: int | None) -> int | None:
    """Less than nothing is one second; nothing at all is nothing."""
    return 1 if grace is not None and grace < 0 else grace


@frozen
class DeleteOptions:
    """What the client wants: preconditions, seconds of grace (below zero: one, as in Kubernetes), what becomes of
    dependents (None: as the kind says)."""

    uid: str | None = None
    resource_version: str | None = None
    grace_seconds: int | None = attrs.field(default=None, converter=_at_least_one_second)
    propagation: str | None = None

    def check(self) -> None:
        """400 for a propagation policy that does not exist."""
        if self.propagation is not None and self.propagation not in PROPAGATION_FINALIZER:
            raise bad_request(
                f'invalid propagationPolicy "{self.propagation}": use "Foreground", "Background" or "Orphan"'
            )


def check_preconditions(resource: Resource, name: str, found: Body, options: DeleteOptions) -> None:
    """409 when the object with this metadata is not the one the client means. It is called by its kind here."""
    uid, version = options.uid, options.resource_version
    if uid and uid != found["uid"]:
        why = f"the UID in the precondition ({uid}) does not match the UID in record ({found['uid']})"
        why += ". The object might have been deleted and then recreated"
        raise conflict(resource.kind, name, why, group=resource.group)
    if version and version != found["resourceVersion"]:
        why = f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record "
        why += f"({found['resourceVersion']}). The object might have been modified"
        raise conflict(resource.kind, name, why, group=resource.group)


def mark_deleted(request: Request, options: DeleteOptions, now: float) -> bool:
    """Change `request.new` into what is stored while the object ends; True when nothing holds it and it goes at once.

    The first deletion sets time and grace; a later one can only shorten the grace. What goes at once and is of a kind
    that knows no grace is not marked: its last event shows it as it was.
    """
    body = request.new
    metadata = body["metadata"]
    _set_propagation(request, options.propagation)
    if "deletionTimestamp" not in metadata:
        if request.hooks.default_grace is None and not _is_held(body):
            return True
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
    return not _is_held(body)


def _is_held(body: Body) -> bool:
    """Whether somebody has something to do before the object may go."""
    held_by_namespace = body.get("kind") == "Namespace" and body.get("spec", {}).get("finalizers")
    return bool(body["metadata"].get("finalizers") or held_by_namespace)


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
    wanted = PROPAGATION_FINALIZER[propagation] if request.hooks.has_dependents else None
    if wanted is not None:
        kept.append(wanted)
    if kept:
        metadata["finalizers"] = kept
    else:
        metadata.pop("finalizers", None)
