"""The containers of a pod: by themselves, and their ports against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from kube_actors.api.quantity import Quantity
from kube_actors.kinds.causes import shown
from kube_actors.kinds.pod_annotations import APPARMOR_PREFIX

Body = Mapping[str, Any]
_SECCOMP: Final = "container.seccomp.security.alpha.kubernetes.io/"
_BYTES: Final = ("memory", "ephemeral-storage")
_MOST: Final = 100
"""Warnings of one kind, and ports that another one is held against: a pod may have any number of both."""


def of_containers(spec: Body, annotations: Mapping[str, str], field: str, noted: str) -> list[str]:
    """Everything about containers. `field` is that of the pod's spec, `noted` that of its annotations."""
    found = list(of_amounts(spec.get("overhead"), f"{field}.overhead", _BYTES))
    pod_profile = (spec.get("securityContext") or {}).get("appArmorProfile")
    for container, place in _containers(spec, field):
        context, name = container.get("securityContext") or {}, container.get("name", "")
        if not context.get("seccompProfile") and _SECCOMP + name in annotations:
            why = 'non-functional in v1.27+; use the "seccompProfile" field instead'
            found.append(f"{noted}[{_SECCOMP}{name}]: {why}")
        if not (pod_profile or context.get("appArmorProfile")) and APPARMOR_PREFIX + name in annotations:
            why = 'deprecated since v1.30; use the "appArmorProfile" field instead'
            found.append(f"{noted}[{APPARMOR_PREFIX}{name}]: {why}")
        resources = container.get("resources") or {}
        for kind in ("limits", "requests"):
            found += of_amounts(resources.get(kind), f"{place}.resources.{kind}", _BYTES)
        found += _of_environment(container.get("env") or (), f"{place}.env")
    return found + list(islice(_of_ports(spec, field), _MOST)) + list(_of_port_names(spec, field))


def of_amounts(amounts: Body | None, field: str, counted: tuple[str, ...]) -> Iterator[str]:
    """Parts of bytes: `200m` is a fifth of one."""
    for name in counted:
        quantity = Quantity.parse(amounts[name]) if amounts and name in amounts else None
        if quantity is not None and quantity.milli % 1000:
            yield f'{field}[{name}]: fractional byte value "{quantity}" is invalid, must be an integer'


def _containers(spec: Body, field: str) -> Iterator[tuple[Body, str]]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            yield container, f"{field}.{kind}[{index}]"


def _of_environment(variables: Any, field: str) -> Iterator[str]:
    """A variable named again, unless its second value is made of the first."""
    taken = set()
    for index, variable in enumerate(variables):
        name, value = variable.get("name", ""), variable.get("value") or ""
        reference = f"$({name})"
        extends = variable.get("valueFrom") is None and reference in value and value != reference
        if name in taken and not extends:
            why = f"hides previous definition of {shown(name)}, which may be dropped when using apply"
            yield f"{field}[{index}]: {why}"
        taken.add(name)


def _ports(spec: Body, field: str) -> Iterator[tuple[Body, str]]:
    for container, place in _containers(spec, field):
        for index, port in enumerate(container.get("ports") or ()):
            yield port, f"{place}.ports[{index}]"


def _of_ports(spec: Body, field: str) -> Iterator[str]:
    """Ports of all containers, who share one network."""
    taken: dict[tuple[Any, str], list[tuple[str, str, int]]] = {}
    for port, place in _ports(spec, field):
        host, number = port.get("hostIP") or "", port.get("hostPort") or 0
        if host and not number:
            yield f"{place}: hostIP set without hostPort: {_spelt(port)}"
        others = taken.setdefault((port.get("containerPort"), port.get("protocol", "TCP")), [])
        for other, other_host, other_number in others:
            if (host, number) == (other_host, other_number):
                yield f"{place}: duplicate port definition with {other}"
            elif not number or not other_number:
                yield f"{place}: overlapping port definition with {other}"
            elif number == other_number and (not host or not other_host):
                yield f"{place}: dangerously ambiguous port definition with {other}"
        if len(others) < _MOST:
            others.append((place, host, number))


def _of_port_names(spec: Body, field: str) -> Iterator[str]:
    taken: dict[str, str] = {}
    for port, place in _ports(spec, field):
        name = port.get("name")
        if name and name in taken:
            first = taken[name]
            why = f"services and probes that select ports by name will use {first}"
            yield f"{place}: duplicate port name {shown(name)} with {first}, {why}"
        elif name:
            taken[name] = place


def _spelt(port: Body) -> str:
    """A port as Kubernetes writes it into this one message."""
    numbers, texts = ("hostPort", "containerPort"), ("protocol", "hostIP")
    values = [("name", ""), *((name, 0) for name in numbers), *((name, "") for name in texts)]
    return "{" + " ".join(f"{name[0].upper()}{name[1:]}:{port.get(name) or absent}" for name, absent in values) + "}"
