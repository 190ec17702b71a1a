"""The cluster's own authority: its certificates and keys, kept in a directory of the cluster's state.

Made on the first start and the same ever after; the certificates are issued anew, with the keys they had, before they
expire. A start that finds everything well reads seven small files and imports nothing.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import trio

from kube_actors.access.client_certificates import ClientCertificates, ServingContext
from kube_actors.access.issued import (
    ADMIN,
    AUTHORITY,
    FILES,
    RECORD,
    SERVICE_ACCOUNTS,
    SERVING,
    Issued,
    digests_of,
    read_file,
)
from kube_actors.access.private_files import PRIVATE
from kube_actors.errors import InputError
from kube_actors.log import Log
from kube_actors.records import define, frozen
from kube_actors.state import private_directory
from kube_actors.store.journal import StateError

if TYPE_CHECKING:  # importing it costs 100 ms
    from kube_actors.access.certificates import Issuer

CLUSTER_DOMAIN: Final = "cluster.local"
LOOK_SECONDS: Final = 3600.0
"""How often a running cluster looks whether a certificate is due. Machine seconds: clients' TLS goes by those."""

log = Log(__name__)


@frozen
class Credentials:
    """A certificate and its private key in PEM."""

    certificate: bytes
    key: bytes = attrs.field(repr=False)


def serving_names(names: Iterable[str] = (), cluster_domain: str = CLUSTER_DOMAIN) -> tuple[str, ...]:
    """What the server is reached by, from this machine and inside the cluster, and `names` beside that."""
    service = "kubernetes.default.svc"
    fixed = ("localhost", "kubernetes", "kubernetes.default", service, f"{service}.{cluster_domain}")
    return tuple(dict.fromkeys((*fixed, "127.0.0.1", "::1", *names)))


@define(eq=False)
class Authority:
    """An authority with its files in `directory`. `now` is machine time in epoch seconds, by which TLS goes."""

    directory: Path
    names: tuple[str, ...]
    now: Callable[[], float]
    issued: Issued
    _contexts: list[ServingContext] = attrs.field(factory=list, repr=False)

    @classmethod
    def open(
        cls,
        directory: Path,
        names: Iterable[str] = (),
        *,
        cluster_domain: str = CLUSTER_DOMAIN,
        now: Callable[[], float] = time.time,
    ) -> Authority:
        """Use the files in `directory`, making what is missing. `names`: more DNS names and addresses of the server.

        InputError (StateError) names the file that is broken, belongs to another authority, or cannot be written.
        """
        private_directory(directory)
        wanted = serving_names(names, cluster_domain)
        issued = Issued.load(read_file(directory / RECORD) or b"")
        if issued is None or not issued.is_well(digests_of(directory), wanted, now()):
            issued = _established(directory, wanted, now())
        for name in (*FILES, RECORD):
            (directory / name).chmod(PRIVATE)
        return cls(directory, wanted, now, issued)

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate: what clients trust."""
        return self._read(f"{AUTHORITY}.crt")

    @property
    def admin(self) -> Credentials:
        """The credentials of the cluster's owner, `kubernetes-admin` of the group `system:masters`."""
        return Credentials(self._read(f"{ADMIN}.crt"), self._read(f"{ADMIN}.key"))

    @property
    def service_account_key(self) -> bytes:
        """PEM of the private key that signs tokens of service accounts."""
        return self._read(f"{SERVICE_ACCOUNTS}.key")

    def serving_context(self) -> ServingContext:
        """For the server's side of TLS: clients may show a certificate, and whoever serves asks the context's `clients`
        whether it is the authority's.

        The context learns of a renewed certificate by itself; connections that stand go on with the old one.
        StateError when OpenSSL cannot use the files.
        """
        clients = ClientCertificates(lambda: self.ca_pem, self.now)
        context = ServingContext.make(clients, self._load)
        self._contexts.append(context)
        self._expect_admin(context)
        return context

    def client_certificate(self, user: str, groups: Iterable[str], seconds: float) -> Credentials:
        """A new key and a client's certificate for it, valid for so many seconds from now."""
        from kube_actors.access import certificates, keys

        now, key = self.now(), keys.new_key()
        span = now - certificates.BACKDATED_SECONDS, now + seconds
        pem = certificates.client_certificate(self.issuer(), key, user, groups, span)
        return Credentials(pem, keys.key_pem(key))

    def issuer(self) -> Issuer:
        """The authority as one who signs. StateError when its files are gone or broken."""
        from kube_actors.access.authority_files import AuthorityFiles

        return AuthorityFiles(self.directory, self.names, self.now()).issuer()

    def renew(self) -> bool:
        """Issue anew what is due; answers whether anything was. Contexts that were given out take it up."""
        if not self.issued.is_due(self.now()):
            return False
        self.issued = _established(self.directory, self.names, self.now())
        for context in self._contexts:
            context.reload()
            self._expect_admin(context)
        return True

    async def keep_fresh(self, renewed: Callable[[], None] = lambda: None) -> None:
        """Renew before things expire, for as long as the cluster runs; `renewed` is called after each time.

        What cannot be renewed now, or makes `renewed` fail with InputError or OSError (a full disk), is tried again an
        hour later: there are 90 days for it.
        """
        untold = False
        while True:
            await trio.sleep(LOOK_SECONDS)
            try:
                untold = self.renew() or untold
                if untold:
                    renewed()
                    untold = False
                    log.info("the certificates were issued anew", directory=str(self.directory))
            except (OSError, InputError) as error:
                log.error("the certificates cannot be renewed", error=str(error))

    def _expect_admin(self, context: ServingContext) -> None:
        pem = self.admin.certificate.decode("ascii")
        context.clients.expect(ssl.PEM_cert_to_DER_cert(pem), self.issued.spans[ADMIN])

    def _load(self, context: ssl.SSLContext) -> None:
        certificate, key = self.directory / f"{SERVING}.crt", self.directory / f"{SERVING}.key"
        try:
            context.load_cert_chain(certificate, key)
            context.load_verify_locations(cadata=self.ca_pem.decode("ascii"))
        except (ssl.SSLError, ValueError, OSError) as error:
            raise StateError(certificate, f"cannot be used for TLS: {error}") from None

    def _read(self, name: str) -> bytes:
        data = read_file(self.directory / name)
        if data is None:
            raise StateError(self.directory / name, "the file is gone; the next start makes it anew")
        return data


def _established(directory: Path, names: tuple[str, ...], now: float) -> Issued:
    from kube_actors.access.authority_files import AuthorityFiles

    try:
        return AuthorityFiles(directory, names, now).establish()
    except OSError as error:
        raise StateError(Path(error.filename or directory), f"cannot be written: {error.strerror}") from None
