"""A pod's quality-of-service class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.containers import ResourceRequirements
from kube_actors.api.views.pods import PodSpec

_COUNTED = ("cpu", "memory")


def qos_class(spec: PodSpec) -> str:
    """Guaranteed, Burstable or BestEffort, as Kubernetes computes it from cpu and memory.

    Guaranteed: every container limits both, and requests (which default to the limits) equal the limits. BestEffort:
    nobody asks for anything. Resources of the pod as a whole, where given, stand for those of its containers.
    """
    every = [one.resources for one in (*spec.init_containers, *spec.containers)]
    if spec.resources is not None and (spec.resources.requests or spec.resources.limits):
        every = [ResourceRequirements(spec.resources.requests, spec.resources.limits)]
    asked = [(_positive(one.requests), _positive(one.limits)) for one in every]
    if not any(requests or limits for requests, limits in asked):
        return "BestEffort"
    return "Guaranteed" if all(_is_guaranteed(requests, limits) for requests, limits in asked) else "Burstable"


def _positive(amounts: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {name: amounts[name] for name in _COUNTED if name in amounts and amounts[name].nano > 0}


def _is_guaranteed(requests: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> bool:
    return _all_limited(limits) and all(requests.get(name, limit) == limit for name, limit in limits.items())


def _all_limited(names: Iterable[str]) -> bool:
    return set(names) == set(_COUNTED)
