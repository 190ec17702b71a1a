"""The files of an authority: made where they are missing, issued anew where they are due, refused where they are wrong.

This is the slow way, which imports `cryptography`. `Authority` comes here when the record of what was issued
(`issued.json`) does not say that everything is well.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509

from kube_actors.access import certificates, keys
from kube_actors.access.issued import (
    ADMIN,
    AUTHORITY,
    AUTHORITY_SECONDS,
    CERTIFICATE_SECONDS,
    RECORD,
    RENEW_BEFORE_SECONDS,
    SERVICE_ACCOUNTS,
    SERVING,
    Issued,
    Span,
    digests_of,
    read_file,
)
from kube_actors.access.private_files import write_private
from kube_actors.access.user import MASTERS
from kube_actors.records import frozen
from kube_actors.store.journal import StateError

AUTHORITY_NAME: Final = "kubernetes"
ADMIN_NAME: Final = "kubernetes-admin"
_HINT: Final = "put back the file that was there; without the whole directory new keys are made at the next start"


@frozen
class AuthorityFiles:
    """The directory as it is brought into order for one moment (`now`, epoch seconds) and these names of the server."""

    directory: Path
    names: tuple[str, ...]
    now: float

    def establish(self) -> Issued:
        """Make, renew and check everything; answers the record, which is written too.

        StateError names the file that is broken, or belongs to another authority, and leaves all as it was.
        """
        self._check_readable()
        issuer = self._authority()
        spans = {AUTHORITY: _span(issuer.certificate)}
        spans[SERVING] = self._certificate(SERVING, issuer, self._serving, self._covers)
        spans[ADMIN] = self._certificate(ADMIN, issuer, self._admin, lambda certificate: True)
        self._key(SERVICE_ACCOUNTS)
        issued = Issued(digests_of(self.directory), spans, self.names)
        write_private(self.directory / RECORD, issued.dump())
        return issued

    def issuer(self) -> certificates.Issuer:
        """The authority as its files are. StateError when they are broken or missing."""
        certificate, key = self._read_certificate(AUTHORITY), self._read_key(AUTHORITY)
        if certificate is None or key is None:
            missing = self._path(AUTHORITY, "crt" if certificate is None else "key")
            raise StateError(missing, "the authority's file is gone", _HINT)
        return certificates.Issuer(certificate, key)

    def _check_readable(self) -> None:
        """Nothing is written before everything that is there is known to be of use."""
        for name in (AUTHORITY, SERVING, ADMIN):
            self._read_key(name)
            self._read_certificate(name)
        key = self._read_key(SERVICE_ACCOUNTS)
        if key is not None and not keys.signs_tokens(key):
            raise StateError(self._path(SERVICE_ACCOUNTS, "key"), f"the file {keys.NO_TOKENS}", _HINT)

    # -- the authority itself

    def _authority(self) -> certificates.Issuer:
        certificate, key = self._read_certificate(AUTHORITY), self._read_key(AUTHORITY)
        if certificate is not None and key is None:
            why = "is missing, but the certificate that belongs to it is there"
            raise StateError(self._path(AUTHORITY, "key"), f"the authority's key {why}", _HINT)
        if key is None:
            key = self._new_key(AUTHORITY)
        if certificate is not None and not certificates.is_authority(certificate):
            raise StateError(self._path(AUTHORITY, "crt"), "is not the certificate of an authority", _HINT)
        if certificate is not None and not certificates.same_key(certificate, key):
            why = f"does not belong to the key in {self._path(AUTHORITY, 'key').name}"
            raise StateError(self._path(AUTHORITY, "crt"), f"the authority's certificate {why}", _HINT)
        if certificate is None or self._is_due(_span(certificate), AUTHORITY):
            name = certificates.subject(AUTHORITY_NAME) if certificate is None else certificate.subject
            begins, ends = self._new_span(AUTHORITY_SECONDS)
            certificate = certificates.authority_certificate(key, name, begins, ends)
            write_private(self._path(AUTHORITY, "crt"), certificates.certificate_pem(certificate))
        return certificates.Issuer(certificate, key)

    # -- what it issues for the cluster itself

    def _certificate(
        self,
        name: str,
        issuer: certificates.Issuer,
        make: Callable[[certificates.Issuer, keys.PrivateKey], bytes],
        fits: Callable[[x509.Certificate], bool],
    ) -> Span:
        key = self._key(name)
        certificate = self._read_certificate(name)
        good = (
            certificate is not None
            and certificates.same_key(certificate, key)
            and certificates.issued_by(certificate, issuer.certificate)
            and not self._is_due(_span(certificate), name)
            and fits(certificate)
        )
        if certificate is None or not good:
            pem = make(issuer, key)
            write_private(self._path(name, "crt"), pem)
            certificate = certificates.read_certificate(pem)
        return _span(certificate)

    def _serving(self, issuer: certificates.Issuer, key: keys.PrivateKey) -> bytes:
        return certificates.serving_certificate(issuer, key, self.names, self._new_span(CERTIFICATE_SECONDS))

    def _admin(self, issuer: certificates.Issuer, key: keys.PrivateKey) -> bytes:
        span = self._new_span(CERTIFICATE_SECONDS)
        return certificates.client_certificate(issuer, key, ADMIN_NAME, (MASTERS,), span)

    def _covers(self, certificate: x509.Certificate) -> bool:
        kind = x509.SubjectAlternativeName
        try:
            there = set(certificate.extensions.get_extension_for_class(kind).value)
        except (x509.ExtensionNotFound, ValueError):
            return False
        return all(certificates.general_name(name) in there for name in self.names)

    # -- files

    def _key(self, name: str) -> keys.PrivateKey:
        return self._read_key(name) or self._new_key(name)

    def _new_key(self, name: str) -> keys.PrivateKey:
        key = keys.new_key()
        write_private(self._path(name, "key"), keys.key_pem(key))
        return key

    def _read_key(self, name: str) -> keys.PrivateKey | None:
        path = self._path(name, "key")
        data = read_file(path)
        try:
            return None if data is None else keys.read_key(data)
        except ValueError as error:
            raise StateError(path, f"the file {error}", _HINT) from None

    def _read_certificate(self, name: str) -> x509.Certificate | None:
        path = self._path(name, "crt")
        data = read_file(path)
        try:
            return None if data is None else certificates.read_certificate(data)
        except ValueError as error:
            raise StateError(path, f"the file {error}", _HINT) from None

    def _path(self, name: str, suffix: str) -> Path:
        return self.directory / f"{name}.{suffix}"

    # -- time

    def _new_span(self, seconds: float) -> tuple[float, float]:
        return self.now - certificates.BACKDATED_SECONDS, self.now + seconds

    def _is_due(self, span: Span, name: str) -> bool:
        return span.is_due(self.now, RENEW_BEFORE_SECONDS[name])


def _span(certificate: x509.Certificate) -> Span:
    return Span(certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp())
