"""The class of quality that a pod's resources put it in."""

from __future__ import annotations

from kube_actors.kinds.hooks import Body


def qos_class(spec: Body) -> str:
    """`Guaranteed` when all containers limit cpu and memory to what they request, `BestEffort` when none asks."""
    asked, guaranteed = False, True
    for name in ("initContainers", "containers"):
        for container in spec.get(name) or ():
            resources = container.get("resources") or {}
            limits = resources.get("limits") or {}
            requests = resources.get("requests") or {}
            for kind in ("cpu", "memory"):
                if limits.get(kind) or requests.get(kind):
                    asked = True
                if not limits.get(kind) or requests.get(kind, limits[kind]) != limits[kind]:
                    guaranteed = False
    if not asked:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"
