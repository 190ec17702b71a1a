"""What an access review must say, in Kubernetes' words. Pure."""

from __future__ import annotations

from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

FIELD_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


def check_metadata(body: Body) -> list[Cause]:
    """Reviews are not kept, so they have no name; a local one has its namespace."""
    local = body["kind"] == "LocalSubjectAccessReview"
    allowed = {"managedFields", "creationTimestamp", *(("namespace",) if local else ())}
    metadata = {name: value for name, value in body["metadata"].items() if value not in (None, "", {}, [])}
    if metadata.keys() <= allowed:
        return []
    why = "must be empty except for namespace" if local else "must be empty"
    return [causes.invalid("metadata", metadata, why)]


def check_about_somebody(spec: Body) -> list[Cause]:
    """A wish, and somebody who has it."""
    found = check_wish(spec)
    if not spec.get("user") and not spec.get("groups"):
        found.append(causes.invalid("spec.user", "", "at least one of user or group must be specified"))
    return found


def check_subject(spec: Body, namespace: str) -> list[Cause]:
    """A local review is about resources of its own namespace."""
    found = []
    wish = spec.get("resourceAttributes")
    if wish is not None and wish.get("namespace", "") != namespace:
        field = "spec.resourceAttributes.namespace"
        found.append(causes.invalid(field, wish.get("namespace", ""), "must match metadata.namespace"))
    if spec.get("nonResourceAttributes") is not None:
        why = "disallowed on this kind of request"
        found.append(causes.invalid("spec.nonResourceAttributes", spec["nonResourceAttributes"], why))
    return found


def check_wish(spec: Body) -> list[Cause]:
    """Either a resource or a path."""
    wish, plain = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if wish is not None and plain is not None:
        why = "cannot be specified in combination with resourceAttributes"
        return [causes.invalid("spec.nonResourceAttributes", plain, why)]
    if wish is None and plain is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [causes.invalid("spec.resourceAttributes", None, why)]
    return _check_selectors(wish) if wish is not None else []


def _check_selectors(wish: Body) -> list[Cause]:
    found: list[Cause] = []
    for name in ("fieldSelector", "labelSelector"):
        selector = wish.get(name)
        if selector is None:
            continue
        field = f"spec.resourceAttributes.{name}"
        raw, requirements = selector.get("rawSelector", ""), selector.get("requirements") or []
        if raw and requirements:
            why = "may not specified at the same time as requirements"
            found.append(causes.invalid(f"{field}.rawSelector", raw, why))
        elif not raw and not requirements:
            found.append(
                causes.required(
                    f"{field}.requirements", f"when {field} is specified, requirements or rawSelector is required"
                )
            )
        for index, requirement in enumerate(requirements):
            found += _check_requirement(requirement, f"{field}.requirements[{index}]")
    return found


def _check_requirement(requirement: Body, field: str) -> list[Cause]:
    found: list[Cause] = []
    operator: Any = requirement.get("operator", "")
    values = requirement.get("values") or []
    if not requirement.get("key"):
        found.append(causes.required(f"{field}.key", "must be specified"))
    if operator in ("In", "NotIn"):
        if not values:
            found.append(causes.required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(causes.forbidden(f"{field}.values", why))
    else:
        found.append(causes.not_supported(f"{field}.operator", operator, FIELD_OPERATORS))
    return found
