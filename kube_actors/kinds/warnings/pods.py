"""Pods, and templates of pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kube_actors.kinds.causes import shown
from kube_actors.kinds.warnings import labels, spelling
from kube_actors.kinds.warnings.containers import of_containers
from kube_actors.kinds.warnings.volumes import of_overlapping_paths, of_volumes

Body = Mapping[str, Any]
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
NO_SELECTOR: Final = "a null labelSelector results in matching no pod"
_ANNOTATIONS: Final[Mapping[str, str]] = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_SECCOMP: Final = "seccomp.security.alpha.kubernetes.io/pod"


def of_pod(new: Body, old: Body | None) -> list[str]:
    """A new pod. Updates are for programs, which do not read warnings."""
    if old is not None:
        return []
    name = new["metadata"].get("name", "")
    return spelling.of_host_name(name, "the Pod's hostname") + of_template(new, "")


def of_template(template: Body, field: str) -> list[str]:
    """Metadata and spec of a pod; `field` is where they stand (`spec.template`), empty for a pod itself."""
    spec, prefix = template.get("spec") or {}, f"{field}." if field else ""
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    place, noted = f"{prefix}spec", f"{prefix}metadata.annotations"
    found = list(_of_node_choice(spec, place))
    found += [f"{noted}[{key}]: {why}" for key, why in _ANNOTATIONS.items() if key in annotations]
    found += of_volumes(spec, place) + of_overlapping_paths(spec)
    found += _repeated(spec.get("hostAliases"), "ip", f"{place}.hostAliases")
    found += _repeated(spec.get("imagePullSecrets"), "name", f"{place}.imagePullSecrets")
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            found.append(f'{place}.imagePullSecrets[{index}].name: invalid empty name ""')
    if _SECCOMP in annotations and not (spec.get("securityContext") or {}).get("seccompProfile"):
        found.append(f'{noted}[{_SECCOMP}]: non-functional in v1.27+; use the "seccompProfile" field instead')
    found += of_containers(spec, annotations, place, noted)
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        why = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{place}.terminationGracePeriodSeconds: {why}")
    return [*found, *_of_pod_choice(spec, place), *_of_addresses(spec, place)]


def _of_node_choice(spec: Body, field: str) -> Iterator[str]:
    """Old labels of nodes in selectors, affinities and spread constraints."""
    for key in spec.get("nodeSelector") or ():
        if key in labels.DEPRECATED:
            yield f"{field}.nodeSelector[{key}]: {labels.DEPRECATED[key]}"
    affinity, place = (spec.get("affinity") or {}).get("nodeAffinity") or {}, f"{field}.affinity.nodeAffinity"
    for index, term in enumerate((affinity.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        at = f"{place}.{REQUIRED}.nodeSelectorTerms[{index}]"
        yield from labels.of_requirements(term.get("matchExpressions"), at)
    for index, preferred in enumerate(affinity.get(PREFERRED) or ()):
        at, term = f"{place}.{PREFERRED}[{index}].preference", preferred.get("preference") or {}
        yield from labels.of_requirements(term.get("matchExpressions"), at, with_values=True)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        at, key = f"{field}.topologySpreadConstraints[{index}]", constraint.get("topologyKey", "")
        if key in labels.DEPRECATED:
            yield f"{at}.topologyKey: {key} is {labels.DEPRECATED[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{at}.labelSelector: {NO_SELECTOR}"


def _of_pod_choice(spec: Body, field: str) -> Iterator[str]:
    """Affinities to no pod at all."""
    for kind in ("podAffinity", "podAntiAffinity"):
        affinity, place = (spec.get("affinity") or {}).get(kind) or {}, f"{field}.affinity.{kind}"
        for index, term in enumerate(affinity.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{place}.{REQUIRED}[{index}].labelSelector: {NO_SELECTOR}"
        for index, preferred in enumerate(affinity.get(PREFERRED) or ()):
            if (preferred.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{place}.{PREFERRED}[{index}].podAffinityTerm.labelSelector: {NO_SELECTOR}"


def _of_addresses(spec: Body, field: str) -> Iterator[str]:
    for index, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or ()):
        yield from spelling.of_address(server, f"{field}.dnsConfig.nameservers[{index}]")
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        yield from spelling.of_address(alias.get("ip", ""), f"{field}.hostAliases[{index}].ip")


def _repeated(items: Any, name: str, field: str) -> list[str]:
    taken, found = set(), []
    for index, item in enumerate(items or ()):
        value = item.get(name, "")
        if value in taken:
            found.append(f"{field}[{index}].{name}: duplicate {name} {shown(value)}")
        taken.add(value)
    return found
