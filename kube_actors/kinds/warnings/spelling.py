"""Names and addresses that are valid and better written otherwise."""

from __future__ import annotations

import ipaddress

from kube_actors.api import names


def of_address(value: str, field: str) -> list[str]:
    """An IPv6 address in other than its shortest spelling: whoever compares texts takes it for another one."""
    shortest = _shortest(value)
    if shortest in (None, value):
        return []
    return [f'{field}: IPv6 address "{value}" should be in RFC 5952 canonical format ("{shortest}")']


def of_range(value: str, field: str) -> list[str]:
    """As with addresses."""
    address, slash, length = value.partition("/")
    shortest = _shortest(address)
    if shortest in (None, address):
        return []
    return [f'{field}: IPv6 CIDR value "{value}" should be in RFC 5952 canonical format ("{shortest}{slash}{length}")']


def of_host_name(name: str, used_in: str) -> list[str]:
    """A name that becomes part of host names, which have no dots."""
    problems = names.dns1123_label(name)
    if not problems:
        return []
    told = f"this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {told}: [{' '.join(problems)}]"]


def _shortest(value: str) -> str | None:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return None
