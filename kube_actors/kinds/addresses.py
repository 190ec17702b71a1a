"""IP addresses in the fields of objects."""

from __future__ import annotations

import ipaddress
from typing import Any

NOT_AN_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def is_address(value: Any) -> bool:
    """Whether the value is an IPv4 or IPv6 address, in words."""
    try:
        ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def endpoint_address(value: Any) -> list[str]:
    """What is wrong with an address that traffic shall be sent to."""
    try:
        address = ipaddress.ip_address(value or "")
    except ValueError:
        return [NOT_AN_ADDRESS]
    if address.is_unspecified:
        return [f"may not be unspecified ({value})"]
    if address.is_link_local:
        return ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"]
    if address.is_multicast:
        return ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"]
    return []
