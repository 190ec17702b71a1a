"""Certificates that clients show: asked for in every handshake, and judged afterwards, as kube-apiserver does.

A client with somebody else's certificate, or one that has expired, is to hear 401 and not a broken handshake: it may
have a token as well. OpenSSL as Python's `ssl` offers it would end the handshake, so a certificate of another authority
is noticed while it arrives, and the handshake goes on in a context that trusts this one certificate and nothing else.
That says only that the client has its key. Whose certificate counts is decided by `ClientCertificates.is_ours` alone,
whatever became of the handshake; every certificate that is ours was verified by OpenSSL too.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import attrs

from kube_actors.access.issued import Span
from kube_actors.records import define

NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (X509_VERIFY_PARAM_set_flags(3)): when a certificate counts is for `is_ours` to say."""
HANDSHAKE: Final = 22
CERTIFICATE: Final = 11
FINISHED: Final = 20
"""Types of records and of the messages in them (RFC 8446, B.3)."""
REMEMBERED: Final = 1024


@define(eq=False)
class ClientCertificates:
    """Tells the authority's certificates for clients from all others. `ca_pem` gives the authority's own, `now` is
    epoch seconds."""

    ca_pem: Callable[[], bytes]
    now: Callable[[], float]
    _issued: OrderedDict[bytes, Span] = attrs.field(factory=OrderedDict, init=False, repr=False)

    def expect(self, certificate: bytes, span: Span) -> None:
        """This one (DER) is ours: nothing needs to be imported to find out."""
        self._issued[certificate] = span
        if len(self._issued) > REMEMBERED:
            self._issued.popitem(last=False)

    def is_issued(self, certificate: bytes) -> bool:
        """Whether the authority signed this certificate (DER) for a client, however long ago."""
        if certificate in self._issued:
            return True
        from kube_actors.access import certificates

        span = certificates.client_span(certificate, self.ca_pem())
        if span is None:
            return False
        self.expect(certificate, Span(*span))
        return True

    def is_ours(self, certificate: bytes) -> bool:
        """Whether the authority signed it for a client, and it counts now."""
        if not self.is_issued(certificate):
            return False
        span = self._issued[certificate]
        return span.begins <= self.now() <= span.ends


class ServingContext(ssl.SSLContext):
    """A server's side of TLS whose clients may show any certificate. `load` gives a context the server's own one and
    the authority's. After the handshake a connection belongs to `quiet`, which watches no messages any more."""

    clients: ClientCertificates
    quiet: ssl.SSLContext
    _load: Callable[[ssl.SSLContext], None]

    @classmethod
    def make(cls, clients: ClientCertificates, load: Callable[[ssl.SSLContext], None]) -> ServingContext:
        """A context for as many connections as there may be."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context.clients, context._load = clients, load
        context.quiet = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for each in (context, context.quiet):
            _prepare(each)
        context.reload()
        setattr(context, "_msg_callback", context._watch)  # noqa: B010  (not in the stubs; CPython's, since 3.8)
        return context

    def reload(self) -> None:
        """Take up the files as they are now."""
        for each in (self, self.quiet):
            self._load(each)

    def _watch(self, tls: Any, direction: str, version: int, content: int, message: int, data: bytes) -> None:
        """Look at the client's certificate before OpenSSL does."""
        if direction != "read" or content != HANDSHAKE:
            return
        if message == CERTIFICATE:
            leaf = first_certificate(data, is_1_3=version >= ssl.TLSVersion.TLSv1_3)
            if leaf is not None and not self.clients.is_issued(leaf):
                tls.context = self._trusting(leaf)
        elif message == FINISHED:
            tls.context = self.quiet

    def _trusting(self, certificate: bytes) -> ssl.SSLContext:
        """A context for the rest of one handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _prepare(context)
        self._load(context)
        context.load_verify_locations(cadata=certificate)
        setattr(context, "_msg_callback", self._watch)  # noqa: B010
        return context


def _prepare(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME) | ssl.VERIFY_X509_PARTIAL_CHAIN
    context.num_tickets = 0  # API clients keep their connections; tickets would be sent and never used
    context.options |= ssl.OP_NO_TICKET
    context.set_alpn_protocols(["http/1.1"])


def first_certificate(message: bytes, *, is_1_3: bool) -> bytes | None:
    """The client's own certificate (DER) in a Certificate message (RFC 8446, 4.4.2; RFC 5246, 7.4.2); None in one that
    has none."""
    data = message[4:]
    if is_1_3:
        data = data[1 + data[0] :] if data else b""
    entries = data[3:]
    size = int.from_bytes(entries[:3], "big")
    return entries[3 : 3 + size] if 0 < size <= len(entries) - 3 else None
