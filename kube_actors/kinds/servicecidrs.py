"""ServiceCIDRs: ranges that Services have their addresses from."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import canonical_range_problems
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.records import frozen

SERVICE_CIDRS: Final = "servicecidrs.networking.k8s.io"

FIELD: Final = "spec.cidrs"
MOST: Final = 2


@frozen(weakref_slot=False)
class ServiceCidrFacts:
    """The ranges, and whether addresses may be taken from them: until somebody says otherwise they may."""

    cidrs: tuple[str, ...]
    ready: bool


def _facts(body: Mapping[str, Any]) -> ServiceCidrFacts:
    conditions = (body.get("status") or {}).get("conditions") or ()
    ready = next((each.get("status") == "True" for each in conditions if each.get("type") == "Ready"), True)
    return ServiceCidrFacts(tuple((body.get("spec") or {}).get("cidrs") or ()), ready)


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    cidrs = spec.get("cidrs") or []
    if old is not None:
        return _changes(spec, cidrs, (old.get("spec") or {}).get("cidrs") or [])
    if not cidrs:
        return [causes.required(FIELD, "at least one CIDR required")]
    if len(cidrs) > MOST:
        return [causes.invalid(FIELD, spec, "may only hold up to 2 values")]
    found = [
        causes.invalid(f"{FIELD}[{index}]", cidr, why)
        for index, cidr in enumerate(cidrs)
        for why in canonical_range_problems(cidr)
    ]
    return found or _families(spec, cidrs)


def _families(spec: Body, cidrs: list[str]) -> list[Cause]:
    versions = [ipaddress.ip_network(cidr).version for cidr in cidrs]
    if len(set(versions)) == len(versions):
        return []
    why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
    return [causes.invalid(FIELD, spec, why)]


def _changes(spec: Body, cidrs: list[str], before: list[str]) -> list[Cause]:
    """A range stays; where there is one, one of the other family may be added."""
    if cidrs == before:
        return []
    if len(before) == MOST or len(cidrs) != MOST:
        return [causes.immutable(FIELD, cidrs)]
    if cidrs[0] != before[0]:
        return [causes.immutable(f"{FIELD}[0]", cidrs[0])]
    found = [causes.invalid(f"{FIELD}[1]", cidrs[1], why) for why in canonical_range_problems(cidrs[1])]
    return found or _families(spec, cidrs)


HOOKS = Hooks(validate=_validate, project=_facts, generation=None, status_metadata=())
