"""Tokens for the pods of a cluster that serves no API: well-formed and bound as any, but nobody is there to check them.

Signed with a key of this process (HMAC, RFC 7518), so that pods start and their programs find the file they look for.
"""

from __future__ import annotations

import base64
import hmac
import json
import math
import uuid
from collections.abc import Callable
from random import Random
from typing import Any

from kube_actors.errors import not_found
from kube_actors.node.tokens import Token, TokenRequest
from kube_actors.records import frozen
from kube_actors.store import Key, Store

ISSUER = "https://kubernetes.default.svc.cluster.local"
KEY_BITS = 256


class LocalTokens:
    """Implements `TokenIssuer`. `source` gives the key and the tokens' ids, `now` is cluster time."""

    def __init__(self, store: Store, now: Callable[[], float], source: Random) -> None:
        self._store = store
        self._now = now
        self._source = source
        self._key = source.getrandbits(KEY_BITS).to_bytes(KEY_BITS // 8, "big")

    def issue(self, request: TokenRequest) -> Token:
        """A JSON Web Token with the claims of Kubernetes; ApiError 404 without the account."""
        account = self._store.get(Key("serviceaccounts", request.namespace, request.account))
        if account is None:
            raise not_found("serviceaccounts", request.account)
        issued = int(self._now())
        expires = issued + request.seconds
        node = self._store.get(Key("nodes", "", request.node))
        bound: dict[str, Any] = {
            "namespace": request.namespace,
            "node": {"name": request.node, "uid": "" if node is None else node.uid},
            "pod": {"name": request.pod, "uid": request.pod_uid},
            "serviceaccount": {"name": request.account, "uid": account.uid},
        }
        claims = {
            "aud": [request.audience or ISSUER],
            "exp": expires,
            "iat": issued,
            "iss": ISSUER,
            "jti": str(uuid.UUID(int=self._source.getrandbits(128), version=4)),
            "kubernetes.io": bound,
            "nbf": issued,
            "sub": f"system:serviceaccount:{request.namespace}:{request.account}",
        }
        return Token(self._signed(claims), issued, expires)

    def _signed(self, claims: dict[str, Any]) -> str:
        head = _encoded(b'{"alg":"HS256","typ":"JWT"}')
        unsigned = f"{head}.{_encoded(json.dumps(claims, separators=(',', ':')).encode())}"
        return f"{unsigned}.{_encoded(hmac.digest(self._key, unsigned.encode(), 'sha256'))}"


@frozen
class UnreadTokens:
    """For simulated nodes, where no program reads them: empty, and good for ever. `now` is cluster time."""

    now: Callable[[], float]

    def issue(self, request: TokenRequest) -> Token:
        """Costs nothing, for there may be thousands of pods."""
        return Token("", self.now(), math.inf)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
