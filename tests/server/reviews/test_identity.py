"""Tokens are asked for, used, reviewed and lost, as programs do it over the API."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kube_actors.access.authenticators import Authentication
from kube_actors.access.authority import Authority
from kube_actors.access.tokens import ISSUER, ServiceAccountTokens
from kube_actors.access.user import User
from kube_actors.kernel import VirtualClock
from kube_actors.records import frozen
from kube_actors.server.http import Full
from kube_actors.store import Key
from kube_actors.verbs.session import Session
from tests.server.kit import ask, json_of, make_request, new_session

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"serviceAccountName": "robot", "containers": [{"name": "web", "image": "web"}]},
}
TOKEN_PATH = "/api/v1/namespaces/default/serviceaccounts/robot/token"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


@frozen
class World:
    """A cluster with the account `robot`, and what checks its tokens."""

    session: Session
    tokens: ServiceAccountTokens
    authentication: Authentication

    async def ask(self, method: str, path: str, body: Any = b"", user: User | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        parts = (self.tokens, self.authentication)
        options = {} if user is None else {"user": user}
        response = await ask(self.session, method, path, body, parts=parts, **options)  # type: ignore[arg-type]
        return response.status, json_of(response)  # type: ignore[union-attr]

    async def token(self, **spec: Any) -> str:
        """A new token for `robot`."""
        status, answer = await self.ask("POST", TOKEN_PATH, {"spec": spec})
        assert status == 201, answer
        token: str = answer["status"]["token"]
        return token

    async def review(self, token: str, *audiences: str) -> dict[str, Any]:
        """The status of a TokenReview."""
        spec = {"token": token, "audiences": list(audiences)}
        status, answer = await self.ask("POST", REVIEWS, {"spec": spec})
        assert status == 201, answer
        review: dict[str, Any] = answer["status"]
        return review

    async def bound(self, kind: str, name: str) -> str:
        """A token bound to an object."""
        return await self.token(boundObjectRef={"apiVersion": "v1", "kind": kind, "name": name})

    def user_of(self, token: str) -> User | None:
        """Who a request with this bearer token comes from."""
        request = make_request("GET", "/", headers={"Authorization": f"Bearer {token}"})
        return self.authentication.authenticate(request)

    def later(self, seconds: float) -> None:
        """Let cluster time pass."""
        clock = self.session.plane.clock
        assert isinstance(clock, VirtualClock)
        clock._set(clock.now() + seconds)


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """A cluster without actors."""
    session = await new_session()
    for name in ("robot", "other"):
        body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}
        await session.client.create(body)
    authority = Authority.open(tmp_path / "pki")
    tokens = ServiceAccountTokens(authority, session.plane.store, session.plane.clock.now)
    return World(session, tokens, Authentication(tokens.audiences, tokens))


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, as anybody can read it."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def test_a_token_makes_its_bearer_the_account(world: World) -> None:
    """The user has Kubernetes' name, groups and uid, and the token's own id."""
    user = world.user_of(token := await world.token())
    uid = world.session.plane.store.get(Key("serviceaccounts", "default", "robot")).uid  # type: ignore[union-attr]
    assert user == User(
        "system:serviceaccount:default:robot",
        ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"),
        uid,
        {"authentication.kubernetes.io/credential-id": (f"JTI={claims_of(token)['jti']}",)},
    )


async def test_the_answer_is_a_complete_token_request(world: World) -> None:
    """Defaults are filled in: an hour, for the API server."""
    status, answer = await world.ask("POST", TOKEN_PATH, {"apiVersion": "authentication.k8s.io/v1", "spec": {}})
    assert status == 201
    assert answer["kind"] == "TokenRequest"
    assert answer["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600, "boundObjectRef": None}
    assert answer["status"]["expirationTimestamp"] == "2025-01-01T01:00:00Z"
    claims = claims_of(answer["status"]["token"])
    assert (claims["iss"], claims["aud"], claims["exp"] - claims["iat"]) == (ISSUER, [ISSUER], 3600)
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "robot"


@pytest.mark.parametrize(
    ("seconds", "why"),
    [(599, "may not specify a duration less than 10 minutes"), (2**32 + 1, "larger than 2^32 seconds")],
)
async def test_a_life_has_bounds(world: World, seconds: int, why: str) -> None:
    """Ten minutes at least, 2^32 seconds at most; the message is what kubectl prints."""
    status, answer = await world.ask("POST", TOKEN_PATH, {"spec": {"expirationSeconds": seconds}})
    assert status == 422
    assert answer["message"].startswith('TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: ')
    assert why in answer["message"]


async def test_a_token_for_another_account_of_that_name(world: World) -> None:
    """Who knows the account's uid says so; a token for one that took its place is refused."""
    status, answer = await world.ask("POST", TOKEN_PATH, {"spec": {}})
    uid = answer["metadata"]["uid"]
    status, _ = await world.ask("POST", TOKEN_PATH, {"metadata": {"uid": uid}, "spec": {}})
    assert status == 201
    status, answer = await world.ask("POST", TOKEN_PATH, {"metadata": {"uid": "other"}, "spec": {}})
    why = f"the UID in the token request (other) does not match the UID of the service account ({uid})"
    operation = 'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "robot"'
    assert (status, answer["message"]) == (409, f"{operation}: {why}")


async def test_no_account_no_token(world: World) -> None:
    """404 names the account."""
    path = TOKEN_PATH.replace("robot", "nobody")
    status, answer = await world.ask("POST", path, {"spec": {}})
    assert (status, answer["message"]) == (404, 'serviceaccounts "nobody" not found')


async def test_a_token_expires(world: World) -> None:
    """A minute is added for clocks that differ, no more."""
    token = await world.token(expirationSeconds=600)
    world.later(659)
    assert world.user_of(token) is not None
    world.later(2)
    review = await world.review(token)
    assert review == {"error": "[invalid bearer token, service account token has expired]", "user": {}}


async def test_a_token_of_the_future(world: World) -> None:
    """One that was issued before the clock was set back by more than a minute is not valid yet."""
    world.later(61)
    token = await world.token()
    world.later(-60)
    assert world.user_of(token) is not None
    world.later(-1)
    assert "service account token is not valid yet" in (await world.review(token))["error"]


async def test_a_name_in_the_body_is_that_of_the_path(world: World) -> None:
    """Another one is refused in Kubernetes' words."""
    body = {"metadata": {"name": "other", "namespace": "else"}, "spec": {}}
    status, answer = await world.ask("POST", TOKEN_PATH, body)
    assert status == 422
    assert "must match the service account name if specified" in answer["message"]
    assert "must match the service account namespace if specified" in answer["message"]


async def test_a_token_outlives_its_pods_end_by_a_minute(world: World) -> None:
    """While a pod ends it may still talk to the API; an object that is only marked as deleted counts no longer."""
    body = {**POD, "metadata": {**POD["metadata"], "finalizers": ["example.com/wait"]}}
    pod = await world.session.client.create(body)
    token = await world.bound("Pod", "web")
    await world.session.client.delete(pod.key, grace_seconds=0)
    assert world.user_of(token) is not None
    world.later(62)
    assert "service account token has been invalidated" in (await world.review(token))["error"]


async def test_a_token_for_others_is_not_for_the_api(world: World) -> None:
    """It is refused as a credential, and good in a review that asks for its audience."""
    token = await world.token(audiences=["vault", "bank"])
    with pytest.raises(Exception, match="Unauthorized"):
        world.user_of(token)
    assert "is invalid for the target audiences" in (await world.review(token))["error"]
    review = await world.review(token, "bank", "shop")
    assert (review["authenticated"], review["audiences"]) == (True, ["bank"])


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_forged_token_is_refused(world: World, part: int) -> None:
    """Whatever is changed: header, claims or signature."""
    pieces = (await world.token()).split(".")
    middle = len(pieces[part]) // 2
    pieces[part] = pieces[part][:middle] + ("A" if pieces[part][middle] != "A" else "B") + pieces[part][middle + 1 :]
    with pytest.raises(Exception, match="Unauthorized"):
        world.user_of(".".join(pieces))


async def test_an_unsigned_token_is_refused(world: World) -> None:
    """`alg: none` and a key of one's own choice are old tricks."""
    claims = (await world.token()).split(".")[1]
    for header in ({"alg": "none"}, {"alg": "HS256", "kid": world.tokens.key.key_id}):
        encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        for signature in ("", "AAAA"):
            with pytest.raises(Exception, match="Unauthorized"):
                world.user_of(f"{encoded}.{claims}.{signature}")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "é.è.ê", "a" * 100_000, "e30.e30.e30", "W10.W10.AA"])
async def test_what_is_no_token_is_nobody(world: World, token: str) -> None:
    """Rubbish is answered like any wrong token (and nothing at all is no token)."""
    if not token:
        assert world.user_of(token) is None
        return
    with pytest.raises(Exception, match="Unauthorized"):
        world.user_of(token)
    assert (await world.review(token))["error"] == "invalid bearer token"


async def test_a_deleted_account_takes_its_tokens_along(world: World) -> None:
    """One of the same name that comes later is somebody else."""
    token, key = await world.token(), Key("serviceaccounts", "default", "robot")
    assert world.user_of(token) is not None
    await world.session.client.delete(key)
    assert 'serviceaccounts "robot" not found' in (await world.review(token))["error"]
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "default"}}
    await world.session.client.create(body)
    assert "does not match claim" in (await world.review(token))["error"]


async def test_a_token_bound_to_a_pod(world: World) -> None:
    """The bearer is known as that pod, and nobody any more when the pod is gone."""
    pod = await world.session.client.create(POD)
    token = await world.bound("Pod", "web")
    user = world.user_of(token)
    assert user is not None
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("web",)
    assert user.extra["authentication.kubernetes.io/pod-uid"] == (pod.uid,)
    await world.session.client.delete(pod.key, grace_seconds=0)
    assert "service account token has been invalidated" in (await world.review(token))["error"]
    await world.session.client.create(POD)
    assert "does not match service account pod ref claim" in (await world.review(token))["error"]


@pytest.mark.parametrize(("resource", "kind", "namespace"), [("secrets", "Secret", "default"), ("nodes", "Node", "")])
async def test_a_token_bound_to_something_else(world: World, resource: str, kind: str, namespace: str) -> None:
    """A Secret, a Node: the token goes with it."""
    metadata = {"name": "it", **({"namespace": namespace} if namespace else {})}
    await world.session.client.create({"apiVersion": "v1", "kind": kind, "metadata": metadata})
    token = await world.bound(kind, "it")
    user = world.user_of(token)
    assert user is not None
    assert ("authentication.kubernetes.io/node-name" in user.extra) == (kind == "Node")
    await world.session.client.delete(Key(resource, namespace, "it"))
    assert "service account token has been invalidated" in (await world.review(token))["error"]


async def test_bindings_that_cannot_be(world: World) -> None:
    """Another account's pod, another uid, an object of another kind, one that is not there."""
    pod = {**POD, "spec": {**POD["spec"], "serviceAccountName": "other"}}
    await world.session.client.create(pod)
    own = {**POD, "metadata": {"name": "own", "namespace": "default"}}
    await world.session.client.create(own)
    cases = {
        (400, "different serviceaccount name"): {"kind": "Pod", "name": "web"},
        (409, "might have been deleted and then recreated"): {"kind": "Pod", "name": "own", "uid": "x"},
        (400, "cannot bind token to object of type /v1, Kind=ConfigMap"): {"kind": "ConfigMap", "name": "c"},
        (404, 'pods "none" not found'): {"kind": "Pod", "name": "none"},
    }
    for (code, words), ref in cases.items():
        spec = {"boundObjectRef": {"apiVersion": "v1", **ref}}
        status, answer = await world.ask("POST", TOKEN_PATH, {"spec": spec})
        assert (status, words in answer["message"]) == (code, True), answer


async def test_a_pods_volume_gets_a_token_that_outlives_its_hour(world: World) -> None:
    """Programs that read their token once are not locked out: it warns after an hour and ends after a year."""
    await world.session.client.create(POD)
    ref = {"apiVersion": "v1", "kind": "Pod", "name": "web"}
    token = await world.token(boundObjectRef=ref, expirationSeconds=3607)
    claims = claims_of(token)
    assert claims["kubernetes.io"]["warnafter"] - claims["iat"] == 3607
    assert claims["exp"] - claims["iat"] == 365 * 24 * 3600
    world.later(24 * 3600)
    assert world.user_of(token) is not None


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "web"}, "audiences": ["vault"]},
        {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "web"}, "audiences": [ISSUER, "vault"]},
    ],
)
async def test_other_tokens_end_when_they_say(world: World, spec: dict[str, Any]) -> None:
    """A life of 3607 seconds is only stretched for a pod that talks to the API."""
    await world.session.client.create(POD)
    claims = claims_of(await world.token(**spec, expirationSeconds=3607))
    assert claims["exp"] - claims["iat"] == 3607
    assert "warnafter" not in claims["kubernetes.io"]


async def test_a_review_needs_a_token(world: World) -> None:
    """400 in Kubernetes' words."""
    status, answer = await world.ask("POST", REVIEWS, {"spec": {}})
    assert (status, answer["message"]) == (400, "token is required for TokenReview in authentication")


async def test_who_am_i(world: World) -> None:
    """`kubectl auth whoami`: name, uid, groups and extra, and no empty fields."""
    user = User("jane", ("dev",), extra={"scope": ("a", "b")})
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    status, answer = await world.ask("POST", path, {}, user)
    assert status == 201
    assert answer["metadata"] == {"creationTimestamp": "2025-01-01T00:00:00Z"}
    assert answer["status"] == {"userInfo": {"username": "jane", "groups": ["dev"], "extra": {"scope": ["a", "b"]}}}


async def test_others_check_tokens_with_the_published_key(world: World) -> None:
    """Discovery leads to the key set, and a JSON Web Key made of it verifies a token without us."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    _, document = await world.ask("GET", "/.well-known/openid-configuration")
    assert (document["issuer"], document["jwks_uri"]) == (ISSUER, f"{ISSUER}/openid/v1/jwks")
    parts = (world.tokens, world.authentication)
    response = await ask(world.session, "GET", "/openid/v1/jwks", parts=parts)
    assert response.content_type == "application/jwk-set+json"  # type: ignore[union-attr]
    (key,) = json_of(response)["keys"]

    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

    content, _, signature = (await world.token()).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP256R1()).public_key()
    public.verify(der, content.encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("path", [TOKEN_PATH, REVIEWS, "/apis/authentication.k8s.io/v1/selfsubjectreviews"])
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b"{", b'"x"', b"\xff"),
        *({"metadata": None, "spec": None}, {"metadata": []}, {"spec": []}, {"spec": {"token": 5}}),
        *({"spec": {"audiences": "x"}}, {"spec": {"audiences": [5]}}, {"spec": {"expirationSeconds": "x"}}),
        *({"spec": {"boundObjectRef": {}}}, {"spec": {"boundObjectRef": []}}, {"kind": "Pod"}, {"apiVersion": "v2"}),
        {"spec": {"expirationSeconds": 2**63 - 1}},
    ],
)
async def test_bad_bodies_are_answered(world: World, path: str, body: Any) -> None:
    """With a Status of the client's fault, or as if the strange part were not there; never with 500."""
    parts = (world.tokens, world.authentication)
    headers = {"content-type": "application/json"}
    response = await ask(world.session, "POST", path, body, headers, parts=parts)
    assert isinstance(response, Full)
    assert response.status in (201, 400, 422), json_of(response)


async def test_reviews_are_only_asked(world: World) -> None:
    """There is nothing to list, and discovery is only read."""
    for method, path in (("GET", REVIEWS), ("POST", "/openid/v1/jwks"), ("GET", TOKEN_PATH)):
        status, answer = await world.ask(method, path)
        assert (status, answer["reason"]) == (405, "MethodNotAllowed")
