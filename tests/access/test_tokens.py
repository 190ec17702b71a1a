"""Signing keys other than the one we make."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kube_actors.access import keys
from kube_actors.access.jws import SigningKey


def number(text: str) -> int:
    """A number of a JSON Web Key."""
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def test_an_rsa_key_signs_as_kubernetes_does() -> None:
    """RS256, checked with the published key by somebody else."""
    pem = keys.key_pem(rsa.generate_private_key(65537, 2048))
    key = SigningKey.read(pem)
    content, _, signature = key.sign({"sub": "jane"}).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    published = key.published()
    assert (published["kty"], published["alg"], published["kid"]) == ("RSA", "RS256", key.key_id)
    public = rsa.RSAPublicNumbers(number(published["e"]), number(published["n"])).public_key()
    public.verify(raw, content.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert key.signed(content.encode(), raw)
    assert not key.signed(content.encode() + b".", raw)


@pytest.mark.parametrize("signature", [b"", b"\0" * 63, b"\0" * 64, b"\xff" * 64, b"\0" * 72])
def test_signatures_that_are_none(signature: bytes) -> None:
    """Of any length and any value: not ours, and no error."""
    key = SigningKey.read(keys.key_pem(keys.new_key()))
    assert not key.signed(b"content", signature)
