"""What claims of devices may not ask for. Expressions are kept as they are sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kube_actors.api import names
from kube_actors.api.codecs import json
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.device_names import fully_qualified_rules, label_rules, toleration_rules
from kube_actors.kinds.rules.lists import items_rules
from kube_actors.kinds.rules.volume_sources import driver_rules

MOST_ITEMS: Final = 32
"""Requests, constraints, configurations and selectors; each list on its own."""
MOST_ALTERNATIVES: Final = 8
LONGEST_EXPRESSION: Final = 10 * 1024
LONGEST_PARAMETERS: Final = 10 * 1024
"""Bytes of the JSON."""
MODES: Final = ("All", "ExactCount")
_ONE_WAY: Final = "exactly one of `exactly` or `firstAvailable` is required"
_KNOWN: Final = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
_ONE_ATTRIBUTE: Final = (
    'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
)

Known = frozenset[str]
"""What may be referred to: requests by their names, alternatives as `request/alternative`."""


def known_requests(devices: Body) -> Known:
    """The requests of a claim."""
    requests = devices.get("requests") or ()
    own = {request.get("name") or "" for request in requests}
    below = {
        f"{request.get('name') or ''}/{each.get('name') or ''}"
        for request in requests
        for each in request.get("firstAvailable") or ()
    }
    return frozenset(own | below)


def claim_rules(spec: Body, field: str) -> list[Cause]:
    """The spec of a ResourceClaim."""
    devices, place = spec.get("devices") or {}, f"{field}.devices"
    known = known_requests(devices)

    def constraint_rules(constraint: Body, at: str) -> list[Cause]:
        return references_rules(constraint.get("requests"), f"{at}.requests", known) + _attribute(constraint, at)

    def config_rules(config: Body, at: str) -> list[Cause]:
        return references_rules(config.get("requests"), f"{at}.requests", known) + configuration_rules(config, at)

    return [
        *items_rules(devices.get("requests"), f"{place}.requests", _request, MOST_ITEMS, _name),
        *items_rules(devices.get("constraints"), f"{place}.constraints", constraint_rules, MOST_ITEMS),
        *items_rules(devices.get("config"), f"{place}.config", config_rules, MOST_ITEMS),
    ]


def selectors_rules(selectors: Any, field: str) -> list[Cause]:
    """By what devices are chosen."""
    return items_rules(selectors, field, _selector, MOST_ITEMS)


def configuration_rules(config: Body, field: str) -> list[Cause]:
    """What is passed on to a driver."""
    opaque = config.get("opaque")
    if opaque is None:
        return [causes.required(f"{field}.opaque")]
    found = driver_rules(opaque.get("driver") or "", f"{field}.opaque.driver")
    return found + raw_rules(opaque.get("parameters"), f"{field}.opaque.parameters", LONGEST_PARAMETERS)


def raw_rules(value: Any, field: str, limit: int) -> list[Cause]:
    """Somebody's own object, of so many bytes at most."""
    if value is None:
        return [causes.required(field)]
    if len(json.dumps(value)) > limit:
        return [causes.too_long(field, limit)]
    return [] if isinstance(value, dict) else [causes.invalid(field, "<value omitted>", "must be a valid JSON object")]


def references_rules(references: Any, field: str, known: Known) -> list[Cause]:
    """Which requests something is about, each once; none means all of them."""
    return items_rules(references, field, reference_rules(known), MOST_ITEMS, str)


def reference_rules(known: Known) -> Callable[[str, str], list[Cause]]:
    """The rules of one reference to what is known."""

    def rules(name: str, field: str) -> list[Cause]:
        parts = name.split("/")
        if len(parts) > 2:
            return [causes.invalid(field, name, _KNOWN)]
        found = [cause for part in parts for cause in label_rules(part, field)]
        return found if name in known else [*found, causes.invalid(field, name, _KNOWN)]

    return rules


def class_name_rules(name: str, field: str) -> list[Cause]:
    """The name of a DeviceClass."""
    if not name:
        return [causes.required(field)]
    return [causes.invalid(field, name, why) for why in names.dns1123_subdomain(name)]


def _name(item: Body) -> str:
    return item.get("name") or ""


def _attribute(constraint: Body, field: str) -> list[Cause]:
    """The attribute in which the devices are alike, or all different."""
    for name in ("matchAttribute", "distinctAttribute"):
        if constraint.get(name) is not None:
            return fully_qualified_rules(constraint[name], f"{field}.{name}")
    return [causes.required(field, _ONE_ATTRIBUTE)]


def _selector(selector: Body, field: str) -> list[Cause]:
    cel = selector.get("cel")
    if cel is None:
        return [causes.required(f"{field}.cel")]
    expression, place = cel.get("expression") or "", f"{field}.cel.expression"
    if len(expression.encode()) > LONGEST_EXPRESSION:
        return [causes.too_long(place, LONGEST_EXPRESSION)]
    return [] if expression.strip() else [causes.required(place)]


def _request(request: Body, field: str) -> list[Cause]:
    """One request: exactly this, or the first of several that can be had."""
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable")
    found = label_rules(request.get("name"), f"{field}.name")
    if exactly is not None and alternatives:
        return [*found, causes.invalid(field, "null", f"{_ONE_WAY}, but multiple fields are set")]
    if exactly is not None:
        return found + _wanted(exactly, f"{field}.exactly")
    if not alternatives:
        return [*found, causes.required(field, _ONE_WAY)]
    return found + items_rules(alternatives, f"{field}.firstAvailable", _alternative, MOST_ALTERNATIVES, _name)


def _alternative(wanted: Body, field: str) -> list[Cause]:
    return label_rules(wanted.get("name"), f"{field}.name") + _wanted(wanted, field)


def _wanted(wanted: Body, field: str) -> list[Cause]:
    """Which class, chosen how, and how many."""
    mode, count = wanted.get("allocationMode"), wanted.get("count") or 0
    found = class_name_rules(wanted.get("deviceClassName") or "", f"{field}.deviceClassName")
    found += selectors_rules(wanted.get("selectors"), f"{field}.selectors")
    if mode == "ExactCount" and count <= 0:
        found.append(causes.invalid(f"{field}.count", count, "must be greater than zero"))
    elif mode == "All" and count:
        found.append(causes.invalid(f"{field}.count", count, "must not be specified when allocationMode is 'All'"))
    elif mode not in MODES:
        found.append(causes.not_supported(f"{field}.allocationMode", mode, MODES))
    return found + items_rules(wanted.get("tolerations"), f"{field}.tolerations", toleration_rules)
