"""Annotations of pods that mean something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
MIRROR: Final = "kubernetes.io/config.mirror"
"""Marks what stands in the API for a static pod, which a node has by itself."""
APPARMOR_PREFIX: Final = "container.apparmor.security.beta.kubernetes.io/"
_LIMIT: Final = 1 << 31


def deletion_cost(annotations: Mapping[str, str]) -> int:
    """What it costs to delete the pod before others of its set; 0 when nothing readable is said of it."""
    text = annotations.get(DELETION_COST, "0")
    return int(text) if _is_cost(text) else 0


def annotation_rules(new: Body, old: Body | None) -> list[Cause]:
    """What is wrong with the values, and with changing them."""
    field = "metadata.annotations"
    found = [] if old is None else _changes(_annotations(new), _annotations(old), field)
    return found + annotation_value_rules(new, field)


def annotation_value_rules(body: Body, field: str) -> list[Cause]:
    """What is wrong with the values, of a pod or of a template."""
    annotations, found = _annotations(body), []
    if MIRROR in annotations and not body["spec"].get("nodeName"):
        why = "must set spec.nodeName if mirror pod annotation is set"
        found.append(causes.invalid(f"{field}[{MIRROR}]", annotations[MIRROR], why))
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_cost(cost):
        found.append(causes.invalid(f"{field}[{DELETION_COST}]", cost, "must be a 32bit integer"))
    return found


def _changes(annotations: dict[str, str], before: dict[str, str], field: str) -> list[Cause]:
    """Whether a pod is static, and by which profile it runs, stays as it was when the pod was made."""
    found = []
    for key in sorted({*annotations, *before}):
        if annotations.get(key) == before.get(key) or not (key == MIRROR or key.startswith(APPARMOR_PREFIX)):
            continue
        called = "mirror pod annotation" if key == MIRROR else "AppArmor annotations"
        what = "remove or update" if key in before else "add"
        found.append(causes.forbidden(f"{field}[{key}]", f"may not {what} {called}"))
    return found


def _is_cost(text: str) -> bool:
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdecimal() and (digits == "0" or not digits.startswith("0"))
    return is_number and text != "-0" and -_LIMIT <= int(text) < _LIMIT


def _annotations(body: Body) -> dict[str, str]:
    return (body.get("metadata") or {}).get("annotations") or {}
