"""Requests for a certificate (PKCS #10, RFC 2986) as `spec.request` of a CertificateSigningRequest holds them.

`cryptography` is imported when the first one is read.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from kube_actors.records import frozen

if TYPE_CHECKING:
    from cryptography import x509

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----", re.DOTALL)
TYPE: Final = "CERTIFICATE REQUEST"


@frozen
class CertificateRequest:
    """What a request asks to be named: a subject, and alternative names by their kind."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()


def request_pem(encoded: str) -> bytes:
    """The request's PEM block out of `spec.request` (base64 of PEM). ValueError in the words of Kubernetes."""
    block = _BLOCK.search(_text(encoded))
    if block is None or block[1] != TYPE:
        raise ValueError(f"PEM block type must be {TYPE}")
    return block[0].encode("ascii", "replace")


def read_request(encoded: str) -> CertificateRequest:
    """Read `spec.request` and check that it was signed with its own key. ValueError says what is wrong."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509.oid import NameOID

    try:
        request = x509.load_pem_x509_csr(request_pem(encoded))
        right = _is_signed(request)
        names = [attribute.value for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        groups = request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        alternative = _alternative(request)
    except UnsupportedAlgorithm as error:
        raise ValueError(f"unsupported algorithm: {error}") from None
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not right:
        raise ValueError("the signature of the request does not fit its key")
    return CertificateRequest(
        common_name=str(names[-1]) if names else "",
        organizations=tuple(str(group.value) for group in groups),
        dns_names=tuple(alternative.get_values_for_type(x509.DNSName)),
        ip_addresses=tuple(map(str, alternative.get_values_for_type(x509.IPAddress))),
        emails=tuple(alternative.get_values_for_type(x509.RFC822Name)),
        uris=tuple(alternative.get_values_for_type(x509.UniformResourceIdentifier)),
    )


def _is_signed(request: x509.CertificateSigningRequest) -> bool:
    """Whether the request was signed with its own key. As in Kubernetes, SHA-1 will do for a request."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key, method = request.public_key(), request.signature_hash_algorithm
    if not isinstance(key, rsa.RSAPublicKey) or not isinstance(method, hashes.SHA1):
        return request.is_signature_valid
    try:
        key.verify(request.signature, request.tbs_certrequest_bytes, padding.PKCS1v15(), method)
    except InvalidSignature:
        return False
    return True


def _alternative(request: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName:
    """The alternative names a request asks for; empty when it asks for none."""
    from cryptography import x509

    try:
        return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def certificate_problem(encoded: str) -> str:
    """What is wrong with `status.certificate` (base64 of PEM); empty when it holds certificates and nothing else."""
    from cryptography import x509

    blocks = list(_BLOCK.finditer(_text(encoded)))
    if not blocks:
        return "must contain at least one CERTIFICATE PEM block"
    for block in blocks:
        if block[1] != "CERTIFICATE":
            return f'only CERTIFICATE PEM blocks are allowed, found "{block[1]}"'
        try:
            x509.load_pem_x509_certificate(block[0].encode("ascii", "replace"))
        except ValueError:
            return "found a CERTIFICATE PEM block that is no certificate"
    return ""


def _text(encoded: str) -> str:
    """What base64 stands for, in one line or many; empty for anything else."""
    try:
        return base64.b64decode(one_line_base64(encoded), validate=True).decode("latin-1")
    except ValueError:  # letters that are none of base64, or not even ASCII
        return ""


def one_line_base64(encoded: str) -> str:
    """Base64 without the line feeds that some programs put into it, as Kubernetes keeps it."""
    return encoded.replace("\n", "").replace("\r", "")
