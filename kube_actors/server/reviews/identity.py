"""Who somebody is: the bearer of a token (TokenReview), and the one who asks (SelfSubjectReview)."""

from __future__ import annotations

from typing import Final

from kube_actors.access.authenticators import Authentication, TokenRefused
from kube_actors.access.user import User
from kube_actors.api.times import rfc3339
from kube_actors.errors import bad_request
from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import represent
from kube_actors.server.writing.bodies import Expected, check_types, read_body
from kube_actors.server.writing.options import read_options

INVALID: Final = "invalid bearer token"


async def token_review(call: Call) -> Response:
    """201 with `status` saying whose token it is, for whom, or why it is nobody's; 400 without a token."""
    body = await call.work.run(_read, call)
    spec = body.get("spec") or {}
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    body["status"] = _reviewed(call.api.part(Authentication), spec["token"], tuple(spec.get("audiences") or ()))
    return represent(call, body, 201)


async def self_subject_review(call: Call) -> Response:
    """201 with the user as the API sees him after impersonation: `kubectl auth whoami`."""
    body = await call.work.run(_read, call)
    body["metadata"] = {**body["metadata"], "creationTimestamp": rfc3339(call.api.session.now)}
    body["status"] = {"userInfo": user_info(call.user)}
    return represent(call, body, 201)


def user_info(user: User) -> Body:
    """A user as `authentication.k8s.io/v1 UserInfo`."""
    extra = {name: list(values) for name, values in user.extra.items()}
    fields = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}
    return {name: value for name, value in fields.items() if value}


def _reviewed(authentication: Authentication, token: str, audiences: tuple[str, ...]) -> Body:
    try:
        verified = authentication.verify(token, audiences)
    except TokenRefused as refusal:
        return {"error": f"[{INVALID}, {refusal}]", "user": {}}
    if verified is None:
        return {"error": INVALID, "user": {}}
    status: Body = {"authenticated": True, "user": user_info(verified.user)}
    return {**status, "audiences": list(verified.audiences)} if verified.audiences else status


def _read(call: Call) -> Body:
    options = read_options(call, "CreateOptions")
    body = read_body(call, options.validation)
    check_types(body, Expected.of(call))
    body["metadata"] = body.get("metadata") or {}
    return body
