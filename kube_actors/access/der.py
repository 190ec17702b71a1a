"""Reading a certificate's subject without the `cryptography` package: DER (X.690), as far as X.509 needs it.

The certificate has been checked by TLS already; here only names are taken out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kube_actors.records import frozen

SEQUENCE: Final = 0x30
SET: Final = 0x31
OBJECT_IDENTIFIER: Final = 0x06
EXPLICIT_VERSION: Final = 0xA0
BMP_STRING: Final = 0x1E
UNIVERSAL_STRING: Final = 0x1C

COMMON_NAME: Final = bytes.fromhex("550403")
ORGANIZATION: Final = bytes.fromhex("55040a")
UID: Final = bytes.fromhex("2b0601040183c25302")
"""1.3.6.1.4.1.57683.2: where Kubernetes looks for the uid of a certificate's user."""

_ENCODINGS: Final = {BMP_STRING: "utf-16-be", UNIVERSAL_STRING: "utf-32-be"}


@frozen
class Element:
    """One DER element: its tag, and what it holds."""

    tag: int
    content: memoryview

    def text(self) -> str:
        """A string of whatever ASN.1 type. ValueError when its bytes are none."""
        return bytes(self.content).decode(_ENCODINGS.get(self.tag, "utf-8"))


def elements(data: memoryview) -> Iterator[Element]:
    """The elements that follow each other in `data`. ValueError when it is cut off or no DER."""
    at = 0
    while at < len(data):
        if len(data) - at < 2:
            raise ValueError("cut off")
        tag, length = data[at], data[at + 1]
        at += 2
        if length >= 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or len(data) - at < size:
                raise ValueError("a length that is none")
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if len(data) - at < length:
            raise ValueError("cut off")
        yield Element(tag, data[at : at + length])
        at += length


def subject_of(certificate: bytes) -> list[tuple[bytes, str]]:
    """The subject's attributes in order: object identifier (its DER content) and value. ValueError for other data."""
    whole = _single(memoryview(certificate))
    to_be_signed = next(elements(whole.content), None)
    if to_be_signed is None:
        raise ValueError("empty")
    fields = list(elements(to_be_signed.content))
    # version (optional), serial number, signature algorithm, issuer, validity, subject, key, extensions
    place = 5 if fields and fields[0].tag == EXPLICIT_VERSION else 4
    if len(fields) <= place or fields[place].tag != SEQUENCE:
        raise ValueError("no certificate")
    return list(_attributes(fields[place].content))


def _single(data: memoryview) -> Element:
    found = list(elements(data))
    if len(found) != 1 or found[0].tag != SEQUENCE:
        raise ValueError("no certificate")
    return found[0]


def _attributes(name: memoryview) -> Iterator[tuple[bytes, str]]:
    for relative in elements(name):
        if relative.tag != SET:
            raise ValueError("no name")
        for attribute in elements(relative.content):
            parts = list(elements(attribute.content))
            if attribute.tag != SEQUENCE or len(parts) != 2 or parts[0].tag != OBJECT_IDENTIFIER:
                raise ValueError("no name")
            yield bytes(parts[0].content), parts[1].text()
