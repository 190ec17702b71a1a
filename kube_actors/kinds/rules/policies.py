"""What an admission policy and its binding may not say. Expressions are kept as they are sent: nobody reads them."""

from __future__ import annotations

import re
from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.request_matching import choice_rules
from kube_actors.kinds.rules.selectors import label_selector_rules

REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge")
NOT_FOUND_ACTIONS: Final = ("Deny", "Allow")
LONGEST_VALUE_EXPRESSION: Final = 5 * 1024
"""Bytes of what makes the value of an audit annotation."""
MOST_ANNOTATIONS: Final = 20
_IDENTIFIER: Final = re.compile("[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED: Final = re.compile(
    "as|break|const|continue|else|false|for|function|if|import|in|let|loop|namespace|null|package|return|true|var|void"
    "|while"
)
# The patch types, and the field of a mutation that each has its expression in.
_PATCHES: Final = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}


def param_kind_rules(kind: Body, field: str) -> list[Cause]:
    """The kind of the objects that a policy takes its parameters from."""
    return _api_version(kind.get("apiVersion") or "", f"{field}.apiVersion") + _kind(
        kind.get("kind") or "", f"{field}.kind"
    )


def param_ref_rules(reference: Body, field: str) -> list[Cause]:
    """The parameters of a binding: one object by its name, or all that a selector finds."""
    name, selector, action = (reference.get(each) for each in ("name", "selector", "parameterNotFoundAction"))
    found, alone = [], "name and selector are mutually exclusive"
    if name:
        found += [causes.invalid(f"{field}.name", name, why) for why in names.path_segment(name)]
        if selector is not None:
            found.append(causes.forbidden(f"{field}.name", alone))
    if selector is not None:
        found += label_selector_rules(selector, f"{field}.selector")
        if name:
            found.append(causes.forbidden(f"{field}.selector", alone))
    if not name and selector is None:
        found.append(causes.required(field, "one of name or selector must be specified"))
    place = f"{field}.parameterNotFoundAction"
    return found + (choice_rules(action, NOT_FOUND_ACTIONS, place) if action else [causes.required(place)])


def variable_rules(variable: Body, field: str) -> list[Cause]:
    """An expression with a name, for the expressions after it."""
    name, found = variable.get("name") or "", []
    if not name.strip():
        found.append(causes.required(f"{field}.name", "name is not specified"))
    elif not _IDENTIFIER.fullmatch(name) or _RESERVED.fullmatch(name):
        found.append(causes.invalid(f"{field}.name", name, "must be a valid CEL identifier"))
    return found + _expression(variable, field, "expression", "expression is not specified")


def validation_rules(validation: Body, field: str) -> list[Cause]:
    """What must be true of a request, and what is said when it is not."""
    found = _expression(validation, field, "expression", "expression is not specified")
    for name in ("messageExpression", "message"):
        said = validation.get(name) or ""
        if said and not said.strip():
            found.append(causes.invalid(f"{field}.{name}", said, "must be non-empty if specified"))
    message = validation.get("message") or ""
    if re.search("[\n\r]", message.strip()):
        found.append(causes.invalid(f"{field}.message", message, "must not contain line breaks"))
    return found + choice_rules(validation.get("reason"), REASONS, f"{field}.reason")


def annotations_rules(annotations: list[Body], policy: str, field: str) -> list[Cause]:
    """What a policy adds to the audit log; `policy` is its name, the prefix of every key."""
    found, taken = [], set()
    if len(annotations) > MOST_ANNOTATIONS:
        why = f"must not have more than {MOST_ANNOTATIONS} auditAnnotations"
        found.append(causes.invalid(field, annotations, why))
    for index, annotation in enumerate(annotations):
        place, key = f"{field}[{index}]", annotation.get("key") or ""
        full = f"{policy}/{key}"
        found += [causes.invalid(f"{place}.key", full, why) for why in names.qualified_name(full)]
        found += _expression(annotation, place, "valueExpression", "valueExpression is not specified")
        if len((annotation.get("valueExpression") or "").strip().encode()) > LONGEST_VALUE_EXPRESSION:
            why = f"must not exceed {LONGEST_VALUE_EXPRESSION} bytes in length"
            found.append(causes.required(f"{place}.valueExpression", why))
        if key in taken:
            found.append(causes.duplicate(f"{place}.key", key))
        taken.add(key)
    return found


def mutation_rules(mutation: Body, field: str) -> list[Cause]:
    """A change of the request: of one type, with the expression of that type alone."""
    patch_type = mutation.get("patchType") or ""
    if not patch_type:
        return [causes.required(f"{field}.patchType")]
    if patch_type not in _PATCHES:
        return [causes.not_supported(f"{field}.patchType", patch_type, _PATCHES)]
    found, own = [], _PATCHES[patch_type]
    if mutation.get(own) is None:
        found.append(causes.required(f"{field}.{own}", f"must be specified when patchType is {patch_type}"))
    else:
        found += _expression(mutation[own], f"{field}.{own}", "expression", "")
    for other in _PATCHES.values():
        if other != own and mutation.get(other) is not None:
            why = f"must not be specified when patchType is {patch_type}"
            found.append(causes.invalid(f"{field}.{other}", f"{{{other}}}", why))
    return found


def _api_version(api_version: str, field: str) -> list[Cause]:
    if not api_version:
        return [causes.required(field)]
    if api_version.count("/") > 1:
        return [causes.invalid(field, api_version, f"unexpected GroupVersion string: {api_version}")]
    group, _, version = api_version.rpartition("/")
    found = []
    if group and (wrong := names.dns1123_subdomain(group)):
        found.append(causes.invalid(field, group, ",".join(wrong)))
    if not version:
        found.append(causes.invalid(field, api_version, "version must be specified"))
    elif wrong := names.dns1035_label(version):
        found.append(causes.invalid(field, version, ",".join(wrong)))
    return found


def _kind(kind: str, field: str) -> list[Cause]:
    if not kind:
        return [causes.required(field)]
    wrong = names.dns1035_label(kind.lower())
    why = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
    return [causes.invalid(field, kind, why)] if wrong else []


def _expression(body: Body, field: str, name: str, why: str) -> list[Cause]:
    return [] if (body.get(name) or "").strip() else [causes.required(f"{field}.{name}", why)]
