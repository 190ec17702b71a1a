"""Protobuf written by hand, for tests of its reader."""

from __future__ import annotations


def varint(number: int) -> bytes:
    """A number as base-128 digits, lowest first; negative ones in 64 bits."""
    number &= (1 << 64) - 1
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def data(field: int, content: bytes) -> bytes:
    """A field of bytes: a text, a message, an entry of a map."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """A field of text."""
    return data(field, content.encode())


def number(field: int, content: int) -> bytes:
    """A field that holds an integer or a truth value."""
    return varint(field << 3) + varint(content)


def entry(field: int, key: str, value: bytes) -> bytes:
    """An entry of a map; `value` is its field 2."""
    return data(field, text(1, key) + value)


def envelope(api_version: str, kind: str, message: bytes) -> bytes:
    """A request's body around the message of an object."""
    meta = (text(1, api_version) if api_version else b"") + (text(2, kind) if kind else b"")
    return b"k8s\x00" + data(1, meta) + data(2, message)


def deployment_message(name: str = "web") -> bytes:
    """A Deployment as client-go sends it: three replicas, a container with a port and a request for CPU."""
    labels = entry(11, "app", text(2, name))
    requests = data(8, entry(2, "cpu", data(2, text(1, "100m"))))
    container = text(1, "app") + text(2, "nginx") + data(6, number(3, 80)) + requests
    volume = text(1, "scratch") + data(2, data(2, b""))
    template = data(1, labels) + data(2, data(1, volume) + data(2, container))
    surge = data(2, number(1, 1) + text(3, "30%"))
    spec = number(1, 3) + data(2, entry(1, "app", text(2, name))) + data(3, template)
    spec += data(4, text(1, "RollingUpdate") + data(2, surge)) + number(7, 0)
    return data(1, text(1, name) + labels + data(8, b"")) + data(2, spec) + data(3, b"")
