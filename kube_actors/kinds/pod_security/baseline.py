"""The checks of the level `baseline`: known ways to more rights than a container is meant to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kube_actors.kinds.pod_annotations import APPARMOR_PREFIX
from kube_actors.kinds.pod_security.words import (
    Body,
    Check,
    Violation,
    containers,
    context,
    named_containers,
    plural,
    profiles,
    quoted,
    setters,
)

DEFAULT_CAPABILITIES: Final = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"}
    | {"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
SELINUX_TYPES: Final = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
NEWER_SELINUX_TYPES: Final = SELINUX_TYPES | {"container_engine_t"}
PROFILES: Final = ("RuntimeDefault", "Localhost")
SECCOMP_ANNOTATION: Final = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_ANNOTATIONS: Final = "container.seccomp.security.alpha.kubernetes.io/"
PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")


def app_armor(metadata: Body, spec: Body) -> Violation | None:
    """No profile but the runtime's and those of the machine, be it said by fields or in the annotations of old."""
    pod, own = profiles(spec, "appArmorProfile")
    bad = [name for name, kind in own.items() if _is_lax(kind)]
    notes = sorted(
        f'{key}="{value}"'
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(APPARMOR_PREFIX) and value and not _is_annotated_profile(value)
    )
    who = [setters(_is_lax(pod), bad)] if bad or _is_lax(pod) else []
    who += [plural("annotation", "annotations", len(notes))] if notes else []
    if not who:
        return None
    values = [*lax_values(pod, own), *notes]
    detail = f"{' and '.join(who)} must not set AppArmor profile type to {quoted(values)}"
    return Violation(f"forbidden AppArmor {plural('profile', 'profiles', len(values))}", detail)


def capabilities(metadata: Body, spec: Body) -> Violation | None:
    """No capability beyond those a runtime gives by itself."""
    bad, added = [], set[str]()
    for each in containers(spec):
        more = set((context(each).get("capabilities") or {}).get("add") or ()) - DEFAULT_CAPABILITIES
        if more:
            bad.append(each["name"])
            added |= more
    detail = f"{named_containers(bad)} must not include {quoted(sorted(added))} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail) if bad else None


def host_namespaces(metadata: Body, spec: Body) -> Violation | None:
    """None of the machine's namespaces."""
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return Violation("host namespaces", ", ".join(found)) if found else None


def host_path_volumes(metadata: Body, spec: Body) -> Violation | None:
    """Nothing of the machine's files."""
    bad = [each["name"] for each in spec.get("volumes") or () if each.get("hostPath") is not None]
    return Violation("hostPath volumes", f"{plural('volume', 'volumes', len(bad))} {quoted(bad)}") if bad else None


def host_ports(metadata: Body, spec: Body) -> Violation | None:
    """None of the machine's ports."""
    bad, ports = [], set[int]()
    for each in containers(spec):
        own = {port["hostPort"] for port in each.get("ports") or () if port.get("hostPort")}
        if own:
            bad.append(each["name"])
            ports |= own
    uses, which = plural("uses", "use", len(bad)), plural("hostPort", "hostPorts", len(ports))
    detail = f"{named_containers(bad)} {uses} {which} {', '.join(sorted(map(str, ports)))}"
    return Violation("hostPort", detail) if bad else None


def host_probes(metadata: Body, spec: Body) -> Violation | None:
    """Probes and hooks look at the pod itself, and make no requests elsewhere."""
    bad, hosts = [], set[str]()
    for each in containers(spec):
        lifecycle = each.get("lifecycle") or {}
        handlers = [each.get(name) or {} for name in PROBES] + [
            lifecycle.get(hook) or {} for hook in ("postStart", "preStop")
        ]
        own = {(one.get(how) or {}).get("host") or "" for one in handlers for how in ("httpGet", "tcpSocket")} - {""}
        if own:
            bad.append(each["name"])
            hosts |= own
    uses, which = plural("uses", "use", len(bad)), plural("host", "hosts", len(hosts))
    detail = f"{named_containers(sorted(bad))} {uses} probe or lifecycle {which} {quoted(sorted(hosts))}"
    return Violation("probe or lifecycle host", detail) if bad else None


def privileged(metadata: Body, spec: Body) -> Violation | None:
    """No container that is not contained."""
    bad = [each["name"] for each in containers(spec) if context(each).get("privileged")]
    return (
        Violation("privileged", f"{named_containers(bad)} must not set securityContext.privileged=true")
        if bad
        else None
    )


def proc_mount(metadata: Body, spec: Body) -> Violation | None:
    """`/proc` as the runtime masks it."""
    mounted = {each["name"]: context(each).get("procMount") or "Default" for each in containers(spec)}
    bad = [name for name, mount in mounted.items() if mount != "Default"]
    kinds = quoted(sorted({mounted[name] for name in bad}))
    return (
        Violation("procMount", f"{named_containers(bad)} must not set securityContext.procMount to {kinds}")
        if bad
        else None
    )


def selinux_options(types: frozenset[str]) -> Check:
    """Only types made for containers; neither user nor role."""

    def is_bad(options: Body) -> bool:
        return options.get("type", "") not in types or bool(options.get("user") or options.get("role"))

    def check(metadata: Body, spec: Body) -> Violation | None:
        pod = context(spec).get("seLinuxOptions") or {}
        own = {each["name"]: context(each).get("seLinuxOptions") or {} for each in containers(spec)}
        used = [options for options in (pod, *own.values()) if is_bad(options)]
        if not used:
            return None
        kinds = sorted({options.get("type", "") for options in used} - types)
        data = [f"{plural('type', 'types', len(kinds))} {quoted(kinds)}"] if kinds else []
        data += [f"{name} may not be set" for name in ("user", "role") if any(options.get(name) for options in used)]
        who = setters(is_bad(pod), [name for name, options in own.items() if is_bad(options)])
        return Violation("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}")

    return check


def seccomp_annotations(metadata: Body, spec: Body) -> Violation | None:
    """Never without a profile on purpose, as it was said before there was a field."""
    annotations = metadata.get("annotations") or {}
    keys = {SECCOMP_ANNOTATION, *(f"{SECCOMP_ANNOTATIONS}{each['name']}" for each in containers(spec))}
    bad = sorted(
        f'{key}="{annotations[key]}"'
        for key in keys & annotations.keys()
        if annotations[key] != "docker/default" and not _is_annotated_profile(annotations[key])
    )
    which = plural("annotation", "annotations", len(bad))
    return Violation("seccompProfile", f"forbidden {which} {', '.join(bad)}") if bad else None


def seccomp_profile(metadata: Body, spec: Body) -> Violation | None:
    """Never without a profile on purpose."""
    pod, own = profiles(spec, "seccompProfile")
    values = lax_values(pod, own)
    who = setters(_is_lax(pod), [name for name, kind in own.items() if _is_lax(kind)])
    detail = f"{who} must not set securityContext.seccompProfile.type to {quoted(values)}"
    return Violation("seccompProfile", detail) if values else None


def sysctls(allowed: frozenset[str]) -> Check:
    """Only those that are the pod's own."""

    def check(metadata: Body, spec: Body) -> Violation | None:
        bad = [each["name"] for each in context(spec).get("sysctls") or () if each["name"] not in allowed]
        return Violation("forbidden sysctls", ", ".join(bad)) if bad else None

    return check


def windows_host_process(metadata: Body, spec: Body) -> Violation | None:
    """No process of the machine."""
    pod = bool((context(spec).get("windowsOptions") or {}).get("hostProcess"))
    bad = [each["name"] for each in containers(spec) if (context(each).get("windowsOptions") or {}).get("hostProcess")]
    detail = f"{setters(pod, bad)} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", detail) if pod or bad else None


def lax_values(pod: str | None, own: Mapping[str, str | None]) -> list[str]:
    """The types of profiles that a pod or its containers ask for and must not."""
    return sorted({kind for kind in (pod, *own.values()) if kind is not None and kind not in PROFILES})


def _is_lax(kind: str | None) -> bool:
    return kind is not None and kind not in PROFILES


def _is_annotated_profile(value: str) -> bool:
    return value == "runtime/default" or value.startswith("localhost/")
