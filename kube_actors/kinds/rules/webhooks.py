"""What a webhook may not be: its name, where it is, what it is called for, and how long it may take."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.selectors import label_selector_rules

VERSIONS: Final = ("v1", "v1beta1")
EFFECTS: Final = ("None", "NoneOnDryRun")
LONGEST_SECONDS: Final = 30


def webhook_rules(webhook: Body, field: str) -> list[Cause]:
    """One webhook of a configuration."""
    found = _name(webhook.get("name", ""), f"{field}.name")
    found += _client(webhook.get("clientConfig") or {}, f"{field}.clientConfig")
    for index, rule in enumerate(webhook.get("rules") or ()):
        found += _rule(rule, f"{field}.rules[{index}]")
    effects, seconds = webhook.get("sideEffects"), webhook.get("timeoutSeconds")
    if effects is None:
        found.append(causes.required(f"{field}.sideEffects", f"must specify one of {', '.join(EFFECTS)}"))
    elif effects not in EFFECTS:
        found.append(causes.not_supported(f"{field}.sideEffects", effects, EFFECTS))
    if seconds is not None and not 1 <= seconds <= LONGEST_SECONDS:
        why = f"the timeout value must be between 1 and {LONGEST_SECONDS} seconds"
        found.append(causes.invalid(f"{field}.timeoutSeconds", seconds, why))
    for name in ("namespaceSelector", "objectSelector"):
        found += label_selector_rules(webhook.get(name) or {}, f"{field}.{name}")
    return found + _review_versions(webhook.get("admissionReviewVersions") or [], f"{field}.admissionReviewVersions")


def _name(name: str, field: str) -> list[Cause]:
    if not name:
        return [causes.required(field)]
    found = [causes.invalid(field, name, why) for why in names.dns1123_subdomain(name)]
    if len(name.split(".")) < 3:
        why = "should be a domain with at least three segments separated by dots"
        found.append(causes.invalid(field, name, why))
    return found


def _client(client: Body, field: str) -> list[Cause]:
    url, service = client.get("url"), client.get("service")
    if url is not None and service is None:
        return _url(url, f"{field}.url")
    if url is not None or service is None:
        return [causes.required(field, "exactly one of url or service is required")]
    found = [causes.required(f"{field}.service.{name}") for name in ("namespace", "name") if not service.get(name)]
    port, path = service.get("port"), service.get("path")
    if port is not None and not 1 <= port <= 65535:
        why = "port is not valid: must be between 1 and 65535, inclusive"
        found.append(causes.invalid(f"{field}.service.port", port, why))
    if path is not None and not path.startswith("/"):
        found.append(causes.invalid(f"{field}.service.path", path, "must start with a '/'"))
    return found


def _url(url: str, field: str) -> list[Cause]:
    form = "; desired format: https://host[/path]"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return [causes.required(field, f"url must be a valid URL: {error}{form}")]
    found = []
    if parts.scheme != "https":
        found.append(causes.invalid(field, parts.scheme, f"'https' is the only allowed URL scheme{form}"))
    if not parts.netloc:
        found.append(causes.invalid(field, parts.netloc, f"host must be specified{form}"))
    extra = (("user information", parts.username), ("fragments", parts.fragment), ("query parameters", parts.query))
    for part, value in extra:
        if value:
            found.append(causes.invalid(field, value, f"{part} are not permitted in the URL"))
    return found


def _rule(rule: Body, field: str) -> list[Cause]:
    """Groups, versions, resources and operations: each some, or all by `*` alone."""
    found = []
    for name, called in (("apiGroups", "API groups"), ("apiVersions", "API versions"), ("operations", "operations")):
        values = rule.get(name) or []
        if not values:
            found.append(causes.required(f"{field}.{name}"))
        elif "*" in values and len(values) > 1:
            why = f"if '*' is present, must not specify other {called}"
            found.append(causes.invalid(f"{field}.{name}", values, why))
    return found if rule.get("resources") else [*found, causes.required(f"{field}.resources")]


def _review_versions(versions: list[str], field: str) -> list[Cause]:
    if not versions:
        return [causes.required(field, f"must specify one of {', '.join(VERSIONS)}")]
    found = []
    for at, each in enumerate(versions):
        if each in versions[:at]:
            found.append(causes.invalid(f"{field}[{at}]", each, "duplicate version"))
        found += [causes.invalid(f"{field}[{at}]", each, why) for why in names.dns1035_label(each)]
    if not set(versions) & set(VERSIONS):
        why = f"must include at least one of {', '.join(VERSIONS)}"
        found.append(causes.invalid(field, versions, why))
    return found
