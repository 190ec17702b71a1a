"""Which checks a standard consists of, and what they find in a pod."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kube_actors.kinds.pod_security import baseline, restricted
from kube_actors.kinds.pod_security.policy import Standard
from kube_actors.kinds.pod_security.subject import Fault, Subject

Check = Callable[[Subject], Fault | None]

# In Kubernetes' order, which is that of their names there.
_BASELINE: Final[tuple[Check, ...]] = (
    baseline.app_armor,
    baseline.capabilities,
    baseline.host_namespaces,
    baseline.host_paths,
    baseline.host_ports,
    baseline.hosts,
    baseline.privileged,
    baseline.proc_mount,
    baseline.se_linux,
    baseline.seccomp,
    baseline.sysctls,
    baseline.host_process,
)
_RESTRICTED: Final[tuple[Check, ...]] = (
    restricted.privilege_escalation,
    restricted.capabilities,
    restricted.volumes,
    restricted.non_root,
    restricted.user,
    restricted.seccomp,
)
# A check of `restricted` that asks for more of the same -> since when, and the check of `baseline` it replaces.
_STRICTER: Final[Mapping[Check, tuple[int, Check]]] = {
    restricted.capabilities: (22, baseline.capabilities),
    restricted.seccomp: (19, baseline.seccomp),
}


def faults(standard: Standard, template: Mapping[str, Any]) -> list[Fault]:
    """Everything in which a pod, or the template of one, does not keep to the standard."""
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    pod = Subject(template.get("spec") or {}, annotations, standard.minor)
    found = (check(pod) for check in _checks(standard))
    return [fault for fault in found if fault is not None]


def _checks(standard: Standard) -> list[Check]:
    if standard.level == "privileged":
        return []
    if standard.level == "baseline":
        return list(_BASELINE)
    early = {check for check, (since, _) in _STRICTER.items() if standard.minor < since}
    replaced = {less for check, (_, less) in _STRICTER.items() if check not in early}
    return [*(one for one in _BASELINE if one not in replaced), *(one for one in _RESTRICTED if one not in early)]
