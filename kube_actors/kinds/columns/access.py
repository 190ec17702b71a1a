"""Rows of who may do what, and of certificates that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.columns.words import Row, age, human_duration, part

Body = Mapping[str, Any]


def role_binding(body: Body, now: float) -> Row:
    """Name, Role, Age, Users, Groups, ServiceAccounts; of a RoleBinding or a ClusterRoleBinding."""
    role, subjects = part(body, "roleRef"), body.get("subjects") or ()
    users, groups = (
        ", ".join(each.get("name", "") for each in subjects if each.get("kind") == kind) for kind in ("User", "Group")
    )
    accounts = (each for each in subjects if each.get("kind") == "ServiceAccount")
    return (
        body["metadata"]["name"],
        f"{role.get('kind', '')}/{role.get('name', '')}",
        age(body, now),
        users,
        groups,
        ", ".join(f"{each.get('namespace', '')}/{each.get('name', '')}" for each in accounts),
    )


def certificate_signing_request(body: Body, now: float) -> Row:
    """Name, Age, SignerName, Requestor, RequestedDuration, Condition."""
    spec = part(body, "spec")
    seconds = spec.get("expirationSeconds")
    return (
        body["metadata"]["name"],
        age(body, now),
        spec.get("signerName") or "<none>",
        spec.get("username", ""),
        "<none>" if seconds is None else human_duration(seconds),
        _condition(part(body, "status")),
    )


def _condition(status: Body) -> str:
    """`Pending`, `Approved` or `Denied`, then what came of it: `Approved,Issued`."""
    kinds = {each.get("type") for each in status.get("conditions") or ()}
    words = ["Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"]
    if "Failed" in kinds:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    return ",".join(words)
