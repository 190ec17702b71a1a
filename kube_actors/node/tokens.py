"""Tokens with which the programs of a pod show the API who they are: asked for, kept, and renewed in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import attrs

from kube_actors.errors import ApiError
from kube_actors.records import frozen

RENEW_AFTER = 0.8
"""Share of a token's life after which a new one is asked for, as a kubelet does."""
OLDEST = 24 * 3600.0
"""Seconds after which a token is replaced however long it is good for."""
TRY_AGAIN = 10.0
"""Seconds until a renewal that failed is tried again; until it ends, the old token is good."""

TokenSource = Callable[[str, int], str]
"""The pod's current token for an audience ("": the API itself) and a life of so many seconds."""


@frozen
class TokenRequest:
    """A token for a pod: in whose name, bound to which pod on which node, for whom to read, good for how long."""

    namespace: str
    account: str
    pod: str
    pod_uid: str
    node: str
    audience: str
    seconds: int


@frozen
class Token:
    """A token and the cluster time (epoch seconds) of its beginning and end."""

    text: str = attrs.field(repr=False)
    issued_at: float
    expires_at: float

    @property
    def renew_at(self) -> float:
        """When to ask for the next one."""
        return self.issued_at + min(RENEW_AFTER * (self.expires_at - self.issued_at), OLDEST)


class TokenIssuer(Protocol):
    """Signs tokens."""

    def issue(self, request: TokenRequest) -> Token:
        """A fresh token; ApiError 404 when the account or the pod is not there."""


class PodTokens:
    """The tokens of one pod. `sample` is a request with the pod in it; `now` tells cluster time."""

    def __init__(self, issuer: TokenIssuer, sample: TokenRequest, now: Callable[[], float]) -> None:
        self._issuer = issuer
        self._sample = sample
        self._now = now
        self._held: dict[tuple[str, int], tuple[Token, float]] = {}

    @property
    def renew_at(self) -> float:
        """When the first of them is to be renewed; infinite while there are none."""
        return min((renew_at for _, renew_at in self._held.values()), default=math.inf)

    def __call__(self, audience: str, seconds: int) -> str:
        """A token that is good for a while yet. ApiError when there is none and none can be had."""
        now = self._now()
        held = self._held.get((audience, seconds))
        if held is not None and now < held[1]:
            return held[0].text
        try:
            token = self._issuer.issue(attrs.evolve(self._sample, audience=audience, seconds=seconds))
        except ApiError:
            if held is None or now >= held[0].expires_at:
                self._held.pop((audience, seconds), None)
                raise
            token, renew_at = held[0], now + TRY_AGAIN
        else:
            renew_at = token.renew_at
        self._held[audience, seconds] = (token, renew_at)
        return token.text
