"""Names of signers: a domain, and what it signs there (`example.com/signer-name`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes

LONGEST_DOMAIN: Final = 253


def signer_rules(signer: str, field: str) -> list[Cause]:
    """What is wrong with the name of a signer."""
    if not signer:
        return [causes.required(field)]
    domain, separator, path = signer.partition("/")
    if not separator or "/" in path:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [causes.invalid(field, signer, why)]
    found = [causes.too_long(field, LONGEST_DOMAIN)] if len(domain) > LONGEST_DOMAIN else []
    found += _labels(field, domain, names.dns1123_label)
    if "." not in domain:
        why = "should be a domain with at least two segments separated by dots"
        found.append(causes.invalid(field, domain, why))
    return found + _labels(field, path, names.dns1123_subdomain)


def _labels(field: str, text: str, grammar: Callable[[str], list[str]]) -> list[Cause]:
    """What is wrong with the first label that is not one."""
    for label in text.split("."):
        found = [causes.invalid(field, text, f'validating label "{label}": {why}') for why in grammar(label)]
        if found:
            return found
    return []
