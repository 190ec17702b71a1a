"""The tokens of a pod: kept while they are good, renewed in time, and what happens when that fails."""

from __future__ import annotations

import math

import pytest

from kube_actors.errors import ApiError, not_found
from kube_actors.node.tokens import PodTokens, Token, TokenRequest

POD = TokenRequest("shop", "robot", "web-0", "uid-1", "node-1", audience="", seconds=0)


class Issuer:
    """Numbers its tokens; says no while it is `broken`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[TokenRequest] = []
        self.broken = False

    def issue(self, request: TokenRequest) -> Token:
        """The next token."""
        if self.broken:
            raise not_found("serviceaccounts", request.account)
        self.asked.append(request)
        return Token(f"token {len(self.asked)}", self.now, self.now + request.seconds)


@pytest.fixture
def issuer() -> Issuer:
    """An issuer whose clock a test sets."""
    return Issuer()


@pytest.fixture
def tokens(issuer: Issuer) -> PodTokens:
    """The pod's tokens."""
    return PodTokens(issuer, POD, lambda: issuer.now)


def test_one_token_per_audience_and_life(issuer: Issuer, tokens: PodTokens) -> None:
    """Asked for once, in the pod's name, and repeated while it is good."""
    assert tokens.renew_at == math.inf
    assert [tokens("", 3607), tokens("vault", 3607), tokens("", 600), tokens("", 3607)] == [
        "token 1",
        "token 2",
        "token 3",
        "token 1",
    ]
    assert issuer.asked[1] == TokenRequest("shop", "robot", "web-0", "uid-1", "node-1", "vault", 3607)


@pytest.mark.parametrize(("seconds", "renew_after"), [(1000, 800), (600, 480), (864_000, 86_400)])
def test_renewal(issuer: Issuer, tokens: PodTokens, seconds: int, renew_after: int) -> None:
    """After four fifths of its life, or a day."""
    assert tokens("", seconds) == "token 1"
    assert tokens.renew_at == 1000 + renew_after
    issuer.now = 1000 + renew_after - 1
    assert tokens("", seconds) == "token 1"
    issuer.now += 1
    assert tokens("", seconds) == "token 2"


def test_a_renewal_that_fails(issuer: Issuer, tokens: PodTokens) -> None:
    """The old token serves to its end while a new one is tried for every ten seconds; then it is an error."""
    tokens("", 1000)
    issuer.broken, issuer.now = True, 1800.0
    assert tokens("", 1000) == "token 1"
    assert tokens.renew_at == 1810
    issuer.now = 2000.0
    with pytest.raises(ApiError, match='serviceaccounts "robot" not found'):
        tokens("", 1000)
    issuer.broken = False
    assert tokens("", 1000) == "token 2"


def test_a_token_is_not_shown() -> None:
    """Nothing that prints the object prints the token."""
    assert "secret" not in repr(Token("secret", 0, 1))
