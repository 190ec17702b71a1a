"""Names with a domain: who is responsible, and for what (`example.com/path`); objects of somebody's own kind."""

from __future__ import annotations

import re
from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

_PATH: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def domain_path_rules(value: str, field: str) -> list[Cause]:
    """What is wrong with a path that begins with a domain."""
    if not value:
        return [causes.required(field)]
    host, _, path = value.partition("/")
    if not host or not path:
        return [causes.invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    found = [causes.invalid(field, host, why) for why in names.dns1123_subdomain(host)]
    if not re.fullmatch(_PATH, path):
        found.append(causes.invalid(field, path, f"Invalid path (regex used for validation is '{_PATH}')"))
    return found


def typed_reference_rules(reference: Body, field: str) -> list[Cause]:
    """An object by group, kind and name; the core group goes without saying."""
    group, found = reference.get("apiGroup"), []
    if group is not None:
        found += [causes.invalid(f"{field}.apiGroup", group, why) for why in names.dns1123_subdomain(group)]
    for name in ("kind", "name"):
        value, place = reference.get(name) or "", f"{field}.{name}"
        found += [causes.invalid(place, value, why) for why in names.path_segment(value)]
        found += [] if value else [causes.required(place)]
    return found
