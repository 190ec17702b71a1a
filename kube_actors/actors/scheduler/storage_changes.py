"""What a scheduler reads about storage, and the changes of it that give pods another try.

As Kubernetes' queueing hints have it: a claim that appears or changes helps the pods that name it; a volume, a class
that is new or allows other nodes, a CSINode, a driver or its room may help every pod that has claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kube_actors.api.views import PodView
from kube_actors.plan.scheduling.claims import pod_claims
from kube_actors.store import Commit, Key, Revision, Store

CLAIMS: Final = "persistentvolumeclaims"
CLASSES: Final = "storageclasses.storage.k8s.io"
STORAGE: Final = (
    CLAIMS,
    "persistentvolumes",
    CLASSES,
    "csinodes.storage.k8s.io",
    "csidrivers.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
)
"""The resources that say whether and where claims can be used."""


class StoredBodies:
    """The store as a plan sees it: bodies of what is there now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def body(self, resource: str, name: str, namespace: str = "") -> Mapping[str, Any] | None:
        """An object, or None."""
        revision = self._store.get(Key(resource, namespace, name))
        return revision.body() if revision is not None else None

    def bodies(self, resource: str) -> Iterator[Mapping[str, Any]]:
        """All objects of a resource."""
        return (revision.body() for revision in self._store.list(resource))


def is_worth_a_try(commit: Commit) -> bool:
    """Whether a change of storage may help a pod. What goes never does, a class only by what it says of nodes."""
    if commit.kind == "deleted":
        return False
    if commit.key.resource != CLASSES or commit.previous is None:
        return True
    now, before = commit.revision.body(), commit.previous.body()
    return bool(now.get("allowedTopologies") != before.get("allowedTopologies"))


def waits_for(pod: Revision, key: Key) -> bool:
    """Whether a change of that object may help the pod: a claim those that name it, anything else those with claims."""
    view: PodView = pod.view
    claims = pod_claims(view)
    if key.resource != CLAIMS:
        return bool(claims)
    return key.namespace == pod.key.namespace and any(one.name == key.name for one in claims)
