"""Whose object is it? Controllers adopt matching orphans and release what no longer matches.

This is the rule of Kubernetes' controller reference manager: an object belongs to the controller named in its
`ownerReferences`; an orphan that matches the selector is adopted, an owned one that stopped matching is released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from kube_actors.api.selectors import LabelSelector
from kube_actors.records import frozen


class Claimable(Protocol):
    """What has to be known of an object to claim it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def uid(self) -> str:
        """Its uid."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def controller_uid(self) -> str:
        """The uid of its controller; empty for an orphan."""

    @property
    def deleting(self) -> bool:
        """Whether its deletion was asked for."""


C = TypeVar("C", bound=Claimable)


@frozen
class Claimant:
    """The controller that claims: which objects it selects, and whether it is being deleted itself."""

    uid: str
    selector: LabelSelector
    deleting: bool = False


@frozen
class Claims(Generic[C]):
    """`mine` counts from now on, those just adopted among them; `adopt` and `release` are still to be written."""

    mine: tuple[C, ...] = ()
    adopt: tuple[C, ...] = ()
    release: tuple[C, ...] = ()


def claim(claimant: Claimant, objects: Iterable[C]) -> Claims[C]:
    """Sort objects into mine, to adopt and to release; whatever belongs to others is left out.

    An empty selector claims nothing new. A claimant that is being deleted neither adopts nor releases.
    """
    mine: list[C] = []
    adopt: list[C] = []
    release: list[C] = []
    selects_none = claimant.selector.empty
    for one in objects:
        if one.controller_uid not in ("", claimant.uid):
            continue
        matches = not selects_none and claimant.selector.matches(one.labels)
        if one.controller_uid:
            if matches:
                mine.append(one)
            elif not claimant.deleting:
                release.append(one)
        elif matches and not claimant.deleting and not one.deleting:
            mine.append(one)
            adopt.append(one)
    return Claims(tuple(mine), tuple(adopt), tuple(release))


def controller_reference(api_version: str, kind: str, name: str, uid: str) -> dict[str, Any]:
    """The `ownerReferences` entry a controller puts on what it makes or adopts."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
