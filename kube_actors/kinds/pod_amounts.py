"""What a pod as a whole requests and is limited to, by resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from kube_actors.api.quantity import Quantity

Amounts = dict[str, Quantity]
Which = Literal["requests", "limits"]


def amounts_of(quantities: Mapping[str, Any] | None) -> Amounts:
    """A resource list, read."""
    return {name: Quantity.parse(amount) for name, amount in (quantities or {}).items()}


def containers_of(spec: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Every container, and whether it is an init container; init containers last."""
    for container in spec.get("containers") or ():
        yield container, False
    for container in spec.get("initContainers") or ():
        yield container, True


def container_amounts(container: Mapping[str, Any], which: Which) -> Amounts:
    """What one container asks for."""
    return amounts_of((container.get("resources") or {}).get(which))


def pod_amounts(spec: Mapping[str, Any], which: Which) -> Amounts:
    """The most a pod uses at one time.

    Containers and sidecars (init containers that keep running) add up; each other init container runs alone but for the
    sidecars before it. 100m + 200m and an init container of 400m: 400m. Amounts of the pod as a whole stand for those
    of its containers, and the overhead of its runtime class comes on top.
    """
    together: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = container_amounts(container, which)
        if container.get("restartPolicy") == "Always":
            _add(together, own)
            _raise(peak, together)
        else:
            _raise(
                peak, {name: amount + together[name] if name in together else amount for name, amount in own.items()}
            )
    for container in spec.get("containers") or ():
        _add(together, container_amounts(container, which))
    _raise(together, peak)
    together.update(amounts_of((spec.get("resources") or {}).get(which)))
    for name, amount in amounts_of(spec.get("overhead")).items():
        if which == "requests" or name in together:
            _add(together, {name: amount})
    return together


def _add(to: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        to[name] = to[name] + amount if name in to else amount


def _raise(to: Amounts, least: Amounts) -> None:
    for name, amount in least.items():
        if name not in to or to[name] < amount:
            to[name] = amount
