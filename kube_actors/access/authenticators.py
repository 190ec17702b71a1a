"""Finding out who a request comes from: certificate, bearer token, or the private socket of the cluster's owner."""

from __future__ import annotations

import base64
import binascii
from typing import Final, Protocol

import attrs

from kube_actors.access.static_tokens import StaticTokens
from kube_actors.access.user import AUTHENTICATED, MASTERS, User
from kube_actors.access.x509_user import user_of_certificate
from kube_actors.errors import ApiError
from kube_actors.records import frozen

OWNER: Final = User("kubernetes-admin", (MASTERS, AUTHENTICATED))
"""Who connects over the owner's socket; the same as the certificate of the kubeconfig says."""

WEBSOCKET_TOKEN: Final = "base64url.bearer.authorization.k8s.io."
"""Programs in a browser cannot set headers on a WebSocket: their token comes as one of its protocols."""


class Peer(Protocol):
    """The other end of a connection."""

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate in DER, checked."""

    @property
    def is_stranger(self) -> bool:
        """Whether it showed a certificate that is not the authority's, or not any more."""

    @property
    def is_owner(self) -> bool:
        """Whether it came over the owner's socket."""


class Request(Protocol):
    """What is looked at of a request."""

    @property
    def peer(self) -> Peer:
        """Where it comes from."""

    def header(self, name: str) -> str:
        """A header by its name in lower case."""


class TokenRefused(Exception):
    """A token of ours that is not valid: `str()` says why, in Kubernetes' words and without the token."""


@frozen
class Verified:
    """A token's user, and those of the wanted audiences that the token is for."""

    user: User
    audiences: tuple[str, ...]


class TokenVerifier(Protocol):
    """Checks tokens of one kind."""

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Verified | None:
        """The user; None for a token of another kind. Without audiences those of the API server are meant.

        TokenRefused for a token of this kind that is expired, forged, bound to something gone or for others.
        """


@frozen(eq=False)
class Authentication:
    """All the ways, in Kubernetes' order: a good certificate counts even beside a bad token."""

    api_audiences: tuple[str, ...] = ()
    service_accounts: TokenVerifier | None = None
    static_tokens: StaticTokens = attrs.field(factory=StaticTokens)

    def authenticate(self, request: Request) -> User | None:
        """The user, or None without credentials. ApiError 401 when there are some and they are wrong."""
        peer = request.peer
        if peer.certificate is not None:
            user = user_of_certificate(peer.certificate)
            if user is not None:
                return user
        token = bearer_token(request)
        if token:
            try:
                verified = self.verify(token)
            except TokenRefused:
                raise unauthorized() from None
            if verified is None:
                raise unauthorized()
            return verified.user
        if peer.is_stranger:
            raise unauthorized()
        return OWNER if peer.is_owner else None

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Verified | None:
        """Whose token this is; None for nobody's, TokenRefused when it was somebody's once, or is for others.

        A static token is for the API server only.
        """
        user = self.static_tokens.user_of(token)
        if user is not None:
            wanted = audiences or self.api_audiences
            meant = tuple(each for each in wanted if each in self.api_audiences)
            if wanted and not meant:
                raise TokenRefused(f"token audiences {_listed(self.api_audiences)} is invalid for {_listed(wanted)}")
            return Verified(user, meant)
        return None if self.service_accounts is None else self.service_accounts.verify(token, audiences)


def bearer_token(request: Request) -> str:
    """The token of `Authorization: Bearer …`, or of a WebSocket's protocols; empty without one.

    Other schemes count as no credentials, as in Kubernetes.
    """
    scheme, _, rest = request.header("authorization").strip().partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip().split(" ", 1)[0]
    for protocol in request.header("sec-websocket-protocol").split(","):
        name = protocol.strip()
        if name.startswith(WEBSOCKET_TOKEN):
            return _decoded(name.removeprefix(WEBSOCKET_TOKEN))
    return ""


def _decoded(encoded: str) -> str:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized() from None


def unauthorized() -> ApiError:
    """401, which tells nobody why."""
    return ApiError("Unauthorized", 401, "Unauthorized")


def _listed(audiences: tuple[str, ...]) -> str:
    return "[" + " ".join(f'"{each}"' for each in audiences) + "]"
