"""The checks of the level `baseline`: known ways to more rights than a container is meant to have."""

from __future__ import annotations

from typing import Final

from kube_actors.kinds.pod_security.words import (
    Body,
    Violation,
    containers,
    context,
    named_containers,
    plural,
    quoted,
    setters,
)

DEFAULT_CAPABILITIES: Final = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"}
    | {"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
SELINUX_TYPES: Final = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
SAFE_SYSCTLS: Final = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
APPARMOR_ANNOTATION: Final = "container.apparmor.security.beta.kubernetes.io/"
PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")


def app_armor(metadata: Body, spec: Body) -> Violation | None:
    """No profile but the runtime's and those of the machine."""
    pod = (context(spec).get("appArmorProfile") or {}).get("type") == "Unconfined"
    bad = [
        each["name"]
        for each in containers(spec)
        if (context(each).get("appArmorProfile") or {}).get("type") == "Unconfined"
    ]
    found = []
    if pod or bad:
        found.append(f'{setters(pod, bad)} must not set AppArmor profile type to "Unconfined"')
    notes = sorted(
        f'{key}="{value}"'
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(APPARMOR_ANNOTATION)
        and value not in ("", "runtime/default")
        and not value.startswith("localhost/")
    )
    if notes:
        found.append(f"{plural('annotation', 'annotations', len(notes))} {', '.join(notes)}")
    count = len(notes) + len(bad) + pod
    return Violation(f"forbidden AppArmor {plural('profile', 'profiles', count)}", "; ".join(found)) if found else None


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
    uses = plural("uses", "use", len(bad))
    which = plural("host", "hosts", len(hosts))
    detail = f"{named_containers(bad)} {uses} probe or lifecycle {which} {quoted(sorted(hosts))}"
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


def selinux_options(metadata: Body, spec: Body) -> Violation | None:
    """Only types made for containers; neither user nor role."""

    def is_bad(options: Body) -> bool:
        return options.get("type", "") not in SELINUX_TYPES or bool(options.get("user") or options.get("role"))

    pod = context(spec).get("seLinuxOptions") or {}
    own = {each["name"]: context(each).get("seLinuxOptions") or {} for each in containers(spec)}
    bad = [name for name, options in own.items() if is_bad(options)]
    if not bad and not is_bad(pod):
        return None
    used = [options for options in (pod, *own.values()) if is_bad(options)]
    kinds = sorted({options["type"] for options in used if options.get("type", "") not in SELINUX_TYPES})
    data = [f"{plural('type', 'types', len(kinds))} {quoted(kinds)}"] if kinds else []
    data += [f"{name} may not be set" for name in ("user", "role") if any(options.get(name) for options in used)]
    verb = plural("sets", "set", len(bad) + is_bad(pod))
    detail = f"{setters(is_bad(pod), bad)} {verb} forbidden securityContext.seLinuxOptions: {'; '.join(data)}"
    return Violation("seLinuxOptions", detail)


def seccomp_profile(metadata: Body, spec: Body) -> Violation | None:
    """Never without a profile on purpose."""
    pod = (context(spec).get("seccompProfile") or {}).get("type") == "Unconfined"
    bad = [
        each["name"]
        for each in containers(spec)
        if (context(each).get("seccompProfile") or {}).get("type") == "Unconfined"
    ]
    detail = f'{setters(pod, bad)} must not set securityContext.seccompProfile.type to "Unconfined"'
    return Violation("seccompProfile", detail) if pod or bad else None


def sysctls(metadata: Body, spec: Body) -> Violation | None:
    """Only those that are the pod's own."""
    bad = [each["name"] for each in context(spec).get("sysctls") or () if each["name"] not in SAFE_SYSCTLS]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def windows_host_process(metadata: Body, spec: Body) -> Violation | None:
    """No process of the machine."""
    pod = bool((context(spec).get("windowsOptions") or {}).get("hostProcess"))
    bad = [each["name"] for each in containers(spec) if (context(each).get("windowsOptions") or {}).get("hostProcess")]
    detail = f"{setters(pod, bad)} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", detail) if pod or bad else None
