"""DaemonSets."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.amounts import amount_rules, is_zero
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.statuses import counts
from kube_actors.kinds.workloads import default_template, not_negative, selector_rules, template_rules

TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    default_template(spec)
    if TEMPLATE_GENERATION not in (body["metadata"].get("annotations") or {}):
        _count_template(body, 1)


def _prepare_create(body: Body) -> None:
    _count_template(body, 1)


def _prepare_update(new: Body, old: Body, subresource: str) -> None:
    """Templates are counted, in an annotation that only we write."""
    if subresource:
        return
    counted = (old["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "1")
    changed = _template(new) != _template(old)
    _count_template(new, (int(counted) if counted.isdecimal() else 1) + changed)


def _template(body: Body) -> Any:
    return (body.get("spec") or {}).get("template")


def _count_template(body: Body, number: int) -> None:
    annotations = body["metadata"].get("annotations") or {}
    body["metadata"]["annotations"] = {**annotations, TEMPLATE_GENERATION: str(number)}


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = not_negative(spec, "minReadySeconds", "revisionHistoryLimit")
    found += (
        selector_rules(spec, "DaemonSet")
        + template_rules(spec, "DaemonSet")
        + _strategy(spec.get("updateStrategy") or {})
    )
    if old is not None and spec.get("selector") != old["spec"].get("selector"):
        found.append(causes.immutable("spec.selector", spec.get("selector")))
    return found


def _strategy(strategy: Body) -> list[Cause]:
    kind = strategy.get("type")
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        return [causes.not_supported("spec.updateStrategy.type", kind, ["RollingUpdate", "OnDelete"])]
    rolling, place = strategy.get("rollingUpdate") or {}, "spec.updateStrategy.rollingUpdate"
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    found = amount_rules(f"{place}.maxUnavailable", unavailable) + amount_rules(f"{place}.maxSurge", surge)
    if found:
        return found
    if is_zero(unavailable) and is_zero(surge):
        return [causes.required(f"{place}.maxUnavailable", "cannot be 0 when maxSurge is 0")]
    if not is_zero(unavailable) and not is_zero(surge):
        return [causes.invalid(f"{place}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")]
    return []


_validate_status = counts(
    *("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration"),
    *("updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount"),
    growing=("collisionCount",),
)

HOOKS = Hooks(
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_subresource={"status": _validate_status},
)
