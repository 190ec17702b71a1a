"""Where a pod wants to run: selectors, affinity, tolerations, spreading."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.selectors import label_map_rules, label_selector_rules

REQUIRED_TERMS = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED_TERMS = "preferredDuringSchedulingIgnoredDuringExecution"


def scheduling_rules(spec: Body, field: str) -> list[Cause]:
    """Everything that the scheduler will have to read."""
    found = label_map_rules(spec.get("nodeSelector") or {}, f"{field}.nodeSelector")
    affinity = spec.get("affinity") or {}
    found += _node_affinity(affinity.get("nodeAffinity") or {}, f"{field}.affinity.nodeAffinity")
    for name in ("podAffinity", "podAntiAffinity"):
        found += _pod_affinity(affinity.get(name) or {}, f"{field}.affinity.{name}")
    found += tolerations_rules(spec.get("tolerations") or (), f"{field}.tolerations")
    return found + _spread(spec.get("topologySpreadConstraints") or (), f"{field}.topologySpreadConstraints")


def tolerations_rules(tolerations: Any, field: str) -> list[Cause]:
    """Each toleration by itself."""
    found = []
    for index, toleration in enumerate(tolerations):
        place = f"{field}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator") or "Equal"
        value, effect = toleration.get("value", ""), toleration.get("effect", "")
        if key:
            found += [causes.invalid(f"{place}.key", key, why) for why in names.qualified_name(key)]
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            found.append(causes.invalid(f"{place}.operator", toleration.get("operator", ""), why))
        if operator == "Equal":
            found += [causes.invalid(f"{place}.operator", value, why) for why in names.label_value(value)]
        elif operator == "Exists" and value:
            found.append(
                causes.invalid(f"{place}.operator", toleration, "value must be empty when `operator` is 'Exists'")
            )
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            found.append(causes.invalid(f"{place}.effect", effect, why))
    return found


def node_selector_rules(selector: Body, field: str) -> list[Cause]:
    """Some terms, of which one has to fit."""
    terms, place = selector.get("nodeSelectorTerms") or [], f"{field}.nodeSelectorTerms"
    if not terms:
        return [causes.required(place, "must have at least one node selector term")]
    return [cause for index, term in enumerate(terms) for cause in node_term_rules(term, f"{place}[{index}]")]


def node_term_rules(term: Body, field: str) -> list[Cause]:
    """One node selector term."""
    found = []
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        found += _node_requirement(requirement, f"{field}.matchExpressions[{index}]")
    for index, requirement in enumerate(term.get("matchFields") or ()):
        found += _node_field(requirement, f"{field}.matchFields[{index}]")
    return found


def _node_field(requirement: Body, field: str) -> list[Cause]:
    """A node by its name, the one field there is."""
    key, operator, values = requirement.get("key", ""), requirement.get("operator", ""), requirement.get("values") or []
    found = []
    if operator not in ("In", "NotIn"):
        found.append(causes.invalid(f"{field}.operator", operator, "not a valid selector operator"))
    elif len(values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        found.append(causes.required(f"{field}.values", why))
    if key != "metadata.name":
        return [*found, causes.invalid(f"{field}.key", key, "not a valid field selector key")]
    for index, name in enumerate(values):
        found += [causes.invalid(f"{field}.values[{index}]", name, why) for why in names.dns1123_subdomain(name)]
    return found


def _node_requirement(requirement: Body, field: str) -> list[Cause]:
    key, operator = requirement.get("key", ""), requirement.get("operator", "")
    values = requirement.get("values") or []
    found = [causes.invalid(f"{field}.key", key, why) for why in names.qualified_name(key)]
    match operator:
        case "In" | "NotIn":
            if not values:
                found.append(causes.required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
        case "Exists" | "DoesNotExist":
            if values:
                why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                found.append(causes.forbidden(f"{field}.values", why))
        case "Gt" | "Lt":
            if len(values) != 1:
                why = "must be specified single value when `operator` is 'Lt' or 'Gt'"
                found.append(causes.required(f"{field}.values", why))
        case _:
            found.append(causes.invalid(f"{field}.operator", operator, "not a valid selector operator"))
    for index, value in enumerate(values):
        found += [causes.invalid(f"{field}.values[{index}]", value, why) for why in names.label_value(value)]
    return found


def _node_affinity(affinity: Body, field: str) -> list[Cause]:
    found = []
    required = affinity.get(REQUIRED_TERMS)
    if required is not None:
        terms, place = required.get("nodeSelectorTerms") or [], f"{field}.{REQUIRED_TERMS}.nodeSelectorTerms"
        if not terms:
            found.append(causes.required(place, "must have at least one node selector term"))
        for index, term in enumerate(terms):
            found += node_term_rules(term, f"{place}[{index}]")
    for index, preferred in enumerate(affinity.get(PREFERRED_TERMS) or ()):
        place = f"{field}.{PREFERRED_TERMS}[{index}]"
        found += _weight(preferred, place)
        found += node_term_rules(preferred.get("preference") or {}, f"{place}.preference")
    return found


def _pod_affinity(affinity: Body, field: str) -> list[Cause]:
    found = []
    for index, term in enumerate(affinity.get(REQUIRED_TERMS) or ()):
        found += _pod_term(term, f"{field}.{REQUIRED_TERMS}[{index}]")
    for index, preferred in enumerate(affinity.get(PREFERRED_TERMS) or ()):
        place = f"{field}.{PREFERRED_TERMS}[{index}]"
        found += _weight(preferred, place)
        found += _pod_term(preferred.get("podAffinityTerm") or {}, f"{place}.podAffinityTerm")
    return found


def _pod_term(term: Body, field: str) -> list[Cause]:
    topology = term.get("topologyKey", "")
    if not topology:
        found = [causes.required(f"{field}.topologyKey", "can not be empty")]
    else:
        found = [causes.invalid(f"{field}.topologyKey", topology, why) for why in names.qualified_name(topology)]
    for name in ("labelSelector", "namespaceSelector"):
        if term.get(name) is not None:
            found += label_selector_rules(term[name], f"{field}.{name}")
    for name in ("matchLabelKeys", "mismatchLabelKeys"):
        found += _label_keys(term, name, field)
    for index, key in enumerate(term.get("matchLabelKeys") or ()):
        if key in (term.get("mismatchLabelKeys") or ()):
            why = "exists in both matchLabelKeys and mismatchLabelKeys"
            found.append(causes.invalid(f"{field}.matchLabelKeys[{index}]", key, why))
    for index, namespace in enumerate(term.get("namespaces") or ()):
        place = f"{field}.namespaces[{index}]"
        found += [causes.invalid(place, namespace, why) for why in names.dns1123_label(namespace)]
    return found


def _weight(preferred: Body, field: str) -> list[Cause]:
    weight = preferred.get("weight", 0)
    if not 1 <= weight <= 100:
        return [causes.invalid(f"{field}.weight", weight, "must be in the range 1-100")]
    return []


def _spread(constraints: Any, field: str) -> list[Cause]:
    found = []
    taken = set()
    for index, constraint in enumerate(constraints):
        place = f"{field}[{index}]"
        skew, key, action = (
            constraint.get("maxSkew", 0),
            constraint.get("topologyKey"),
            constraint.get("whenUnsatisfiable"),
        )
        if skew <= 0:
            found.append(causes.invalid(f"{place}.maxSkew", skew, "must be greater than zero"))
        if (key, action) in taken:
            shown = "{" + f"{key}, {action}" + "}"
            found.append(causes.duplicate(f"{place}.{{topologyKey, whenUnsatisfiable}}", shown))
        taken.add((key, action))
        if not key:
            found.append(causes.required(f"{place}.topologyKey", "can not be empty"))
        else:
            found += [causes.invalid(f"{place}.topologyKey", key, why) for why in names.qualified_name(key)]
        if not action:
            found.append(causes.not_supported(f"{place}.whenUnsatisfiable", "", ("DoNotSchedule", "ScheduleAnyway")))
        minimum = constraint.get("minDomains")
        if minimum is not None and minimum <= 0:
            found.append(causes.invalid(f"{place}.minDomains", minimum, "must be greater than zero"))
        if minimum is not None and action != "DoNotSchedule":
            why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
            found.append(causes.invalid(f"{place}.minDomains", minimum, why))
        found += _label_keys(constraint, "matchLabelKeys", place)
        if constraint.get("labelSelector") is not None:
            found += label_selector_rules(constraint["labelSelector"], f"{place}.labelSelector")
    return found


def _label_keys(term: Body, name: str, field: str) -> list[Cause]:
    """Keys whose values are the pod's own: they go with a selector, which may say the same of them once at most."""
    keys, selector = term.get(name) or [], term.get("labelSelector")
    if selector is None:
        why = "must not be specified when labelSelector is not set"
        return [causes.forbidden(f"{field}.{name}", why)] if keys else []
    found = []
    for index, key in enumerate(keys):
        place = f"{field}.{name}[{index}]"
        found += [causes.invalid(place, key, why) for why in names.qualified_name(key)]
        asked = [each for each in selector.get("matchExpressions") or () if each.get("key") == key]
        if key in (selector.get("matchLabels") or {}) or len(asked) > 1:
            found.append(causes.invalid(place, key, f"exists in both {name} and labelSelector"))
    return found
