"""What a pod asks for, and how that compares with what a node has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kube_actors.api.quantity import Quantity, total

ZERO = Quantity.parse("0")


def pod_amount(spec: Mapping[str, Any], kind: Literal["requests", "limits"], name: str) -> Quantity:
    """What a pod needs of a resource at its hungriest moment.

    Containers run together and add up, with init containers that keep running; the other init containers run alone,
    before: the larger of both counts. The overhead of the runtime class comes on top of what is asked for.
    """
    steady = total(_amount(each, kind, name) for each in spec.get("containers") or ())
    peak = beside = ZERO
    for container in spec.get("initContainers") or ():
        own = _amount(container, kind, name)
        if container.get("restartPolicy") == "Always":
            beside, own = beside + own, ZERO
        peak = max(peak, beside + own, key=lambda each: each.milli)
    overhead = (spec.get("overhead") or {}).get(name)
    most = max(steady + beside, peak, key=lambda each: each.milli)
    return most + Quantity.parse(overhead) if overhead and most else most


def _amount(container: Mapping[str, Any], kind: str, name: str) -> Quantity:
    text = ((container.get("resources") or {}).get(kind) or {}).get(name)
    return Quantity.parse(text) if text else ZERO


def share(amount: Quantity, whole: str | None) -> str:
    """`100m (5%)` of what there is."""
    available = Quantity.parse(whole).milli if whole else 0
    return f"{amount} ({amount.milli * 100 // available if available else 0}%)"
