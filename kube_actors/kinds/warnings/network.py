"""Services, their endpoints, and what lets traffic in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kube_actors.kinds.warnings import spelling

Body = Mapping[str, Any]
_HINTS: Final = "service.kubernetes.io/topology-aware-hints"
_MODE: Final = "service.kubernetes.io/topology-mode"
_INGRESS_CLASS: Final = "kubernetes.io/ingress.class"
# Label of slices, and of Endpoints, that controllers make: they spell addresses well.
_SLICES_BY: Final = "endpointslice.kubernetes.io/managed-by"
_SLICE_MAKERS: Final = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
_ENDPOINTS_BY: Final = "endpoints.kubernetes.io/managed-by"
_ENDPOINTS_MAKER: Final = "endpoint-controller"


def of_service(new: Body, _old: Body | None) -> list[str]:
    """Fields that the type of the service has no use for, and addresses spelt oddly."""
    spec = new.get("spec") or {}
    found = []
    if _HINTS in (new["metadata"].get("annotations") or {}):
        found.append(f"annotation {_HINTS} is deprecated, please use {_MODE} instead")
    return [*found, *_of_addresses(spec), *_of_type(spec)]


def _of_addresses(spec: Body) -> Iterator[str]:
    for name in ("clusterIPs", "externalIPs"):
        for index, address in enumerate(spec.get(name) or ()):
            yield from spelling.of_address(address, f"spec.{name}[{index}]")
    yield from spelling.of_address(spec.get("loadBalancerIP") or "", "spec.loadBalancerIP")
    for index, source in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        yield from spelling.of_range(source, f"spec.loadBalancerSourceRanges[{index}]")


def _of_type(spec: Body) -> Iterator[str]:
    kind = spec.get("type")
    is_headless = kind == "ClusterIP" and spec.get("clusterIP") == "None"
    if is_headless:
        if spec.get("loadBalancerIP"):
            yield "spec.loadBalancerIP is ignored for headless services"
        if spec.get("externalIPs"):
            yield "spec.externalIPs is ignored for headless services"
        if spec.get("sessionAffinity", "None") != "None":
            yield "spec.SessionAffinity is ignored for headless services"
    if spec.get("externalIPs") and kind == "ExternalName":
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    elif spec.get("externalIPs") and not is_headless:
        yield "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
    if spec.get("externalName") and kind != "ExternalName":
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
    if spec.get("trafficDistribution") == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'


def of_endpoints(new: Body, _old: Body | None) -> list[str]:
    """Addresses that a person wrote."""
    if (new["metadata"].get("labels") or {}).get(_ENDPOINTS_BY) == _ENDPOINTS_MAKER:
        return []
    return [
        told
        for index, subset in enumerate(new.get("subsets") or ())
        for name in ("addresses", "notReadyAddresses")
        for at, address in enumerate(subset.get(name) or ())
        for told in spelling.of_address(address.get("ip", ""), f"subsets[{index}].{name}[{at}].ip")
    ]


def of_endpoint_slice(new: Body, _old: Body | None) -> list[str]:
    """Host names as endpoints, and addresses that a person wrote."""
    if new.get("addressType") == "FQDN":
        return ["spec.addressType: FQDN endpoints are deprecated"]
    if (new["metadata"].get("labels") or {}).get(_SLICES_BY) in _SLICE_MAKERS:
        return []
    return [
        told
        for index, endpoint in enumerate(new.get("endpoints") or ())
        for at, address in enumerate(endpoint.get("addresses") or ())
        for told in spelling.of_address(address, f"endpoints[{index}].addresses[{at}]")
    ]


def of_ingress(new: Body, old: Body | None) -> list[str]:
    """The class of old."""
    if old is not None or _INGRESS_CLASS not in (new["metadata"].get("annotations") or {}):
        return []
    return [f"annotation \"{_INGRESS_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"]


def of_network_policy(new: Body, _old: Body | None) -> list[str]:
    """Ranges of addresses spelt oddly."""
    found = []
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate((new.get("spec") or {}).get(direction) or ()):
            for at, peer in enumerate(rule.get(peers) or ()):
                block, place = peer.get("ipBlock") or {}, f"spec.{direction}[{index}].{peers}[{at}].ipBlock"
                found += spelling.of_range(block.get("cidr") or "", f"{place}.cidr")
                for number, part in enumerate(block.get("except") or ()):
                    found += spelling.of_range(part, f"{place}.except[{number}]")
    return found
