"""Since when the use of tokens in Secrets is noted: a ConfigMap of kube-system says the day.

Whoever looks for tokens that nobody uses needs it: a Secret without a day of its last use may have been used before.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.kept_objects import KeptObjects
from kube_actors.api.times import rfc3339
from kube_actors.store import Key
from kube_actors.writes import Identity

SYSTEM = Key("namespaces", "", "kube-system")
TRACKING = Key("configmaps", SYSTEM.name, "kube-apiserver-legacy-service-account-token-tracking")
SINCE = "since"
API_SERVER = Identity("system:apiserver", ("system:masters", "system:authenticated"), "kube-apiserver")


def token_tracking(plane: ControlPlane) -> KeptObjects:
    """Makes the ConfigMap with the day of today, again when it is deleted; a day that is none is put right."""
    client = plane.client_for(API_SERVER)

    async def restore() -> None:
        today = rfc3339(plane.clock.now()).partition("T")[0]
        namespace, found = plane.store.get(SYSTEM), plane.store.get(TRACKING)
        if found is not None:
            if not _is_day((found.body().get("data") or {}).get(SINCE, "")):
                await client.mutate(TRACKING, lambda body: body.setdefault("data", {}).update({SINCE: today}))
        elif namespace is not None and namespace.projection.deleting is None:
            metadata = {"name": TRACKING.name, "namespace": TRACKING.namespace}
            body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            await client.create({**body, "data": {SINCE: today}})

    return KeptObjects(plane, (SYSTEM, TRACKING), restore)


def _is_day(text: str) -> bool:
    """Whether it is written `2025-01-31`."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
