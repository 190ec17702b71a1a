"""Which checks make a level, in each version of Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from kube_actors.api.sysctls import NEW_SAFE_SYSCTLS, safe_sysctls
from kube_actors.kinds.pod_security import baseline, restricted
from kube_actors.kinds.pod_security.words import Check

PRIVILEGED, BASELINE, RESTRICTED = LEVELS = ("privileged", "baseline", "restricted")


def _but_for_windows(check: Check) -> Check:
    """Pods that say they run on Windows are spared: the field means nothing there."""
    return lambda metadata, spec: None if (spec.get("os") or {}).get("name") == "windows" else check(metadata, spec)


def _but_for_own_users(check: Check) -> Check:
    """Pods with users of their own (`hostUsers: false`) are spared: their root is nobody outside."""
    return lambda metadata, spec: None if spec.get("hostUsers") is False else check(metadata, spec)


# By Kubernetes' names of the checks, in whose order they are looked at: how each began and what it became, with the
# minor version since which that holds.
Checks = Mapping[str, tuple[tuple[int, Check], ...]]
_BASELINE: Final[Checks] = {
    "appArmorProfile": ((0, baseline.app_armor),),
    "capabilities_baseline": ((0, baseline.capabilities),),
    "hostNamespaces": ((0, baseline.host_namespaces),),
    "hostPathVolumes": ((0, baseline.host_path_volumes),),
    "hostPorts": ((0, baseline.host_ports),),
    "hostProbesAndHostLifecycle": ((34, baseline.host_probes),),
    "privileged": ((0, baseline.privileged),),
    "procMount": ((0, baseline.proc_mount), (35, _but_for_own_users(baseline.proc_mount))),
    "seLinuxOptions": (
        (0, baseline.selinux_options(baseline.SELINUX_TYPES)),
        (31, baseline.selinux_options(baseline.NEWER_SELINUX_TYPES)),
    ),
    "seccompProfile_baseline": ((0, baseline.seccomp_annotations), (19, baseline.seccomp_profile)),
    "sysctls": tuple((since, baseline.sysctls(safe_sysctls(since))) for since in NEW_SAFE_SYSCTLS),
    "windowsHostProcess": ((0, baseline.windows_host_process),),
}
_RESTRICTED: Final[Checks] = {
    "allowPrivilegeEscalation": (
        (8, restricted.privilege_escalation),
        (25, _but_for_windows(restricted.privilege_escalation)),
    ),
    "capabilities_restricted": ((22, restricted.capabilities), (25, _but_for_windows(restricted.capabilities))),
    "procMount_restricted": ((35, baseline.proc_mount),),
    "restrictedVolumes": ((0, restricted.volumes),),
    "runAsNonRoot": ((0, restricted.run_as_non_root), (35, _but_for_own_users(restricted.run_as_non_root))),
    "runAsUser": ((23, restricted.run_as_user), (35, _but_for_own_users(restricted.run_as_user))),
    "seccompProfile_restricted": (
        (19, restricted.seccomp_profile),
        (25, _but_for_windows(restricted.seccomp_profile)),
    ),
}
# Restricted checks say all that these checks of the baseline say, which are silent then.
_OVERRIDDEN: Final[Mapping[str, str]] = {
    "capabilities_restricted": "capabilities_baseline",
    "procMount_restricted": "procMount",
    "restrictedVolumes": "hostPathVolumes",
    "seccompProfile_restricted": "seccompProfile_baseline",
}

NEWEST: Final = max(since for checks in (_BASELINE, _RESTRICTED) for forms in checks.values() for since, _ in forms)
"""The last minor version in which a check became another one: what `latest` means."""


@lru_cache
def checks_of(level: str, minor: int) -> Sequence[Check]:
    """The checks of a level as they were in a minor version, in Kubernetes' order."""
    if level == PRIVILEGED:
        return ()
    stricter = _as_of(_RESTRICTED, minor) if level == RESTRICTED else {}
    silent = {_OVERRIDDEN[name] for name in stricter if name in _OVERRIDDEN}
    common = [check for name, check in _as_of(_BASELINE, minor).items() if name not in silent]
    return (*common, *stricter.values())


def _as_of(checks: Checks, minor: int) -> dict[str, Check]:
    known = {name: [check for since, check in forms if since <= minor] for name, forms in checks.items()}
    return {name: forms[-1] for name, forms in known.items() if forms}
