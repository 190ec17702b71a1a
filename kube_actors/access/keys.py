"""Private keys: made, read and written. Certificates (`certificates`) are another matter, and take longer to import.

Needs `cryptography`: imported when the first key is needed.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

NO_TOKENS: Final = "holds neither an RSA key nor one on the curve P-256"
"""What is said of a key that cannot sign tokens."""

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new key on the curve P-256: made in well under a millisecond, and every client knows it."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKey) -> bytes:
    """PKCS #8, not encrypted: the file's mode protects it."""
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def read_key(pem: bytes) -> PrivateKey:
    """A private key that can sign. ValueError says what is wrong with it."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except TypeError:
        raise ValueError("is encrypted with a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a private key in PEM form") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError("is neither an EC, an RSA nor an Ed25519 key")
    return key


def signs_tokens(key: PrivateKey) -> bool:
    """Whether the key can sign the tokens of service accounts: an RSA key, or one on the curve P-256."""
    on_curve = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return on_curve or isinstance(key, rsa.RSAPrivateKey)


def digest_for(key: PrivateKey) -> hashes.SHA256 | None:
    """The hash to sign with; Ed25519 has its own."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
