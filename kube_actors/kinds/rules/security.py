"""What security contexts may not ask for: of pods, of containers, and on which operating system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

_ID_RANGE: Final = "must be between 0 and 2147483647, inclusive"
_SYSCTL_SEGMENT: Final = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL: Final = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_LONGEST_SYSCTL: Final = 253
_IPC_SYSCTLS: Final = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
# What pods of Windows do not have.
_NOT_ON_WINDOWS: Final = (
    *("securityContext.appArmorProfile", "securityContext.seLinuxOptions", "securityContext.seccompProfile"),
    *("securityContext.fsGroup", "securityContext.fsGroupChangePolicy", "securityContext.sysctls"),
    *("securityContext.runAsUser", "securityContext.runAsGroup", "securityContext.supplementalGroups"),
    *("securityContext.supplementalGroupsPolicy", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace"),
    "resources",
)
_NOT_IN_WINDOWS_CONTAINERS: Final = (
    *("appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged"),
    *("allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup"),
)


def pod_security_rules(spec: Body, field: str) -> list[Cause]:
    """The pod's own security context, what it shares with its host, and what its operating system lacks."""
    context, place = spec.get("securityContext") or {}, f"{field}.securityContext"
    found = _ids(context, place, "runAsUser", "runAsGroup", "fsGroup")
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        if not 0 <= group <= 2**31 - 1:
            found.append(causes.invalid(f"{place}.supplementalGroups[{index}]", group, _ID_RANGE))
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        found.append(causes.invalid(f"{field}.shareProcessNamespace", True, why))
    if spec.get("hostUsers") is False:
        shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
        found += [causes.forbidden(f"{field}.{name}", "when `hostUsers` is false") for name in shared]
    found += _sysctls(spec, context.get("sysctls") or (), f"{place}.sysctls")
    return [*found, *_profiles(context, place), *_operating_system(spec, field)]


def container_security_rules(context: Body, field: str, *, host_users: bool) -> list[Cause]:
    """One container's security context; `host_users`: its users are the host's."""
    found = _ids(context, field, "runAsUser", "runAsGroup")
    if context.get("allowPrivilegeEscalation") is False:
        told = "cannot set `allowPrivilegeEscalation` to false and"
        if context.get("privileged"):
            found.append(causes.invalid(field, context, f"{told} `privileged` to true"))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            found.append(causes.invalid(field, context, f"{told} `capabilities.Add` CAP_SYS_ADMIN"))
    if context.get("procMount") == "Unmasked" and host_users:
        why = "`hostUsers` must be false to use `Unmasked`"
        found.append(causes.invalid(f"{field}.procMount", "Unmasked", why))
    return found + _profiles(context, field)


def _ids(context: Body, field: str, *names: str) -> list[Cause]:
    return [
        causes.invalid(f"{field}.{name}", context[name], _ID_RANGE)
        for name in names
        if context.get(name) is not None and not 0 <= context[name] <= 2**31 - 1
    ]


def _sysctls(spec: Body, sysctls: Any, field: str) -> list[Cause]:
    found, taken = [], set()
    for index, sysctl in enumerate(sysctls):
        place, name = f"{field}[{index}]", sysctl.get("name", "")
        plain = name.replace("/", ".")
        if not name:
            found.append(causes.required(f"{place}.name"))
        elif len(name) > _LONGEST_SYSCTL or not re.fullmatch(_SYSCTL, name):
            why = f"must have at most {_LONGEST_SYSCTL} characters and match regex ^{_SYSCTL}$"
            found.append(causes.invalid(f"{place}.name", name, why))
        elif plain in taken:
            found.append(causes.duplicate(f"{place}.name", name))
        taken.add(plain)
        for is_shared, is_concerned in (
            ("hostNetwork", plain.startswith("net.")),
            ("hostIPC", plain.startswith(_IPC_SYSCTLS)),
        ):
            if spec.get(is_shared) and is_concerned:
                found.append(causes.invalid(f"{place}.name", name, f"may not be specified when '{is_shared}' is true"))
    return found


def _profiles(context: Body, field: str) -> list[Cause]:
    """Profiles of seccomp and AppArmor: a file of the node's where the type says so, and only there."""
    found = []
    for name, system in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        profile, place = context.get(name), f"{field}.{name}.localhostProfile"
        if profile is None:
            continue
        local = profile.get("localhostProfile")
        if not profile.get("type"):
            found.append(causes.required(f"{field}.{name}.type", f"type is required when {name} is set"))
        if profile.get("type") == "Localhost" and not local:
            found.append(causes.required(place, f"must be set when {system} type is Localhost"))
        elif profile.get("type") not in ("Localhost", "", None) and local is not None:
            found.append(causes.invalid(place, local, f"can only be set when {system} type is Localhost"))
    return found


def _operating_system(spec: Body, field: str) -> Iterator[Cause]:
    """What the operating system that the pod names does not have."""
    system = (spec.get("os") or {}).get("name")
    if spec.get("os") is not None and not system:
        yield causes.required(f"{field}.os.name")
    containers = [
        (container.get("securityContext") or {}, f"{field}.{kind}[{index}].securityContext")
        for kind in ("initContainers", "containers", "ephemeralContainers")
        for index, container in enumerate(spec.get(kind) or ())
    ]
    if system == "linux":
        own = spec.get("securityContext") or {}
        for context, place in ((own, f"{field}.securityContext"), *containers):
            if context.get("windowsOptions") is not None:
                yield causes.forbidden(f"{place}.windowsOptions", "windows options cannot be set for a linux pod")
    if system != "windows":
        return
    for path in _NOT_ON_WINDOWS:
        first, _, last = path.partition(".")
        value = (spec.get(first) or {}).get(last) if last else spec.get(first)
        if value is not None and value is not False:
            yield causes.forbidden(f"{field}.{path}", "cannot be set for a windows pod")
    for context, place in containers:
        for name in _NOT_IN_WINDOWS_CONTAINERS:
            if context.get(name) is not None:
                yield causes.forbidden(f"{place}.{name}", "cannot be set for a windows pod")
