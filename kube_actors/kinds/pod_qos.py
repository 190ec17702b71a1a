"""The class of quality that a pod's resources put it in."""

from __future__ import annotations

from kube_actors.api.quantity import Quantity
from kube_actors.kinds.hooks import Body

_COUNTED = ("cpu", "memory")


def qos_class(spec: Body) -> str:
    """`Guaranteed` when all containers limit cpu and memory to what they request, `BestEffort` when none asks.

    What the pod asks for as a whole stands for its containers.
    """
    whole = spec.get("resources") or {}
    every = [whole] if whole.get("requests") or whole.get("limits") else _of_containers(spec)
    if not any(_asks(each) for each in every):
        return "BestEffort"
    return "Guaranteed" if all(map(_is_guaranteed, every)) else "Burstable"


def _of_containers(spec: Body) -> list[Body]:
    return [
        container.get("resources") or {}
        for name in ("initContainers", "containers")
        for container in spec.get(name) or ()
    ]


def _asks(resources: Body) -> bool:
    amounts = [(resources.get(which) or {}).get(name) for which in ("requests", "limits") for name in _COUNTED]
    return any(amount is not None and Quantity.parse(amount).nano > 0 for amount in amounts)


def _is_guaranteed(resources: Body) -> bool:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name in _COUNTED:
        limit = limits.get(name)
        if limit is None or Quantity.parse(limit).nano == 0:
            return False
        request = requests.get(name, limit)
        if request != limit and Quantity.parse(request) != Quantity.parse(limit):
            return False
    return True
