"""What claims of devices may not ask for. Expressions are kept as they are sent."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

MOST_REQUESTS: Final = 32
MODES: Final = ("All", "ExactCount")
_ONE_WAY: Final = "exactly one of `exactly` or `firstAvailable` is required"
_KNOWN: Final = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def claim_rules(spec: Body, field: str) -> list[Cause]:
    """The spec of a ResourceClaim."""
    devices, place = spec.get("devices") or {}, f"{field}.devices"
    requests = devices.get("requests") or []
    found = []
    if len(requests) > MOST_REQUESTS:
        why = f"Too many: {len(requests)}: must have at most {MOST_REQUESTS} items"
        found.append(Cause("FieldValueTooMany", why, f"{place}.requests"))
    known: set[str] = set()
    for index, request in enumerate(requests):
        found += _request(request, f"{place}.requests[{index}]", known)
    for index, constraint in enumerate(devices.get("constraints") or ()):
        at = f"{place}.constraints[{index}]"
        found += _references(constraint, f"{at}.requests", known)
        if not constraint.get("matchAttribute") and not constraint.get("distinctAttribute"):
            found.append(causes.required(f"{at}.matchAttribute"))
    for index, config in enumerate(devices.get("config") or ()):
        at = f"{place}.config[{index}]"
        found += _references(config, f"{at}.requests", known) + configuration_rules(config, at)
    return found


def selectors_rules(selectors: Any, field: str) -> list[Cause]:
    """By what devices are chosen."""
    return [
        causes.required(f"{field}[{index}].cel")
        for index, selector in enumerate(selectors or ())
        if not (selector.get("cel") or {}).get("expression")
    ]


def configuration_rules(config: Body, field: str) -> list[Cause]:
    """What is passed on to a driver."""
    opaque = config.get("opaque")
    if opaque is None:
        return [causes.required(f"{field}.opaque")]
    driver = opaque.get("driver") or ""
    found = [causes.invalid(f"{field}.opaque.driver", driver, why) for why in names.dns1123_subdomain(driver)]
    return found if opaque.get("parameters") is not None else [*found, causes.required(f"{field}.opaque.parameters")]


def _request(request: Body, field: str, known: set[str]) -> list[Cause]:
    """One request; its name, and those of its alternatives, join those that are known."""
    name, exactly, alternatives = request.get("name", ""), request.get("exactly"), request.get("firstAvailable")
    found = _name(name, f"{field}.name", name in known)
    known.add(name)
    if exactly is not None and alternatives:
        return [*found, causes.invalid(field, request, f"{_ONE_WAY}, but multiple fields are set")]
    if exactly is None and not alternatives:
        return [*found, causes.required(field, _ONE_WAY)]
    if exactly is not None:
        return found + _wanted(exactly, f"{field}.exactly")
    for index, each in enumerate(alternatives or ()):
        place, full = f"{field}.firstAvailable[{index}]", f"{name}/{each.get('name', '')}"
        found += _name(each.get("name", ""), f"{place}.name", full in known) + _wanted(each, place)
        known.add(full)
    return found


def _name(name: str, field: str, is_taken: bool) -> list[Cause]:
    if not name:
        return [causes.required(field)]
    if is_taken:
        return [causes.duplicate(field, name)]
    return [causes.invalid(field, name, why) for why in names.dns1123_label(name)]


def _wanted(wanted: Body, field: str) -> list[Cause]:
    """Which class, and how many."""
    chosen, mode, count = wanted.get("deviceClassName") or "", wanted.get("allocationMode"), wanted.get("count") or 0
    place = f"{field}.deviceClassName"
    found = [causes.invalid(place, chosen, why) for why in names.dns1123_subdomain(chosen)] if chosen else []
    found += [] if chosen else [causes.required(place)]
    if mode == "ExactCount" and count <= 0:
        found.append(causes.invalid(f"{field}.count", count, "must be greater than zero"))
    elif mode == "All" and count:
        why = "must not be specified when allocationMode is 'All'"
        found.append(causes.invalid(f"{field}.count", count, why))
    elif mode not in MODES:
        found.append(causes.not_supported(f"{field}.allocationMode", mode, MODES))
    return found + selectors_rules(wanted.get("selectors"), f"{field}.selectors")


def _references(body: Body, field: str, known: set[str]) -> list[Cause]:
    return [
        causes.invalid(f"{field}[{index}]", name, _KNOWN)
        for index, name in enumerate(body.get("requests") or ())
        if name not in known
    ]
