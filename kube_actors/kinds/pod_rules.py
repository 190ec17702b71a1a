"""What a pod spec may not be, in a Pod or in a template: every cause at once."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import NOT_AN_ADDRESS, is_address
from kube_actors.kinds.container_rules import containers_rules
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.scheduling_rules import scheduling_rules
from kube_actors.kinds.selector_rules import label_map_rules
from kube_actors.kinds.volume_rules import volumes_rules


def validate_template(template: Body, field: str) -> list[Cause]:
    """The template of a workload: labels and spec."""
    labels = (template.get("metadata") or {}).get("labels") or {}
    found = label_map_rules(labels, f"{field}.labels")
    spec = template.get("spec")
    if not isinstance(spec, dict):
        return [*found, causes.required(f"{field}.spec")]
    return found + validate_pod_spec(spec, f"{field}.spec")


def validate_pod_spec(spec: Body, field: str) -> list[Cause]:
    """A pod spec at `field` (`spec`, `spec.template.spec`)."""
    found, volumes = volumes_rules(spec.get("volumes"), f"{field}.volumes")
    found += containers_rules(spec, field, volumes)
    found += _times(spec, field)
    found += _names(spec, field)
    found += scheduling_rules(spec, field)
    found += _network(spec, field)
    return found + _security(spec.get("securityContext") or {}, f"{field}.securityContext")


def new_pod_rules(spec: Body) -> list[Cause]:
    """What a pod may not have from its start on."""
    found = []
    if spec.get("ephemeralContainers"):
        found.append(causes.forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        found.append(causes.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
    return found


def _times(spec: Body, field: str) -> list[Cause]:
    found = []
    grace, deadline = spec.get("terminationGracePeriodSeconds"), spec.get("activeDeadlineSeconds")
    if grace is not None and grace < 0:
        why = "must be greater than or equal to 0"
        found.append(causes.invalid(f"{field}.terminationGracePeriodSeconds", grace, why))
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        found.append(
            causes.invalid(f"{field}.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive")
        )
    return found


def _names(spec: Body, field: str) -> list[Cause]:
    """Names of other things and of the pod's host."""
    rules = (
        ("serviceAccountName", names.dns1123_subdomain),
        ("nodeName", names.dns1123_subdomain),
        ("priorityClassName", names.dns1123_subdomain),
        ("runtimeClassName", names.dns1123_subdomain),
        ("schedulerName", names.dns1123_subdomain),
        ("hostname", names.dns1123_label),
        ("subdomain", names.dns1123_label),
    )
    found = []
    for name, rule in rules:
        value = spec.get(name)
        if value:
            found += [causes.invalid(f"{field}.{name}", value, why) for why in rule(value)]
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        place = f"{field}.readinessGates[{index}].conditionType"
        found += [causes.invalid(place, kind, why) for why in names.qualified_name(kind)]
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        name, place = gate.get("name", ""), f"{field}.schedulingGates[{index}]"
        found += [causes.invalid(place, name, why) for why in names.qualified_name(name)]
    system = (spec.get("os") or {}).get("name")
    if system and system not in ("linux", "windows"):
        found.append(causes.not_supported(f"{field}.os.name", system, ["linux", "windows"]))
    return found


def _network(spec: Body, field: str) -> list[Cause]:
    found = []
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        place = f"{field}.hostAliases[{index}]"
        address = alias.get("ip", "")
        if not is_address(address):
            found.append(causes.invalid(f"{place}.ip", address, NOT_AN_ADDRESS))
        for at, host in enumerate(alias.get("hostnames") or ()):
            found += [causes.invalid(f"{place}.hostnames[{at}]", host, why) for why in names.dns1123_subdomain(host)]
    config = spec.get("dnsConfig") or {}
    servers = config.get("nameservers") or []
    if spec.get("dnsPolicy") == "None" and not servers:
        why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        found.append(causes.required(f"{field}.dnsConfig.nameservers", why))
    if len(servers) > 3:
        why = "must not have more than 3 nameservers"
        found.append(causes.invalid(f"{field}.dnsConfig.nameservers", servers, why))
    for index, server in enumerate(servers):
        if not is_address(server):
            found.append(causes.invalid(f"{field}.dnsConfig.nameservers[{index}]", server, NOT_AN_ADDRESS))
    return found


def _security(context: Body, field: str) -> list[Cause]:
    found = []
    for name in ("runAsUser", "runAsGroup", "fsGroup"):
        value = context.get(name)
        if value is not None and not 0 <= value <= 2**31 - 1:
            found.append(causes.invalid(f"{field}.{name}", value, "must be between 0 and 2147483647, inclusive"))
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        if not 0 <= group <= 2**31 - 1:
            place = f"{field}.supplementalGroups[{index}]"
            found.append(causes.invalid(place, group, "must be between 0 and 2147483647, inclusive"))
    return found
