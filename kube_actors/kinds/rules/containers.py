"""What a container may not be."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.environment import environment_rules
from kube_actors.kinds.rules.mounts import Volumes, mounts_rules
from kube_actors.kinds.rules.probes import lifecycle_rules, probe_rules
from kube_actors.kinds.rules.resources import resize_policy_rules, resources_rules
from kube_actors.kinds.rules.security import container_security_rules

RESTART_ACTIONS = ("Restart", "RestartAllContainers")
EXIT_CODE_OPERATORS = ("In", "NotIn")
MOST_RESTART_RULES = 20
MOST_EXIT_CODES = 255


def containers_rules(spec: Body, field: str, volumes: Volumes) -> list[Cause]:
    """All containers of a pod: each by itself, and their names against each other."""
    found = []
    grace = spec.get("terminationGracePeriodSeconds")
    taken: set[str] = set()
    host_ports: set[tuple[Any, ...]] = set()
    if not spec.get("containers"):
        found.append(causes.required(f"{field}.containers"))
    for list_name in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(list_name) or ()):
            place = f"{field}.{list_name}[{index}]"
            keeps_running = list_name == "containers" or container.get("restartPolicy") == "Always"
            name = container.get("name", "")
            if name in taken:
                found.append(causes.duplicate(f"{place}.name", name))
            taken.add(name)
            found += container_rules(container, place, spec, volumes)
            found += resize_policy_rules(
                container.get("resizePolicy"), f"{place}.resizePolicy", spec.get("restartPolicy")
            )
            found += _ports(container, place, host_ports if keeps_running else set(), bool(spec.get("hostNetwork")))
            found += probe_rules(container, place, restartable=keeps_running)
            found += lifecycle_rules(container, place, grace, restartable=keeps_running)
    return found


def container_rules(container: Body, field: str, spec: Body, volumes: Volumes) -> list[Cause]:
    """One container by itself, in a pod with this spec and these volumes."""
    name, image = container.get("name", ""), container.get("image", "")
    found = [causes.invalid(f"{field}.name", name, why) for why in names.dns1123_label(name)] if name else []
    if not name:
        found.append(causes.required(f"{field}.name"))
    if not image:
        found.append(causes.required(f"{field}.image"))
    elif image != image.strip():
        found.append(causes.invalid(f"{field}.image", image, "must not have leading or trailing whitespace"))
    found += environment_rules(container, field, volumes)
    found += mounts_rules(container, field, volumes)
    claims = frozenset(each.get("name", "") for each in spec.get("resourceClaims") or ())
    found += resources_rules(container.get("resources") or {}, f"{field}.resources", claims)
    host_users = spec.get("hostUsers") is not False
    context = container.get("securityContext") or {}
    found += container_security_rules(context, f"{field}.securityContext", host_users=host_users)
    found += _restart_rules(container, field)
    if container.get("terminationMessagePath") == "":
        found.append(causes.required(f"{field}.terminationMessagePath"))
    return found


def _restart_rules(container: Body, field: str) -> list[Cause]:
    """What the container asks for on certain exit codes."""
    rules, found = container.get("restartPolicyRules") or (), []
    if rules and not container.get("restartPolicy"):
        why = "must specify restartPolicy when restart rules are used"
        found.append(causes.required(f"{field}.restartPolicy", why))
    if len(rules) > MOST_RESTART_RULES:
        found.append(causes.too_long(f"{field}.restartPolicyRules", MOST_RESTART_RULES))
    for index, rule in enumerate(rules):
        place = f"{field}.restartPolicyRules[{index}]"
        if rule.get("action") not in RESTART_ACTIONS:
            found.append(causes.not_supported(f"{place}.action", rule.get("action", ""), RESTART_ACTIONS))
        codes = rule.get("exitCodes")
        if codes is None:
            found.append(causes.required(f"{place}.exitCodes", "must be specified"))
            continue
        if codes.get("operator") not in EXIT_CODE_OPERATORS:
            operator = codes.get("operator", "")
            found.append(causes.not_supported(f"{place}.exitCodes.operator", operator, EXIT_CODE_OPERATORS))
        if len(codes.get("values") or ()) > MOST_EXIT_CODES:
            found.append(causes.too_long(f"{place}.exitCodes.values", MOST_EXIT_CODES))
    return found


def _ports(container: Body, field: str, host_ports: set[tuple[Any, ...]], host_network: bool) -> list[Cause]:
    found = []
    taken: set[str] = set()
    for index, port in enumerate(container.get("ports") or ()):
        place = f"{field}.ports[{index}]"
        name, number, host = port.get("name", ""), port.get("containerPort"), port.get("hostPort")
        if name:
            found += [causes.invalid(f"{place}.name", name, why) for why in names.port_name(name)]
            if name in taken:
                found.append(causes.duplicate(f"{place}.name", name))
            taken.add(name)
        found += (
            causes.port(f"{place}.containerPort", number) if number else [causes.required(f"{place}.containerPort")]
        )
        if not host:
            continue
        found += causes.port(f"{place}.hostPort", host)
        if host_network and host != number:
            found.append(
                causes.invalid(f"{place}.hostPort", host, "must match `containerPort` when `hostNetwork` is true")
            )
        key = (port.get("protocol", "TCP"), port.get("hostIP", ""), host)
        if key in host_ports:
            found.append(causes.duplicate(f"{place}.hostPort", "/".join(str(part) for part in key)))
        host_ports.add(key)
    return found
