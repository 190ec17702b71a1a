"""What a webhook may not be: its name, where it is, what it is called for, and how long it may take."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.request_matching import MATCH_POLICIES, choice_rules, condition_rules, rule_rules
from kube_actors.kinds.rules.selectors import label_selector_rules
from kube_actors.records import frozen

VERSIONS: Final = ("v1", "v1beta1")
FAILURE_POLICIES: Final = ("Fail", "Ignore")
REINVOCATIONS: Final = ("IfNeeded", "Never")
EFFECTS: Final = ("None", "NoneOnDryRun")
LONGEST_SECONDS: Final = 30


@frozen
class Demands:
    """What is asked for of webhooks, unless those that were stored before did without it."""

    no_effects: bool = True
    known_version: bool = True
    unique_names: bool = True
    sound_conditions: bool = True


def demands_after(old: list[Body] | None, new: list[Body]) -> Demands:
    """What a configuration has to fulfil, given its webhooks before; None: it is new."""
    if old is None:
        return Demands()
    called = [webhook.get("name") for webhook in old]
    conditions = [[webhook.get("matchConditions") for webhook in webhooks] for webhooks in (old, new)]
    return Demands(
        no_effects=all(webhook.get("sideEffects") in EFFECTS for webhook in old),
        known_version=all(set(webhook.get("admissionReviewVersions") or VERSIONS) & set(VERSIONS) for webhook in old),
        unique_names=len(set(called)) == len(called),
        sound_conditions=conditions[0] != conditions[1],
    )


def webhook_rules(webhook: Body, field: str, demands: Demands) -> list[Cause]:
    """One webhook of a configuration."""
    found = _name(webhook.get("name") or "", f"{field}.name")
    for index, rule in enumerate(webhook.get("rules") or ()):
        found += rule_rules(rule, f"{field}.rules[{index}]")
    found += choice_rules(webhook.get("failurePolicy"), FAILURE_POLICIES, f"{field}.failurePolicy")
    found += choice_rules(webhook.get("matchPolicy"), MATCH_POLICIES, f"{field}.matchPolicy")
    found += _effects(webhook.get("sideEffects"), f"{field}.sideEffects", demands)
    seconds = webhook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= LONGEST_SECONDS:
        why = f"the timeout value must be between 1 and {LONGEST_SECONDS} seconds"
        found.append(causes.invalid(f"{field}.timeoutSeconds", seconds, why))
    for name in ("namespaceSelector", "objectSelector"):
        found += label_selector_rules(webhook.get(name) or {}, f"{field}.{name}")
    found += choice_rules(webhook.get("reinvocationPolicy"), REINVOCATIONS, f"{field}.reinvocationPolicy")
    found += client_rules(webhook.get("clientConfig") or {}, f"{field}.clientConfig")
    if demands.sound_conditions:
        found += condition_rules(webhook.get("matchConditions") or [], f"{field}.matchConditions")
    versions = webhook.get("admissionReviewVersions") or []
    return found + _review_versions(versions, f"{field}.admissionReviewVersions", demands)


def _effects(effects: str | None, field: str, demands: Demands) -> list[Cause]:
    allowed = EFFECTS if demands.no_effects else (*EFFECTS, "Some", "Unknown")
    if effects is None:
        return [causes.required(field, f"must specify one of {', '.join(allowed)}")]
    return choice_rules(effects, allowed, field)


def _name(name: str, field: str) -> list[Cause]:
    if not name:
        return [causes.required(field)]
    found = [causes.invalid(field, name, why) for why in names.dns1123_subdomain(name)]
    if len(name.split(".")) < 3:
        why = "should be a domain with at least three segments separated by dots"
        found.append(causes.invalid(field, name, why))
    return found


def client_rules(client: Body, field: str) -> list[Cause]:
    """Where a webhook is: at a URL, or behind a Service."""
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


def _review_versions(versions: list[str], field: str, demands: Demands) -> list[Cause]:
    if not versions:
        return [causes.required(field, f"must specify one of {', '.join(VERSIONS)}")]
    found = []
    for at, each in enumerate(versions):
        if each in versions[:at]:
            found.append(causes.invalid(f"{field}[{at}]", each, "duplicate version"))
            continue
        found += [causes.invalid(f"{field}[{at}]", each, why) for why in names.dns1035_label(each)]
    if demands.known_version and not set(versions) & set(VERSIONS):
        why = f"must include at least one of {', '.join(VERSIONS)}"
        found.append(causes.invalid(field, versions, why))
    return found
