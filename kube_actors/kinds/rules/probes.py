"""Probes and lifecycle hooks: exactly one handler, and numbers that make sense."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
NOT_NEGATIVE = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def probe_rules(container: Body, field: str, *, restartable: bool = True) -> list[Cause]:
    """All three probes of a container; only containers that keep running may have them."""
    found = []
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is None:
            continue
        place = f"{field}.{name}"
        if not restartable:
            found.append(causes.forbidden(place, "may not be set for init containers without restartPolicy=Always"))
        found += _probe(probe, place)
        if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            found.append(causes.invalid(f"{place}.successThreshold", probe["successThreshold"], "must be 1"))
        own_grace = probe.get("terminationGracePeriodSeconds")
        if own_grace is not None:
            if name == "readinessProbe":
                why = "must not be set for readinessProbes"
                found.append(causes.invalid(f"{place}.terminationGracePeriodSeconds", own_grace, why))
            elif own_grace <= 0:
                found.append(
                    causes.invalid(f"{place}.terminationGracePeriodSeconds", own_grace, "must be greater than 0")
                )
    return found


def _probe(probe: Body, field: str) -> list[Cause]:
    found = handler_rules(probe, field, HANDLERS[:4])
    for name in NOT_NEGATIVE:
        value = probe.get(name)
        if value is not None and value < 0:
            found.append(causes.invalid(f"{field}.{name}", value, "must be greater than or equal to 0"))
    return found


def lifecycle_rules(container: Body, field: str, grace: Any, *, restartable: bool = True) -> list[Cause]:
    """postStart and preStop. `grace`: the pod's terminationGracePeriodSeconds."""
    lifecycle = container.get("lifecycle")
    if lifecycle is None:
        return []
    if not restartable:
        why = "may not be set for init containers without restartPolicy=Always"
        return [causes.forbidden(f"{field}.lifecycle", why)]
    found = []
    for name in ("postStart", "preStop"):
        if lifecycle.get(name) is not None:
            found += handler_rules(lifecycle[name], f"{field}.lifecycle.{name}", HANDLERS, grace=grace)
    return found


def handler_rules(handler: Body, field: str, allowed: tuple[str, ...], *, grace: Any = None) -> list[Cause]:
    """Exactly one of the handlers, and a good one."""
    given = [name for name in allowed if handler.get(name) is not None]
    if not given:
        return [causes.required(field, "must specify a handler type")]
    found = [causes.forbidden(f"{field}.{name}", "may not specify more than 1 handler type") for name in given[1:]]
    name = given[0]
    action, place = handler[name], f"{field}.{name}"
    match name:
        case "exec":
            if not action.get("command"):
                found.append(causes.required(f"{place}.command"))
        case "httpGet":
            found += _http_get(action, place)
        case "tcpSocket":
            found += _port(action.get("port", 0), f"{place}.port")
        case "grpc":
            found += causes.port(f"{place}.port", action.get("port", 0))
        case "sleep":
            seconds = action.get("seconds", 0)
            if seconds < 0 or (isinstance(grace, int) and seconds > grace):
                why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
                found.append(causes.invalid(place, seconds, why))
    return found


def _http_get(action: Body, field: str) -> list[Cause]:
    found = [] if action.get("path") else [causes.required(f"{field}.path")]
    found += _port(action.get("port", 0), f"{field}.port")
    for index, header in enumerate(action.get("httpHeaders") or ()):
        name = header.get("name", "")
        if not name or not all(each.isascii() and (each.isalnum() or each == "-") for each in name):
            why = (
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
                "regex used for validation is '[-A-Za-z0-9]+')"
            )
            found.append(causes.invalid(f"{field}.httpHeaders[{index}].name", name, why))
    return found


def _port(port: Any, field: str) -> list[Cause]:
    if isinstance(port, str):
        return [causes.invalid(field, port, why) for why in names.port_name(port)]
    return causes.port(field, port)
