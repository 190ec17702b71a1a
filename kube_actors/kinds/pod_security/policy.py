"""Levels and versions, as the labels of a namespace say them, and what they make of a pod."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.pod_security import baseline, restricted
from kube_actors.kinds.pod_security.words import Body, Violation

PREFIX: Final = "pod-security.kubernetes.io/"
MODES: Final = ("enforce", "audit", "warn")
PRIVILEGED, BASELINE, RESTRICTED = LEVELS = ("privileged", "baseline", "restricted")
LATEST: Final = "latest"
_VERSION: Final = re.compile(r"v1\.(0|[1-9][0-9]*)")
_NEWEST: Final = 10_000

Check = Callable[[Body, Body], Violation | None]
# The first minor version that has the check, and the check; in the order of Kubernetes' names for them.
_BASELINE: Final[tuple[tuple[int, Check], ...]] = (
    (0, baseline.app_armor),
    (0, baseline.capabilities),
    (0, baseline.host_namespaces),
    (0, baseline.host_path_volumes),
    (0, baseline.host_ports),
    (34, baseline.host_probes),
    (0, baseline.privileged),
    (0, baseline.proc_mount),
    (0, baseline.selinux_options),
    (19, baseline.seccomp_profile),
    (0, baseline.sysctls),
    (0, baseline.windows_host_process),
)
_RESTRICTED: Final[tuple[tuple[int, Check], ...]] = (
    (8, restricted.privilege_escalation),
    (22, restricted.capabilities),
    (0, restricted.volumes),
    (0, restricted.run_as_non_root),
    (23, restricted.run_as_user),
    (19, restricted.seccomp_profile),
)
_OVERRIDDEN: Final[Mapping[Check, tuple[int, Check]]] = {
    baseline.capabilities: (22, restricted.capabilities),
    baseline.host_path_volumes: (0, restricted.volumes),
    baseline.seccomp_profile: (19, restricted.seccomp_profile),
}
# Checks that pods with users of their own (`hostUsers: false`) are spared since 1.35: their root is nobody outside.
_SPARED: Final = frozenset({baseline.proc_mount, restricted.run_as_non_root, restricted.run_as_user})
_SPARED_SINCE: Final = 35


@attrs.frozen
class Policy:
    """A level as of a version: `restricted:latest`, `baseline:v1.30`."""

    level: str = PRIVILEGED
    version: str = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"

    def violations(self, metadata: Body, spec: Body) -> list[Violation]:
        """Everything about the pod that the policy forbids; nothing is forbidden to the privileged."""
        spared = _SPARED if spec.get("hostUsers") is False and self._minor >= _SPARED_SINCE else ()
        found = (check(metadata, spec) for check in self._checks() if check not in spared)
        return [violation for violation in found if violation is not None]

    def may_forbid_more(self, other: Policy) -> bool:
        """Whether something can be forbidden here that the other policy takes: by the level, or in another version."""
        stricter = LEVELS.index(self.level) > LEVELS.index(other.level)
        return self.level != PRIVILEGED and (stricter or self.version != other.version)

    @property
    def _minor(self) -> int:
        return _NEWEST if self.version == LATEST else int(self.version.removeprefix("v1."))

    def _checks(self) -> Iterator[Check]:
        if self.level == PRIVILEGED:
            return
        minor = self._minor
        for since, check in _BASELINE:
            overriding = _OVERRIDDEN.get(check) if self.level == RESTRICTED else None
            if minor >= since and (overriding is None or minor < overriding[0]):
                yield check
        if self.level == RESTRICTED:
            yield from (check for since, check in _RESTRICTED if minor >= since)


def policy_of(labels: Mapping[str, str], mode: str) -> Policy:
    """What the labels of a namespace say of one mode. A level nobody knows enforces the strictest one, and warns of
    nothing."""
    level = labels.get(f"{PREFIX}{mode}", PRIVILEGED)
    if level not in LEVELS:
        level = RESTRICTED if mode == "enforce" else PRIVILEGED
    version = labels.get(f"{PREFIX}{mode}-version", LATEST)
    return Policy(level, version if _is_version(version) else LATEST)


def check_labels(labels: Mapping[str, str]) -> list[Cause]:
    """What is wrong with a namespace's labels."""
    found = []
    for mode in MODES:
        level, version = labels.get(f"{PREFIX}{mode}"), labels.get(f"{PREFIX}{mode}-version")
        if level is not None and level not in LEVELS:
            why = f"must be one of {', '.join(LEVELS)}"
            found.append(causes.invalid(f"metadata.labels[{PREFIX}{mode}]", level, why))
        if version is not None and not _is_version(version):
            why = 'must be "latest" or "v1.x"'
            found.append(causes.invalid(f"metadata.labels[{PREFIX}{mode}-version]", version, why))
    return found


def _is_version(text: str) -> bool:
    return text == LATEST or _VERSION.fullmatch(text) is not None
