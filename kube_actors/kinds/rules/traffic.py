"""What Services may not ask of load balancers and of the way traffic takes."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import range_problems
from kube_actors.kinds.hooks import Body

DISTRIBUTIONS: Final = ("PreferClose", "PreferSameNode", "PreferSameZone")
POLICIES: Final = ("Cluster", "Local")
KUBELET_PORT: Final = 10250
_OF_LOAD_BALANCERS: Final = ("loadBalancerClass", "allocateLoadBalancerNodePorts", "loadBalancerSourceRanges")


def traffic_rules(spec: Body, kind: Any) -> list[Cause]:
    """Where traffic comes from, and which endpoints it is to go to."""
    policy, found = spec.get("internalTrafficPolicy"), []
    if policy is not None and policy not in POLICIES:
        found.append(causes.not_supported("spec.internalTrafficPolicy", policy, POLICIES))
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in DISTRIBUTIONS:
        found.append(causes.not_supported("spec.trafficDistribution", distribution, DISTRIBUTIONS))
    if kind != "LoadBalancer":
        why = "may only be used when `type` is 'LoadBalancer'"
        return found + [
            causes.forbidden(f"spec.{name}", why) for name in _OF_LOAD_BALANCERS if spec.get(name) is not None
        ]
    chosen = spec.get("loadBalancerClass")
    if chosen is not None:
        found += [causes.invalid("spec.loadBalancerClass", chosen, why) for why in names.qualified_name(chosen)]
    for index, source in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        field = f"spec.loadBalancerSourceRanges[{index}]"
        found += [causes.invalid(field, source, why) for why in range_problems(source.strip())]
    why = f"may not expose port {KUBELET_PORT} externally since it is used by kubelet"
    for index, port in enumerate(spec.get("ports") or ()):
        if port.get("port") == KUBELET_PORT:
            found.append(causes.invalid(f"spec.ports[{index}]", KUBELET_PORT, why))
    return found


def kept_class_rules(spec: Body, before: Body) -> list[Cause]:
    """Who provides a load balancer is decided once."""
    both = spec.get("type") == before.get("type") == "LoadBalancer"
    if not both or spec.get("loadBalancerClass") == before.get("loadBalancerClass"):
        return []
    return [causes.invalid("spec.loadBalancerClass", spec.get("loadBalancerClass"), "may not change once set")]
