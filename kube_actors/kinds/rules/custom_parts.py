"""Parts of CustomResourceDefinitions beside the schemas: names, subresources, columns, conversion."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.webhooks import VERSIONS, client_rules

COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
STRATEGIES: Final = ("None", "Webhook")
LONGEST_WARNING: Final = 256
MOST_SELECTABLE: Final = 8
_SELECTABLE: Final = (
    "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
)
_MIXED: Final = "may have mixed case, but should otherwise match: "
_ELSEWHERE: Final = "should not be set when strategy is not set to Webhook"


def joined(wrong: list[str]) -> str:
    """Several reasons as one."""
    return ",".join(wrong)


def names_rules(called: Body, field: str) -> list[Cause]:
    """What a kind is called; names that nobody gave are judged elsewhere."""
    found = []
    for name in ("plural", "singular", "kind", "listKind"):
        value = called.get(name) or ""
        mixed = name in ("kind", "listKind")
        wrong = names.dns1035_label(value.lower() if mixed else value) if value else []
        if wrong:
            found.append(causes.invalid(f"{field}.{name}", value, f"{_MIXED if mixed else ''}{joined(wrong)}"))
    found += _labels(called.get("shortNames") or [], f"{field}.shortNames")
    if called.get("kind") and called["kind"] == called.get("listKind"):
        why = "kind and listKind may not be the same"
        found.append(causes.invalid(f"{field}.listKind", called["listKind"], why))
    return found + _labels(called.get("categories") or [], f"{field}.categories")


def _labels(values: list[str], field: str) -> list[Cause]:
    judged = ((at, each, names.dns1035_label(each)) for at, each in enumerate(values))
    return [causes.invalid(f"{field}[{at}]", each, joined(wrong)) for at, each, wrong in judged if wrong]


def deprecation_rules(version: Body, field: str) -> list[Cause]:
    """What clients of a version are warned of."""
    warning, place = version.get("deprecationWarning"), f"{field}.deprecationWarning"
    if warning is None:
        return []
    if not version.get("deprecated"):
        return [causes.invalid(place, warning, "can only be set for deprecated versions")]
    wrong = [] if warning else ["must not be an empty string"]
    if len(warning.encode()) > LONGEST_WARNING:
        wrong.append(f"must be <= {LONGEST_WARNING} characters long")
    at = next((index for index, each in enumerate(warning) if not each.isprintable()), None)
    if at is not None:
        wrong.append(f"must only contain printable UTF-8 characters; non-printable character found at index {at}")
    return [causes.invalid(place, warning, why) for why in wrong]


def subresources_rules(subresources: Body, field: str) -> list[Cause]:
    """Where the replicas of such an object are."""
    scale = subresources.get("scale")
    if scale is None:
        return []
    found = []
    for name, root in (("specReplicasPath", "spec"), ("statusReplicasPath", "status"), ("labelSelectorPath", "status")):
        path, place = scale.get(name) or "", f"{field}.scale.{name}"
        if path:
            found += _path(path, place, root)
        elif name != "labelSelectorPath":
            found.append(causes.required(place))
    return found


def columns_rules(columns: list[Body], field: str) -> list[Cause]:
    """Columns that are printed for such objects."""
    found = []
    for index, column in enumerate(columns):
        place = f"{field}[{index}]"
        kind, form, path = (column.get(name) or "" for name in ("type", "format", "jsonPath"))
        if not column.get("name"):
            found.append(causes.required(f"{place}.name"))
        why = f"must be one of {','.join(COLUMN_TYPES)}"
        if not kind:
            found.append(causes.required(f"{place}.type", why))
        elif kind not in COLUMN_TYPES:
            found.append(causes.invalid(f"{place}.type", kind, why))
        if form and form not in COLUMN_FORMATS:
            found.append(causes.invalid(f"{place}.format", form, f"must be one of {','.join(COLUMN_FORMATS)}"))
        found += _path(path, f"{place}.JSONPath") if path else [causes.required(f"{place}.JSONPath")]
    return found


def selectable_rules(fields: list[Body], schema: Body | None, field: str) -> list[Cause]:
    """Fields that such objects may be selected by: plain values, outside the metadata and outside lists."""
    if len(fields) > MOST_SELECTABLE:
        return [causes.too_many(field, len(fields), MOST_SELECTABLE)]
    found, taken = [], set()
    for index, each in enumerate(fields):
        place, path = f"{field}[{index}].jsonPath", each.get("jsonPath") or ""
        node = _node(schema or {}, path)
        if not path:
            found.append(causes.required(place))
        elif node is None:
            found.append(causes.invalid(place, path, "is an invalid path: does not refer to a valid field"))
        elif path.startswith(".metadata"):
            found.append(causes.invalid(place, path, "must not point to fields in metadata"))
        elif node.get("type") not in ("string", "boolean", "integer"):
            found.append(causes.invalid(place, path, _SELECTABLE))
        elif path in taken:
            found.append(causes.duplicate(place, path))
        taken.add(path)
    return found


def _node(schema: Body, path: str) -> Body | None:
    """The schema of the field at a path; None where there is none."""
    node: Body | None = schema
    for name in path.removeprefix(".").split("."):
        node = (node or {}).get("properties", {}).get(name)
    return node


def _path(path: str, field: str, root: str = "") -> list[Cause]:
    """A path with dots, below `root` where one is given."""
    if not path.startswith("."):
        return [causes.invalid(field, path, "must be a simple json path starting with .")]
    if root and not path.startswith(f".{root}."):
        return [causes.invalid(field, path, f"should be a json path under .{root}")]
    return []


def conversion_rules(conversion: Body | None, field: str) -> list[Cause]:
    """How objects get from one version to another: not at all, or by somebody's webhook."""
    if conversion is None:
        return []
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook") or {}
    found = [] if strategy else [causes.required(f"{field}.strategy")]
    if strategy and strategy not in STRATEGIES:
        found.append(causes.not_supported(f"{field}.strategy", strategy, STRATEGIES))
    client, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    place = f"{field}.webhookClientConfig"
    if strategy != "Webhook":
        found += [] if client is None else [causes.forbidden(place, _ELSEWHERE)]
        return [*found, causes.forbidden(f"{field}.conversionReviewVersions", _ELSEWHERE)] if versions else found
    if client is None:
        found.append(causes.required(place, "required when strategy is set to Webhook"))
    else:
        found += client_rules(client, place)
    return found + _review_versions(versions, f"{field}.conversionReviewVersions")


def _review_versions(versions: list[str], field: str) -> list[Cause]:
    if not versions:
        return [causes.required(field)]
    found = []
    for at, each in enumerate(versions):
        if each in versions[:at]:
            found.append(causes.invalid(f"{field}[{at}]", each, "duplicate version"))
            continue
        found += [causes.invalid(f"{field}[{at}]", each, why) for why in names.dns1035_label(each)]
    if not set(versions) & set(VERSIONS):
        found.append(causes.invalid(field, versions, f"must include at least one of {', '.join(VERSIONS)}"))
    return found
