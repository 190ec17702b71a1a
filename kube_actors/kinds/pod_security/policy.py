"""Levels and versions, as the labels of a namespace say them, and what they make of a pod."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.pod_security.checks import LEVELS, NEWEST, PRIVILEGED, RESTRICTED, checks_of
from kube_actors.kinds.pod_security.words import Body, Violation
from kube_actors.records import frozen

PREFIX: Final = "pod-security.kubernetes.io/"
MODES: Final = ("enforce", "audit", "warn")
LATEST: Final = "latest"
_VERSION: Final = re.compile(r"v1\.(0|[1-9][0-9]*)")


@frozen
class Policy:
    """A level as of a version: `restricted:latest`, `baseline:v1.30`."""

    level: str = PRIVILEGED
    version: str = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"

    def violations(self, metadata: Body, spec: Body) -> list[Violation]:
        """Everything about the pod that the policy forbids; nothing is forbidden to the privileged."""
        minor = NEWEST if self.version == LATEST else int(self.version.removeprefix("v1."))
        found = (check(metadata, spec) for check in checks_of(self.level, min(minor, NEWEST)))
        return [violation for violation in found if violation is not None]

    def may_forbid_more(self, other: Policy) -> bool:
        """Whether something can be forbidden here that the other policy takes: by the level, or in another version."""
        stricter = LEVELS.index(self.level) > LEVELS.index(other.level)
        return self.level != PRIVILEGED and (stricter or self.version != other.version)


def policy_of(labels: Mapping[str, str], mode: str) -> Policy:
    """What the labels of a namespace say of one mode.

    A level nobody knows enforces the strictest one, and warns of nothing. Where nothing is said of warnings, what is
    enforced is warned of: so who makes a Deployment hears that its pods will be refused.
    """
    level = labels.get(f"{PREFIX}{mode}", PRIVILEGED)
    if level not in LEVELS:
        level = RESTRICTED if mode == "enforce" else PRIVILEGED
    version = labels.get(f"{PREFIX}{mode}-version", LATEST)
    policy = Policy(level, version if _is_version(version) else LATEST)
    if mode != "warn" or f"{PREFIX}warn" in labels:
        return policy
    enforced = policy_of(labels, "enforce")
    if enforced.level == PRIVILEGED:
        return policy
    return attrs.evolve(policy, level=enforced.level) if f"{PREFIX}warn-version" in labels else enforced


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
