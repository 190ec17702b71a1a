"""Tokens of service accounts: issued to pods and people, and checked against what is in the store now.

A token is only as good as what it names: the account, and the pod, Secret or node it is bound to, must still be there,
with the uid they had. Checking a signature takes 0.1 ms and is remembered; the objects are looked at every time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from kube_actors.access.authenticators import TokenRefused, Verified
from kube_actors.access.authority import Authority
from kube_actors.access.binding import Binding, bound_subject
from kube_actors.access.claims import LEGACY, LEGACY_ISSUER, PRIVATE, Claims, Ref, Subject, claims_of, parsed
from kube_actors.access.user import User
from kube_actors.actors.token_secrets import LAST_USED
from kube_actors.api.times import rfc3339
from kube_actors.node.tokens import Token, TokenRequest
from kube_actors.records import frozen
from kube_actors.store import Key, Revision, Store
from kube_actors.store.journal import StateError

if TYPE_CHECKING:  # importing it costs 100 ms
    from kube_actors.access.jws import SigningKey

ISSUER: Final = "https://kubernetes.default.svc.cluster.local"
LEEWAY: Final = 60.0
"""Seconds by which clocks may differ: so long after its end a token, and what it is bound to, still count."""
PROJECTED_SECONDS: Final = 3607
"""A life asked for by the volumes that every pod gets. Old clients read their token only once, so such a token is good
for a year, and only says of itself (`warnafter`) that it should have been renewed after an hour."""
EXTENDED_SECONDS: Final = 365 * 24 * 3600
INVALID_SINCE: Final = "kubernetes.io/legacy-token-invalid-since"
"""The label of a Secret whose token nobody has used for long."""
DAY: Final = 86_400
REMEMBERED: Final = 4096
"""Tokens whose signature is known to be right."""


@frozen
class _Bearer:
    """What a token with a right signature says, and whom that makes of who brings it."""

    claims: Claims
    user: User


class ServiceAccountTokens:
    """Issues and checks. `now` is cluster time in epoch seconds; `issuer` is also the audience of the API server.
    `used` is told of each Secret whose token was used, unless its label says so for today.

    Implements `node.tokens.TokenIssuer` and `access.authenticators.TokenVerifier`.
    """

    def __init__(self, authority: Authority, store: Store, now: Callable[[], float], issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.audiences = (issuer,)
        self.used: Callable[[Revision], None] = lambda secret: None
        self._authority = authority
        self._store = store
        self._now = now
        self._remembered: OrderedDict[bytes, _Bearer] = OrderedDict()

    @cached_property
    def key(self) -> SigningKey:
        """The signing key, read when the first token comes. StateError when its file is of no use."""
        from kube_actors.access.jws import SigningKey

        try:
            return SigningKey.read(self._authority.service_account_key)
        except ValueError as error:
            raise StateError(self._authority.directory / "sa.key", f"the file {error}") from None

    # -- issuing

    def issue(self, request: TokenRequest) -> Token:
        """A token for a pod's volume. ApiError 404 when account or pod is not there, 409 when it is another pod now."""
        binding = Binding("v1", "Pod", request.pod, request.pod_uid)
        audiences = (request.audience,) if request.audience else ()
        return self.requested(request.namespace, request.account, audiences, request.seconds, binding)

    def requested(
        self, namespace: str, account: str, audiences: tuple[str, ...], seconds: int, binding: Binding | None = None
    ) -> Token:
        """A token as `TokenRequest` asks for it, without its validation; without audiences it is for the API server.

        ApiError 404 for what is not there, 400 for a binding that cannot be, 409 for another uid.
        """
        subject = bound_subject(self._store, namespace, account, binding)
        now, meant = int(self._now()), audiences or self.audiences
        private, life = subject.dump(), seconds
        if subject.pod is not None and seconds == PROJECTED_SECONDS and set(meant) <= set(self.audiences):
            private["warnafter"] = now + seconds
            life = EXTENDED_SECONDS
        claims = {
            "aud": list(meant),
            "exp": now + life,
            "iat": now,
            "iss": self.issuer,
            "jti": str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)),
            PRIVATE: private,
            "nbf": now,
            "sub": subject.user_name,
        }
        return Token(self.key.sign(claims), now, now + seconds)

    def legacy(self, namespace: str, account: str, uid: str, secret: str) -> str:
        """A token to be kept in a Secret; it is good for as long as that holds it.

        Implements `actors.token_secrets.IssueLegacy`.
        """
        subject = Subject(namespace, Ref(account, uid))
        claims = {
            "iss": LEGACY_ISSUER,
            LEGACY + "namespace": namespace,
            LEGACY + "secret.name": secret,
            LEGACY + "service-account.name": account,
            LEGACY + "service-account.uid": uid,
            "sub": subject.user_name,
        }
        return self.key.sign(claims)

    # -- checking

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Verified | None:
        """The bearer; None for a token of another issuer. TokenRefused says why one of ours is not valid (any more)."""
        bearer = self._bearer(token)
        if bearer is None:
            return None
        claims = bearer.claims
        meant = self._audiences(claims, audiences)
        if claims.legacy:
            self._check_legacy(claims, token)
        else:
            self._check_requested(claims)
        return Verified(bearer.user, meant)

    def _bearer(self, token: str) -> _Bearer | None:
        """Whom a token of ours names, when its signature is right. Kept by the token's digest: the token stays nowhere.

        None for a token of another issuer, TokenRefused for a forged one.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        bearer = self._remembered.get(digest)
        if bearer is not None:
            self._remembered.move_to_end(digest)
            return bearer
        parts = parsed(token)
        if parts is None or parts.payload.get("iss") not in (self.issuer, LEGACY_ISSUER):
            return None
        right = parts.header.get("alg") == self.key.algorithm and self.key.signed(parts.content, parts.signature)
        claims = claims_of(parts.payload) if right else None
        if claims is None:  # not kept: anybody can make as many of them as he likes
            raise TokenRefused("invalid signature" if parts.header.get("kid") == self.key.key_id else "unknown key")
        bearer = self._remembered[digest] = _Bearer(claims, claims.subject.user(claims.token_id))
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return bearer

    def _audiences(self, claims: Claims, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the wanted audiences that the token is for; a legacy one is for the API server."""
        token_audiences = self.audiences if claims.legacy or not claims.audiences else claims.audiences
        wanted = wanted or self.audiences
        meant = tuple(each for each in wanted if each in token_audiences)
        if not meant:
            listed = [" ".join(f'"{each}"' for each in names) for names in (token_audiences, wanted)]
            raise TokenRefused(f"token audiences [{listed[0]}] is invalid for the target audiences [{listed[1]}]")
        return meant

    def _check_requested(self, claims: Claims) -> None:
        now, subject = self._now(), claims.subject
        if claims.expires is not None and now > claims.expires + LEEWAY:
            raise TokenRefused("service account token has expired")
        if claims.not_before is not None and now < claims.not_before - LEEWAY:
            raise TokenRefused("service account token is not valid yet")
        self._check_account(subject)
        if subject.secret is not None:
            self._check_bound("secret", Key("secrets", subject.namespace, subject.secret.name), subject.secret)
        if subject.pod is not None:
            self._check_bound("pod", Key("pods", subject.namespace, subject.pod.name), subject.pod)
        elif subject.node is not None:
            self._check_bound("node", Key("nodes", "", subject.node.name), subject.node)

    def _check_account(self, subject: Subject) -> None:
        account, name = subject.account, f"{subject.namespace}/{subject.account.name}"
        found = self._store.get(Key("serviceaccounts", subject.namespace, account.name))
        if found is None:
            raise TokenRefused(f'serviceaccounts "{account.name}" not found')
        if self._is_gone(found):
            raise TokenRefused(f"service account {name} has been deleted")
        if found.uid != account.uid:
            raise TokenRefused(f"service account UID ({found.uid}) does not match claim ({account.uid})")

    def _check_bound(self, kind: str, key: Key, ref: Ref) -> None:
        found = self._store.get(key)
        if found is None or self._is_gone(found):
            raise TokenRefused("service account token has been invalidated")
        if found.uid != ref.uid:
            what = f"{kind} UID ({found.uid}) does not match service account {kind} ref claim ({ref.uid})"
            raise TokenRefused(what)

    def _check_legacy(self, claims: Claims, token: str) -> None:
        subject = claims.subject
        secret = subject.secret
        assert secret is not None, "a legacy token names its Secret"
        found = self._store.get(Key("secrets", subject.namespace, secret.name))
        if found is None or self._is_gone(found):
            raise TokenRefused("service account token has been invalidated")
        kept = (found.body().get("data") or {}).get("token", "")
        if not hmac.compare_digest(_decoded(kept), token.encode("ascii")):
            raise TokenRefused("service account token does not match server's copy")
        self._check_account(subject)
        self._note_use(found, subject)

    def _note_use(self, secret: Revision, subject: Subject) -> None:
        """TokenRefused for a Secret that nobody used for so long that it was marked."""
        labels, key, account = secret.projection.labels, secret.key, subject.account.name
        if labels.get(INVALID_SINCE):
            names = f"secret {key.namespace}/{key.name} for service account {subject.namespace}/{account}"
            instead = "Use tokens from the TokenRequest API or manually created secret-based tokens"
            remove = f"remove the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
            raise TokenRefused(f"the token in {names} has been marked invalid. {instead}, or {remove}")
        now = self._now()
        if labels.get(LAST_USED) not in (day(now), day(now + DAY)):
            self.used(secret)

    def _is_gone(self, revision: Revision) -> bool:
        deleting = revision.projection.deleting
        return deleting is not None and deleting < self._now() - LEEWAY


def day(epoch: float) -> str:
    """`2026-01-31`."""
    return rfc3339(epoch).partition("T")[0]


def _decoded(text: str) -> bytes:
    """Base64 as Secrets have it; empty for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
