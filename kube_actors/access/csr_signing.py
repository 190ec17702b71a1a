"""Certificates for those who ask for one: what the request names, for the usages that were approved."""

from __future__ import annotations

from typing import Final

from kube_actors.access.authority import Authority
from kube_actors.api.certificate_request import request_pem
from kube_actors.records import frozen

BACKDATED_SECONDS: Final = 300
SHORT_SECONDS: Final = 8 * 3600
"""A certificate shorter than this ends as late as it was asked to; of a longer one the backdating is taken off."""

_KEY_USAGES: Final = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_EXTENDED: Final = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}


@frozen
class RequestSigner:
    """Signs `spec.request` with the cluster's authority; implements `actors.certificates.Signer`."""

    authority: Authority

    def __call__(self, request: str, usages: frozenset[str], seconds: int) -> bytes:
        """The certificate in PEM. ValueError for a request that cannot be read or names a key nobody knows.

        StateError when the authority's files cannot be read.
        """
        from cryptography import x509

        from kube_actors.access import certificates, keys

        asked = x509.load_pem_x509_csr(request_pem(request))
        key = asked.public_key()
        if not isinstance(key, keys.PublicKey):
            raise ValueError("the key is neither an EC, an RSA nor an Ed25519 key")
        try:
            names = tuple(asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        except x509.ExtensionNotFound:
            names = ()
        now = self.authority.now()
        ends = now + seconds - (BACKDATED_SECONDS if seconds >= SHORT_SECONDS else 0)
        extended = dict.fromkeys(_EXTENDED[usage] for usage in sorted(usages) if usage in _EXTENDED)
        wanted = certificates.Wanted(
            asked.subject,
            now - BACKDATED_SECONDS,
            ends,
            tuple(map(x509.ObjectIdentifier, extended)),
            _key_usage(usages),
            names,
        )
        return certificates.certificate_pem(certificates.signed(self.authority.issuer(), key, wanted))


def _key_usage(usages: frozenset[str]) -> frozenset[str]:
    """Names of X.509's key usages; two of them only mean something beside key agreement (RFC 5280, 4.2.1.3)."""
    found = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    if "key_agreement" not in found:
        found -= {"encipher_only", "decipher_only"}
    return frozenset(found)
