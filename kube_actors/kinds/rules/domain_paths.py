"""Names of the form `example.com/path`: who is responsible, and for what."""

from __future__ import annotations

import re
from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes

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
