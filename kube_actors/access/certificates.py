"""X.509 certificates: the authority's own, those of servers and clients, and answers to requests for one (PKCS #10).

Everything that needs the `cryptography` package for certificates is here; importing it costs 100 ms, so this module
is imported when a certificate has to be made or looked into.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kube_actors.access.keys import PrivateKey, PublicKey, digest_for
from kube_actors.records import frozen

BACKDATED_SECONDS: Final = 3600
"""Certificates begin so much before they are made: clocks of clients may go a little slow."""

_SERVER: Final = (ExtendedKeyUsageOID.SERVER_AUTH,)
_CLIENT: Final = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@frozen
class Issuer:
    """Who signs: the authority's certificate and its key."""

    certificate: x509.Certificate
    key: PrivateKey = attrs.field(repr=False)

    @property
    def ends(self) -> float:
        """Epoch seconds at which the authority's own certificate expires; nothing it signs is valid for longer."""
        return self.certificate.not_valid_after_utc.timestamp()


@frozen
class Wanted:
    """What a certificate is to say. `key_usage` are the names of `x509.KeyUsage`'s parameters that are true."""

    subject: x509.Name
    begins: float
    ends: float
    extended: tuple[x509.ObjectIdentifier, ...]
    key_usage: frozenset[str] = frozenset({"digital_signature"})
    alternative: tuple[x509.GeneralName, ...] = ()


def read_certificate(pem: bytes) -> x509.Certificate:
    """The first certificate of a PEM file. ValueError when there is none."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise ValueError("is not a certificate in PEM form") from None


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """The certificate as it stands in files."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def same_key(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate is about this key."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):  # another name, another kind of key, another signature
        return False
    return True


def client_span(certificate: bytes, authority: bytes) -> tuple[float, float] | None:
    """From when until when (epoch seconds) a certificate in DER is a client's, signed by the authority (PEM) itself;
    None when it is not."""
    try:
        found, issuer = x509.load_der_x509_certificate(certificate), read_certificate(authority)
        if not issued_by(found, issuer) or not _is_for_clients(found):
            return None
        return found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """Without a list of usages a certificate is for all of them."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}.isdisjoint(usages)


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether the certificate may sign others."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def subject(common_name: str, organizations: Iterable[str] = ()) -> x509.Name:
    """A name as Kubernetes reads it: the user, and its groups."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def authority_certificate(key: PrivateKey, name: x509.Name, begins: float, ends: float) -> x509.Certificate:
    """A self-signed certificate that may sign others, but no authorities below it."""
    builder = _builder(name, name, key.public_key(), begins, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    usage = _key_usage({"digital_signature", "key_cert_sign", "crl_sign"})
    builder = builder.add_extension(usage, critical=True)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    return builder.sign(key, digest_for(key))


def serving_certificate(issuer: Issuer, key: PrivateKey, names: Iterable[str], span: tuple[float, float]) -> bytes:
    """PEM of a server's certificate for these DNS names and addresses, valid between two epoch times."""
    alternative = tuple(general_name(name) for name in names)
    wanted = Wanted(subject("kube-apiserver"), span[0], span[1], _SERVER, alternative=alternative)
    return certificate_pem(signed(issuer, key.public_key(), wanted))


def client_certificate(
    issuer: Issuer, key: PrivateKey, user: str, groups: Iterable[str], span: tuple[float, float]
) -> bytes:
    """PEM of a client's certificate, valid between two epoch times."""
    wanted = Wanted(subject(user, groups), span[0], span[1], _CLIENT)
    return certificate_pem(signed(issuer, key.public_key(), wanted))


def signed(issuer: Issuer, key: PublicKey, wanted: Wanted) -> x509.Certificate:
    """A certificate of one who is no authority. It ends no later than the issuer's own."""
    authority = issuer.certificate
    builder = _builder(wanted.subject, authority.subject, key, wanted.begins, min(wanted.ends, issuer.ends))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if wanted.key_usage:
        builder = builder.add_extension(_key_usage(wanted.key_usage), critical=True)
    if wanted.extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(wanted.extended), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    if wanted.alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(wanted.alternative), critical=False)
    return builder.sign(issuer.key, digest_for(issuer.key))


def general_name(name: str) -> x509.GeneralName:
    """An address or a DNS name as certificates write it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(name: x509.Name, issuer: x509.Name, key: PublicKey, begins: float, ends: float) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(int(begins), UTC))
        .not_valid_after(datetime.fromtimestamp(int(ends), UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(true: Iterable[str]) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    chosen = frozenset(true)
    return x509.KeyUsage(**{name: name in chosen for name in names})
