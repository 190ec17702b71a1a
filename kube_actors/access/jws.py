"""Signing and checking JSON Web Signatures (RFC 7515), and publishing the key for it (RFC 7517).

Needs `cryptography`, whose import costs 100 ms: imported when the first token is issued or checked.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from kube_actors.access import keys
from kube_actors.api.codecs import json
from kube_actors.records import frozen

COORDINATE: Final = 32
"""Bytes of a coordinate, and of each half of a signature, on P-256."""


@frozen
class SigningKey:
    """A private key on P-256 (ES256), or an RSA one (RS256)."""

    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = attrs.field(repr=False)

    @classmethod
    def read(cls, pem: bytes) -> SigningKey:
        """Read a key out of PEM. ValueError when it cannot sign tokens."""
        key = keys.read_key(pem)
        if not keys.signs_tokens(key):
            raise ValueError(keys.NO_TOKENS)
        assert not isinstance(key, ed25519.Ed25519PrivateKey), "those sign no tokens"
        return cls(key)

    @property
    def algorithm(self) -> str:
        """The `alg` of its signatures."""
        return "RS256" if isinstance(self.private, rsa.RSAPrivateKey) else "ES256"

    @property
    def key_id(self) -> str:
        """The `kid`: SHA-256 of the public key, as Kubernetes names its keys."""
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return encoded(hashlib.sha256(self.private.public_key().public_bytes(*form)).digest())

    def sign(self, claims: dict[str, Any]) -> str:
        """The claims as a compact token."""
        header = {"alg": self.algorithm, "kid": self.key_id}
        content = f"{encoded(json.dumps(header))}.{encoded(json.dumps(claims))}"
        return f"{content}.{encoded(self._signature(content.encode()))}"

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Whether this key signed the content."""
        try:
            if isinstance(self.private, rsa.RSAPrivateKey):
                self.private.public_key().verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
                return True
            if len(signature) != 2 * COORDINATE:
                return False
            halves = (int.from_bytes(part, "big") for part in (signature[:COORDINATE], signature[COORDINATE:]))
            der = utils.encode_dss_signature(*halves)
            self.private.public_key().verify(der, content, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def published(self) -> dict[str, Any]:
        """The public key as a JSON Web Key."""
        common = {"use": "sig", "kid": self.key_id, "alg": self.algorithm}
        if isinstance(self.private, rsa.RSAPrivateKey):
            public = self.private.public_key().public_numbers()
            return {**common, "kty": "RSA", "n": _number(public.n), "e": _number(public.e)}
        point = self.private.public_key().public_numbers()
        x, y = (encoded(value.to_bytes(COORDINATE, "big")) for value in (point.x, point.y))
        return {**common, "kty": "EC", "crv": "P-256", "x": x, "y": y}

    def _signature(self, content: bytes) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(content, padding.PKCS1v15(), hashes.SHA256())
        der = self.private.sign(content, ec.ECDSA(hashes.SHA256()))
        return b"".join(half.to_bytes(COORDINATE, "big") for half in utils.decode_dss_signature(der))


def encoded(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))
