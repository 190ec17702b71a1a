"""What becomes of objects whose owners go: the rules of Kubernetes' garbage collector as pure functions.

An owner reference is *solid* when its owner exists, *dangling* when it does not, *waiting* when the owner is being
deleted in the foreground and waits for its dependents, and *unknown* when nobody can look: its kind is not served, or
an object without a namespace names an owner that has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from kube_actors.records import frozen

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class OwnerState(Enum):
    """What is known of the owner behind a reference."""

    SOLID = "solid"
    DANGLING = "dangling"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@frozen
class Dependent:
    """An object with owners. `owners` are its owner references' uids in order; `has_dependents` counts its own.

    `dependents_wait`: one of its own dependents is being deleted and waits, perhaps, in the end, for this object.
    """

    uid: str
    owners: tuple[str, ...]
    finalizers: tuple[str, ...] = ()
    deleting: bool = False
    has_dependents: bool = False
    dependents_wait: bool = False


@frozen
class Keep:
    """Leave the object alone."""


@frozen
class RemoveOwners:
    """Take these references away: somebody else still owns the object."""

    uids: tuple[str, ...]


@frozen
class Delete:
    """Nobody is left that wants the object. `unblock`: first its owners have to stop waiting for it."""

    propagation: str
    unblock: bool = False


DependentAction = Keep | RemoveOwners | Delete


def plan_dependent(dependent: Dependent, owners: Mapping[str, OwnerState]) -> DependentAction:
    """What to do about one object, given the state of each of its owners (missing: dangling)."""
    if not dependent.owners or (dependent.deleting and FOREGROUND not in dependent.finalizers):
        return Keep()
    states = {uid: owners.get(uid, OwnerState.DANGLING) for uid in dependent.owners}
    gone = tuple(uid for uid, state in states.items() if state is not OwnerState.SOLID)
    if not gone or dependent.deleting or OwnerState.UNKNOWN in states.values():
        return Keep()
    if len(gone) < len(states):
        return RemoveOwners(gone)
    if OwnerState.WAITING in states.values() and dependent.has_dependents:
        # The owner waits for this object, and this object has dependents of its own: they go first, too. When one of
        # them waits already (a owns b, b owns c, c owns a), everybody would wait for ever.
        return Delete("Foreground", unblock=dependent.dependents_wait)
    if ORPHAN in dependent.finalizers:
        return Delete("Orphan")
    return Delete("Foreground" if FOREGROUND in dependent.finalizers else "Background")


@frozen
class Owned:
    """A dependent as its owner sees it: whether the owner waits for it, and whether its deletion has begun."""

    uid: str
    blocks: bool
    deleting: bool


@frozen
class OwnerPlan:
    """What to do about an owner that is being deleted: dependents to look at, to orphan, and a finalizer to remove."""

    visit: tuple[str, ...] = ()
    orphan: tuple[str, ...] = ()
    finalizer: str | None = None


def plan_owner(uid: str, finalizers: Sequence[str], deleting: bool, dependents: Sequence[Owned]) -> OwnerPlan:
    """One step of ending an owner; empty when it does not wait for the garbage collector."""
    if not deleting:
        return OwnerPlan()
    if ORPHAN in finalizers:
        return OwnerPlan(orphan=tuple(sorted(one.uid for one in dependents)), finalizer=ORPHAN)
    if FOREGROUND not in finalizers:
        return OwnerPlan()
    blocking = [one for one in dependents if one.blocks]
    if not blocking:
        return OwnerPlan(finalizer=FOREGROUND)
    return OwnerPlan(visit=tuple(sorted(one.uid for one in dependents if not one.deleting)))
