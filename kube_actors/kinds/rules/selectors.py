"""What label selectors may say."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body


def label_selector_rules(selector: Body, field: str) -> list[Cause]:
    """What is wrong with a `LabelSelector`."""
    found = label_map_rules(selector.get("matchLabels") or {}, f"{field}.matchLabels")
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        place = f"{field}.matchExpressions[{index}]"
        key, operator, values = (requirement.get(name) for name in ("key", "operator", "values"))
        key, operator, values = key or "", operator or "", values or []
        found += [causes.invalid(f"{place}.key", key, why) for why in names.qualified_name(key)]
        if operator in ("In", "NotIn"):
            if not values:
                found.append(causes.required(f"{place}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
            for at, value in enumerate(values):
                found += [causes.invalid(f"{place}.values[{at}]", value, why) for why in names.label_value(value)]
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                found.append(causes.forbidden(f"{place}.values", why))
        else:
            found.append(causes.invalid(f"{place}.operator", operator, "not a valid selector operator"))
    return found


def label_map_rules(labels: dict[str, str], field: str) -> list[Cause]:
    """What is wrong with labels, on an object or in a plain selector."""
    found = []
    for key, value in labels.items():
        found += [causes.invalid(field, key, why) for why in names.qualified_name(key)]
        found += [causes.invalid(field, value, why) for why in names.label_value(value)]
    return found


def template_metadata_rules(template: Body, field: str) -> list[Cause]:
    """Labels and annotations that whatever is made by a template will have."""
    metadata = template.get("metadata") or {}
    found = [
        causes.invalid(f"{field}.annotations", key, why)
        for key in metadata.get("annotations") or ()
        for why in names.qualified_name(key.lower())
    ]
    return found + label_map_rules(metadata.get("labels") or {}, f"{field}.labels")
