"""IP addresses and ranges in the fields of objects, as strictly as Kubernetes v1.36 reads them."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

NOT_AN_ADDRESS: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
NOT_A_RANGE: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
NOT_AN_INTERFACE: Final = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
MAPPED: Final = "must not be an IPv4-mapped IPv6 address"
LOOPBACK: Final = "may not be in the loopback range (127.0.0.0/8, ::1/128)"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_address(value: Any) -> bool:
    """Whether the value is an IPv4 or IPv6 address, in words."""
    return not address_problems(value)


def address_problems(value: Any) -> list[str]:
    """What is wrong with an address; its spelling may be another than the shortest."""
    text = value if isinstance(value, str) and "%" not in value else ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ["must not have leading 0s" if _parses(_without_zeros(text)) else NOT_AN_ADDRESS]
    return [MAPPED] if _is_mapped(address) else []


def canonical_address_problems(value: Any) -> list[str]:
    """What is wrong with an address that must be spelt in the one right way."""
    found = address_problems(value)
    if found:
        return found
    shortest = str(ipaddress.ip_address(value))
    return [] if shortest == value else [f'must be in canonical form ("{shortest}")']


def range_problems(value: Any) -> list[str]:
    """What is wrong with a range of addresses (CIDR)."""
    text = value if isinstance(value, str) and "%" not in value else ""
    address, slash, length = text.partition("/")
    plain = f"{_without_zeros(address)}/{length.lstrip('0') or '0'}"
    try:
        interface = ipaddress.ip_interface(plain)
    except ValueError:
        return [NOT_A_RANGE]
    if not slash or not (length.isascii() and length.isdecimal()):
        return [NOT_A_RANGE]
    if plain != text:
        return ["must not have leading 0s in IP or prefix length"]
    if _is_mapped(interface.ip):
        return ["must not have an IPv4-mapped IPv6 address"]
    return (
        [] if interface.ip == interface.network.network_address else ["must not have bits set beyond the prefix length"]
    )


def canonical_range_problems(value: Any) -> list[str]:
    """What is wrong with a range that must be spelt in the one right way."""
    found = range_problems(value)
    if found:
        return found
    shortest = str(ipaddress.ip_network(value))
    return [] if shortest == value else [f'must be in canonical form ("{shortest}")']


def interface_problems(value: Any) -> list[str]:
    """What is wrong with the address of a network interface, which stands with the length of its network's prefix."""
    try:
        interface = ipaddress.ip_interface(value if "/" in value and "%" not in value else "")
    except ValueError:
        return [NOT_AN_INTERFACE]
    return [] if str(interface) == value else [f'must be in canonical form ("{interface}")']


def outside_address(value: Any) -> list[str]:
    """What is wrong with an address by which others reach a service."""
    return endpoint_address(value) or ([LOOPBACK] if is_loopback(value) else [])


def is_loopback(value: str) -> bool:
    """Whether an address leads nowhere but to the machine itself."""
    return ipaddress.ip_address(value).is_loopback


def endpoint_address(value: Any) -> list[str]:
    """What is wrong with an address that traffic shall be sent to.

    Loopback addresses are for admission to judge: in some clusters they are the addresses of pods.
    """
    found = address_problems(value)
    if found:
        return found
    address = ipaddress.ip_address(value)
    if address.is_unspecified:
        found.append(f"may not be unspecified ({value})")
    if address.is_link_local:
        found.append("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if _is_link_local_multicast(address):
        found.append("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    return found


def _is_link_local_multicast(address: Address) -> bool:
    local = "224.0.0.0/24" if address.version == 4 else "ff02::/16"
    return address in ipaddress.ip_network(local)


def _is_mapped(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def _parses(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _without_zeros(text: str) -> str:
    """An IPv4 address without the zeros before its numbers; everything else as it is."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", text) if re.fullmatch(r"[0-9.]+", text) else text
