"""What may be changed in a pod that exists: hardly anything."""

from __future__ import annotations

from typing import Any

from kube_actors.api.patches import clone
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.pod_annotations import annotation_rules
from kube_actors.kinds.rules.pod_specs import new_pod_rules, validate_pod_spec
from kube_actors.kinds.rules.scheduling import REQUIRED_TERMS

ALLOWED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_pod(new: Body, old: Body | None) -> list[Cause]:
    """The spec of a new pod, or what an update changes in it."""
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = annotation_rules(new, old)
    if old is None:
        return found + validate_pod_spec(spec, "spec") + new_pod_rules(spec)
    return found + _images(spec) + _update(spec, old.get("spec") or {})


def _update(spec: Body, before: Body) -> list[Cause]:
    """Everything but the few fields that may change must be equal."""
    found = _deadline(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    found += _tolerations(spec.get("tolerations") or [], before.get("tolerations") or [])
    found += _scheduling_gates(spec.get("schedulingGates") or [], before.get("schedulingGates") or [])
    for name in ("containers", "initContainers"):
        if len(spec.get(name) or ()) != len(before.get(name) or ()):
            why = f"pod updates may not add or remove {'containers' if name == 'containers' else 'init containers'}"
            return [*found, causes.forbidden(f"spec.{name}", why)]
    frozen = clone(spec)
    if before.get("schedulingGates"):
        found += _tightened(spec, before)
        for name in ("nodeSelector", "affinity"):
            _take_over(frozen, before, name)
    for name in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        _take_over(frozen, before, name)
    for name in ("containers", "initContainers"):
        for container, earlier in zip(frozen.get(name) or (), before.get(name) or (), strict=True):
            container["image"] = earlier.get("image", "")
    if before.get("terminationGracePeriodSeconds", 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        _take_over(frozen, before, "terminationGracePeriodSeconds")
    if frozen == before:
        return found
    changed = sorted(name for name in frozen.keys() | before.keys() if frozen.get(name) != before.get(name))
    listed = ", ".join(f"spec.{name}" for name in changed)
    return [*found, causes.forbidden("spec", f"{ALLOWED}; changed here: {listed}")]


def _tightened(spec: Body, before: Body) -> list[Cause]:
    """Where a pod may run can be narrowed down while gates keep it from being scheduled."""
    found = []
    chosen, earlier = spec.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    if any(chosen.get(key) != value for key, value in earlier.items()):
        why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        found.append(causes.invalid("spec.nodeSelector", chosen, why))
    affinity, was = spec.get("affinity") or {}, before.get("affinity") or {}
    others = {*affinity, *was} - {"nodeAffinity"}
    if any(affinity.get(name) != was.get(name) for name in others):
        found.append(causes.invalid("spec.affinity", affinity, "field is immutable"))
    return found + _narrowed(affinity.get("nodeAffinity") or {}, was.get("nodeAffinity") or {})


def _narrowed(affinity: Body, before: Body) -> list[Cause]:
    """Terms are alternatives and stay; each may ask for more."""
    field = f"spec.affinity.nodeAffinity.{REQUIRED_TERMS}.nodeSelectorTerms"
    earlier = (before.get(REQUIRED_TERMS) or {}).get("nodeSelectorTerms")
    terms = (affinity.get(REQUIRED_TERMS) or {}).get("nodeSelectorTerms") or []
    if not earlier:
        return []
    if len(terms) != len(earlier):
        return [causes.invalid(field, terms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")]
    return [
        causes.invalid(f"{field}[{index}]", term, "only additions are allowed (no mutations or deletions)")
        for index, (term, was) in enumerate(zip(terms, earlier, strict=True))
        for name in ("matchExpressions", "matchFields")
        if (term.get(name) or [])[: len(was.get(name) or ())] != (was.get(name) or [])
    ]


def _take_over(body: Body, source: Body, name: str) -> None:
    if name in source:
        body[name] = source[name]
    else:
        body.pop(name, None)


def _images(spec: Body) -> list[Cause]:
    return [
        causes.required(f"spec.{name}[{index}].image")
        for name in ("containers", "initContainers")
        for index, container in enumerate(spec.get(name) or ())
        if not container.get("image")
    ]


def _deadline(new: Any, old: Any) -> list[Cause]:
    """May be set or shortened, never lifted or put off."""
    field = "spec.activeDeadlineSeconds"
    if new == old:
        return []
    if new is None:
        return [causes.invalid(field, new, "must not update from a positive integer to nil value")]
    if not 0 <= new <= 2**31 - 1:
        return [causes.invalid(field, new, "must be between 0 and 2147483647, inclusive")]
    if old is not None and old < new:
        return [causes.invalid(field, new, "must be less than or equal to previous value")]
    return []


def _tolerations(new: list[Body], old: list[Body]) -> list[Cause]:
    """Only additions; the seconds of one that is there may change."""
    seconds = "tolerationSeconds"
    bare = [{name: value for name, value in each.items() if name != seconds} for each in new]
    if all({name: value for name, value in each.items() if name != seconds} in bare for each in old):
        return []
    why = "existing toleration can not be modified except its tolerationSeconds"
    return [causes.forbidden("spec.tolerations", why)]


def _scheduling_gates(new: list[Body], old: list[Body]) -> list[Cause]:
    added = [each for each in new if each not in old]
    if not added:
        return []
    return [causes.forbidden("spec.schedulingGates", "only deletion is allowed, but found new scheduling gates")]
