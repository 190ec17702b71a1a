"""What a pod spec may not be, in a Pod or in a template: every cause at once."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import address_problems
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.pod_amounts import amounts_of, container_amounts, pod_amounts
from kube_actors.kinds.pod_annotations import annotation_value_rules
from kube_actors.kinds.rules.containers import containers_rules
from kube_actors.kinds.rules.resources import resources_rules
from kube_actors.kinds.rules.scheduling import scheduling_rules
from kube_actors.kinds.rules.security import pod_security_rules
from kube_actors.kinds.rules.selectors import label_map_rules
from kube_actors.kinds.rules.volumes import volumes_rules

LONGEST_HOST_NAME: Final = 64
MOST_SEARCHES, LONGEST_SEARCHES = 32, 2048


def validate_template(template: Body, field: str) -> list[Cause]:
    """The template of a workload: labels and spec."""
    labels = (template.get("metadata") or {}).get("labels") or {}
    found = label_map_rules(labels, f"{field}.labels")
    spec = template.get("spec")
    if not isinstance(spec, dict):
        return [*found, causes.required(f"{field}.spec")]
    found += annotation_value_rules(template, f"{field}.annotations")
    if spec.get("ephemeralContainers"):
        why = "ephemeral containers not allowed in pod template"
        found.append(causes.forbidden(f"{field}.spec.ephemeralContainers", why))
    return found + validate_pod_spec(spec, f"{field}.spec")


def validate_pod_spec(spec: Body, field: str) -> list[Cause]:
    """A pod spec at `field` (`spec`, `spec.template.spec`)."""
    found, volumes = volumes_rules(spec.get("volumes"), f"{field}.volumes")
    found += containers_rules(spec, field, volumes)
    found += _times(spec, field)
    found += _names(spec, field)
    found += scheduling_rules(spec, field)
    found += _network(spec, field)
    found += resources_rules({"limits": spec.get("overhead") or {}}, f"{field}.overhead")
    found += pod_resources_rules(spec, f"{field}.resources")
    found += _claims(spec.get("resourceClaims") or (), f"{field}.resourceClaims")
    return found + pod_security_rules(spec, field)


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
    deadline = spec.get("activeDeadlineSeconds")
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
    gates = [gate.get("name", "") for gate in spec.get("schedulingGates") or ()]
    for index, name in enumerate(gates):
        place = f"{field}.schedulingGates[{index}]"
        found += [causes.invalid(place, name, why) for why in names.qualified_name(name)]
        if name in gates[:index]:
            found.append(causes.duplicate(place, name))
    override = spec.get("hostnameOverride")
    if override is not None:
        place = f"{field}.hostnameOverride"
        found += [causes.invalid(place, override, why) for why in names.dns1123_subdomain(override)]
        if len(override) > LONGEST_HOST_NAME:
            found.append(causes.invalid(place, override, f"must be no more than {LONGEST_HOST_NAME} characters"))
        found += [
            causes.forbidden(place, f"may not be specified when `{other}` is true")
            for other in ("hostNetwork", "setHostnameAsFQDN")
            if spec.get(other)
        ]
    system = (spec.get("os") or {}).get("name")
    if system and system not in ("linux", "windows"):
        found.append(causes.not_supported(f"{field}.os.name", system, ["linux", "windows"]))
    return found


def _network(spec: Body, field: str) -> list[Cause]:
    found = []
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        place = f"{field}.hostAliases[{index}]"
        address = alias.get("ip", "")
        found += [causes.invalid(f"{place}.ip", address, why) for why in address_problems(address)]
        for at, host in enumerate(alias.get("hostnames") or ()):
            found += [causes.invalid(f"{place}.hostnames[{at}]", host, why) for why in names.dns1123_subdomain(host)]
    config = spec.get("dnsConfig") or {}
    servers = config.get("nameservers") or []
    if spec.get("dnsPolicy") == "None" and spec.get("dnsConfig") is None:
        found.append(causes.required(f"{field}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None"))
    elif spec.get("dnsPolicy") == "None" and not servers:
        why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        found.append(causes.required(f"{field}.dnsConfig.nameservers", why))
    if len(servers) > 3:
        why = "must not have more than 3 nameservers"
        found.append(causes.invalid(f"{field}.dnsConfig.nameservers", servers, why))
    for index, server in enumerate(servers):
        place = f"{field}.dnsConfig.nameservers[{index}]"
        found += [causes.invalid(place, server, why) for why in address_problems(server)]
    return found + _searches(config, f"{field}.dnsConfig")


def _searches(config: Body, field: str) -> list[Cause]:
    """Where names are looked for, and options of the resolver."""
    searches, found = config.get("searches") or [], []
    if len(searches) > MOST_SEARCHES:
        why = f"must not have more than {MOST_SEARCHES} search paths"
        found.append(causes.invalid(f"{field}.searches", searches, why))
    if len(" ".join(searches)) > LONGEST_SEARCHES:
        why = f"must not have more than {LONGEST_SEARCHES} characters (including spaces) in the search list"
        found.append(causes.invalid(f"{field}.searches", searches, why))
    for index, search in enumerate(searches):
        plain = search.removesuffix(".").replace("_", "a")  # names of services have underscores
        if search != ".":
            place = f"{field}.searches[{index}]"
            found += [causes.invalid(place, search, why) for why in names.dns1123_subdomain(plain)]
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            found.append(causes.required(f"{field}.options[{index}]", "must not be empty"))
    return found


def pod_resources_rules(spec: Body, field: str) -> list[Cause]:
    """What the pod as a whole asks for is not less than its containers do, and no container may have more."""
    resources = spec.get("resources")
    if not resources:
        return []
    found = resources_rules(resources, field)
    wanted = pod_amounts(
        {name: value for name, value in spec.items() if name not in ("resources", "overhead")}, "requests"
    )
    for name, amount in amounts_of(resources.get("requests")).items():
        if name in wanted and amount < wanted[name]:
            why = f"must be greater than or equal to aggregate container requests of {wanted[name]}"
            found.append(causes.invalid(f"{field}.requests[{name}]", str(amount), why))
    most = amounts_of(resources.get("limits"))
    for index, container in enumerate(spec.get("containers") or ()):
        for name, limit in container_amounts(container, "limits").items():
            if name in most and limit > most[name]:
                why = f"must be less than or equal to pod limits of {most[name]}"
                found.append(causes.invalid(f"{field}.containers[{index}][{name}].limits", str(limit), why))
    return found


def _claims(claims: Any, field: str) -> list[Cause]:
    """Devices of a pod: each by one name, from a claim or from a template of one."""
    found, taken = [], set()
    for index, claim in enumerate(claims):
        place, name = f"{field}[{index}]", claim.get("name", "")
        sources = [each for each in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(each) is not None]
        if not name:
            found.append(causes.required(f"{place}.name"))
        elif name in taken:
            found.append(causes.duplicate(f"{place}.name", name))
        else:
            found += [causes.invalid(f"{place}.name", name, why) for why in names.dns1123_label(name)]
        taken.add(name)
        if len(sources) > 1:
            why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            found.append(causes.invalid(place, claim, why))
        elif not sources:
            why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            found.append(causes.invalid(place, claim, why))
        for source in sources:
            at = f"{place}.{source}"
            found += [causes.invalid(at, claim[source], why) for why in names.dns1123_subdomain(claim[source])]
    return found
