"""The checks of the level `restricted`: what a hardened pod says of itself."""

from __future__ import annotations

from typing import Final

from kube_actors.kinds.pod_security import baseline
from kube_actors.kinds.pod_security.words import (
    Body,
    Violation,
    containers,
    context,
    named_containers,
    plural,
    profiles,
    quoted,
    setters,
)

VOLUMES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"}
    | {"secret"}
)


def privilege_escalation(metadata: Body, spec: Body) -> Violation | None:
    """No program gains rights that its parent did not have."""
    bad = [each["name"] for each in containers(spec) if context(each).get("allowPrivilegeEscalation") is not False]
    detail = f"{named_containers(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail) if bad else None


def capabilities(metadata: Body, spec: Body) -> Violation | None:
    """All are dropped; that to use low ports may come back."""
    keeping, adding, added = [], [], set[str]()
    for each in containers(spec):
        own = context(each).get("capabilities") or {}
        more = set(own.get("add") or ()) - {"NET_BIND_SERVICE"}
        if "ALL" not in (own.get("drop") or ()):
            keeping.append(each["name"])
        if more:
            adding.append(each["name"])
            added |= more
    found = []
    if keeping:
        found.append(f'{named_containers(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        what = quoted(sorted(added))
        found.append(f"{named_containers(adding)} must not include {what} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(found)) if found else None


def volumes(metadata: Body, spec: Body) -> Violation | None:
    """Only what comes from the API or a claim."""
    bad, kinds = [], set[str]()
    for each in spec.get("volumes") or ():
        kind = next((field for field in each if field != "name" and each[field] is not None), "unknown")
        if kind not in VOLUMES:
            bad.append(each["name"])
            kinds.add(kind)
    if not bad:
        return None
    which = plural("restricted volume type", "restricted volume types", len(kinds))
    names = f"{plural('volume', 'volumes', len(bad))} {quoted(bad)}"
    return Violation(
        "restricted volume types", f"{names} {plural('uses', 'use', len(bad))} {which} {quoted(sorted(kinds))}"
    )


def run_as_non_root(metadata: Body, spec: Body) -> Violation | None:
    """The pod, or every container, says that it does not run as root."""
    pod = context(spec).get("runAsNonRoot")
    own = {each["name"]: context(each).get("runAsNonRoot") for each in containers(spec)}
    explicit = [name for name, value in own.items() if value is False]
    if pod is False or explicit:
        detail = f"{setters(pod is False, explicit)} must not set securityContext.runAsNonRoot=false"
        return Violation("runAsNonRoot != true", detail)
    silent = [name for name, value in own.items() if value is None and not pod]
    detail = f"pod or {named_containers(silent)} must set securityContext.runAsNonRoot=true"
    return Violation("runAsNonRoot != true", detail) if silent else None


def run_as_user(metadata: Body, spec: Body) -> Violation | None:
    """Nobody asks for root."""
    pod = context(spec).get("runAsUser") == 0
    bad = [each["name"] for each in containers(spec) if context(each).get("runAsUser") == 0]
    return Violation("runAsUser=0", f"{setters(pod, bad)} must not set runAsUser=0") if pod or bad else None


def seccomp_profile(metadata: Body, spec: Body) -> Violation | None:
    """The pod, or every container, asks for a profile."""
    lax = baseline.seccomp_profile(metadata, spec)
    if lax is not None:
        return lax
    pod, own = profiles(spec, "seccompProfile")
    silent = [name for name, kind in own.items() if kind is None and pod is None]
    kinds = " or ".join(f'"{kind}"' for kind in baseline.PROFILES)
    detail = f"pod or {named_containers(silent)} must set securityContext.seccompProfile.type to {kinds}"
    return Violation("seccompProfile", detail) if silent else None
