"""Secrets and the accounts that use them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

Body = Mapping[str, Any]
_MOUNTABLE: Final = "kubernetes.io/enforce-mountable-secrets"


def of_service_account(new: Body, old: Body | None) -> list[str]:
    """The annotation that keeps secrets from pods, when it is new."""
    if _MOUNTABLE not in _annotations(new) or (old is not None and _MOUNTABLE in _annotations(old)):
        return []
    why = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
    return [f"metadata.annotations[{_MOUNTABLE}]: {why}"]


def of_secret(new: Body, _old: Body | None) -> list[str]:
    """A key that does not fit its certificate, in the words of Go's TLS."""
    if new.get("type") != "kubernetes.io/tls":
        return []
    problem = _pair_problem(_read(new, "tls.crt"), _read(new, "tls.key"))
    return [f"tls: {problem}"] if problem else []


def _pair_problem(certificate: bytes, key: bytes) -> str:
    from cryptography import x509  # 30 ms, for secrets of this type only
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    if b"-----BEGIN CERTIFICATE-----" not in certificate:
        return "failed to find any PEM data in certificate input"
    if b"-----BEGIN " not in key:
        return "failed to find any PEM data in key input"
    try:
        shown = x509.load_pem_x509_certificates(certificate)[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "failed to parse certificate"
    try:
        own = load_pem_private_key(key, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "failed to parse private key"
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if type(shown) is not type(own):
        return "private key type does not match public key type"
    return "" if shown.public_bytes(*form) == own.public_bytes(*form) else "private key does not match public key"


def _read(secret: Body, name: str) -> bytes:
    return base64.b64decode((secret.get("data") or {}).get(name, ""))


def _annotations(body: Body) -> Mapping[str, str]:
    return body["metadata"].get("annotations") or {}
