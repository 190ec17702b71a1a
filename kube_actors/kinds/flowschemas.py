"""FlowSchemas: which requests go to which priority level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes, mandatory_flow_control
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.conditions import typed_conditions_rules

HIGHEST_PRECEDENCE: Final = 10_000
VERBS: Final = ("get", "list", "create", "update", "delete", "deletecollection", "patch", "watch", "proxy")
DISTINGUISHERS: Final = ("ByNamespace", "ByUser")
# Kind of a subject -> the field that describes it.
SUBJECTS: Final[Mapping[str, str]] = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}


def _default(body: Body) -> None:
    spec = body.setdefault("spec", {})
    if isinstance(spec, dict) and not spec.get("matchingPrecedence"):
        spec["matchingPrecedence"] = 1000


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec: Body = new.get("spec") or {}
    found = _check_precedence(spec.get("matchingPrecedence", 0), new["metadata"].get("name", ""))
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in DISTINGUISHERS:
        found.append(causes.not_supported("spec.distinguisherMethod.type", method.get("type", ""), DISTINGUISHERS))
    found += _check_level((spec.get("priorityLevelConfiguration") or {}).get("name", ""))
    for index, rule in enumerate(spec.get("rules") or ()):
        found += _check_rule(rule, f"spec.rules[{index}]")
    return [*found, *mandatory_flow_control.check_schema(new["metadata"].get("name", ""), spec)]


def _check_precedence(precedence: int, name: str) -> list[Cause]:
    field = "spec.matchingPrecedence"
    if precedence <= 0:
        return [causes.invalid(field, precedence, "must be a positive value")]
    if precedence > HIGHEST_PRECEDENCE:
        return [causes.invalid(field, precedence, f"must not be greater than {HIGHEST_PRECEDENCE}")]
    if precedence == 1 and name != "exempt":
        return [causes.invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")]
    return []


def _check_level(name: str) -> list[Cause]:
    field = "spec.priorityLevelConfiguration.name"
    if not name:
        return [causes.required(field, "must reference a priority level")]
    return [causes.invalid(field, name, why) for why in names.dns1123_subdomain(name)]


def _check_rule(rule: Body, field: str) -> list[Cause]:
    found: list[Cause] = []
    if not rule.get("subjects"):
        found.append(causes.required(f"{field}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(rule.get("subjects") or ()):
        found += _check_subject(subject, f"{field}.subjects[{index}]")
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        why = "at least one of resourceRules and nonResourceRules has to be non-empty"
        found.append(causes.required(field, why))
    for index, resource in enumerate(rule.get("resourceRules") or ()):
        found += _check_resources(resource, f"{field}.resourceRules[{index}]")
    for index, plain in enumerate(rule.get("nonResourceRules") or ()):
        found += _check_paths(plain, f"{field}.nonResourceRules[{index}]")
    return found


def _check_subject(subject: Body, field: str) -> list[Cause]:
    kind = subject.get("kind", "")
    if kind not in SUBJECTS:
        return [causes.not_supported(f"{field}.kind", kind, SUBJECTS)]
    own = SUBJECTS[kind]
    found = [
        causes.forbidden(f"{field}.{other}", f"{other} is forbidden when subject kind is not '{name}'")
        for name, other in SUBJECTS.items()
        if name != kind and subject.get(other) is not None
    ]
    described = subject.get(own)
    if described is None:
        return [*found, causes.required(f"{field}.{own}", f"{own} is required when subject kind is '{kind}'")]
    if kind == "ServiceAccount":
        return [*found, *_check_account(described, f"{field}.{own}")]
    return found if described.get("name") else [*found, causes.required(f"{field}.{own}.name")]


def _check_account(account: Body, field: str) -> list[Cause]:
    name, namespace = account.get("name", ""), account.get("namespace", "")
    if not name:
        found = [causes.required(f"{field}.name")]
    else:
        reasons = names.dns1123_subdomain(name) if name != "*" else []
        found = [causes.invalid(f"{field}.name", name, why) for why in reasons]
    if not namespace:
        return [*found, causes.required(f"{field}.namespace", "must specify namespace for service account")]
    return [*found, *(causes.invalid(f"{field}.namespace", namespace, why) for why in names.dns1123_label(namespace))]


def _check_resources(rule: Body, field: str) -> list[Cause]:
    found = _check_verbs(rule, field)
    found += _words(rule, field, "apiGroups", "resource rules must supply at least one api group", "api groups")
    found += _words(rule, field, "resources", "resource rules must supply at least one resource", "resources")
    namespaces = rule.get("namespaces") or []
    if not namespaces and not rule.get("clusterScope"):
        why = "resource rules that are not cluster scoped must supply at least one namespace"
        found.append(causes.required(f"{field}.namespaces", why))
    if "*" not in namespaces:
        return [*found, *_check_namespaces(namespaces, f"{field}.namespaces")]
    if len(namespaces) > 1:
        why = "if '*' is present, must not specify other namespaces"
        found.append(causes.invalid(f"{field}.namespaces", namespaces, why))
    return found


def _check_namespaces(namespaces: list[str], field: str) -> list[Cause]:
    rule = "each member of this list must be '*' or a DNS-1123 label; "
    return [
        causes.invalid(f"{field}[{index}]", name, rule + why)
        for index, name in enumerate(namespaces)
        for why in names.dns1123_label(name)
    ]


def _check_verbs(rule: Body, field: str) -> list[Cause]:
    found = _words(rule, field, "verbs", "verbs must contain at least one value", "verbs")
    verbs = rule.get("verbs") or []
    if found or "*" in verbs or set(verbs) <= set(VERBS):
        return found
    return [causes.not_supported(f"{field}.verbs", verbs, sorted(VERBS))]


def _check_paths(rule: Body, field: str) -> list[Cause]:
    found = _check_verbs(rule, field)
    why = "nonResourceURLs must contain at least one value"
    found += _words(rule, field, "nonResourceURLs", why, "non-resource URLs")
    paths = rule.get("nonResourceURLs") or []
    if "*" in paths:
        return found
    wrong = ((index, path, _wrong_with(path)) for index, path in enumerate(paths))
    return [
        *found,
        *(causes.invalid(f"{field}.nonResourceURLs[{index}]", path, why) for index, path, why in wrong if why),
    ]


def _wrong_with(path: str) -> str:
    """What a path of the server may not be; a star stands for whatever follows a slash at the end."""
    if not path:
        return "must not be empty"
    if not path.startswith("/"):
        return "must start with slash"
    if " " in path:
        return "must not contain white-space"
    if "//" in path:
        return "must not contain double slash"
    if "*" in path.removesuffix("/*"):
        return "wildcard can only do suffix matching"
    return ""


def _words(rule: Mapping[str, Any], field: str, name: str, missing: str, plural: str) -> list[Cause]:
    words = rule.get(name) or []
    if not words:
        return [causes.required(f"{field}.{name}", missing)]
    if "*" in words and len(words) > 1:
        return [causes.invalid(f"{field}.{name}", words, f"if '*' is present, must not specify other {plural}")]
    return []


HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": typed_conditions_rules},
    status_metadata=(),
)
