"""A pod under examination, and the words its faults are told in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kube_actors.records import frozen

Part = Mapping[str, Any]


@frozen
class Subject:
    """A pod, or the template of one."""

    spec: Part
    annotations: Mapping[str, str]
    minor: int
    """The version of the standard, 1.`minor`."""

    @property
    def security(self) -> Part:
        """The pod's own security context."""
        return self.spec.get("securityContext") or {}

    @property
    def containers(self) -> Iterator[Part]:
        """Init containers, containers and ephemeral ones."""
        for field in ("initContainers", "containers", "ephemeralContainers"):
            yield from self.spec.get(field) or ()

    @property
    def windows(self) -> bool:
        """Whether the pod says it is one for Windows: since 1.25 rules about Linux do not apply to it."""
        return self.minor >= 25 and (self.spec.get("os") or {}).get("name") == "windows"

    @property
    def own_users(self) -> bool:
        """Whether root inside is nobody outside: since 1.35 such a pod may run as root."""
        return self.minor >= 35 and self.spec.get("hostUsers") is False


@frozen
class Fault:
    """Why a pod does not keep to a standard: in short, and in detail."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


def context(container: Part) -> Part:
    """A container's security context."""
    return container.get("securityContext") or {}


def quoted(words: Collection[str]) -> str:
    """`"a", "b"`."""
    return ", ".join(f'"{word}"' for word in words)


def named(one: str, names: Collection[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural(one, names)} {quoted(names)}"


def plural(one: str, counted: Collection[str]) -> str:
    """The word for as many."""
    return one if len(counted) == 1 else f"{one}s"


def setters(pod: bool, containers: Collection[str]) -> str:
    """Who set something: `pod and container "a"`; empty when nobody did."""
    who = ["pod"] if pod else []
    if containers:
        who.append(named("container", containers))
    return " and ".join(who)
