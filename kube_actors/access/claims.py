"""What a token of a service account says: its claims, and who that makes its bearer.

Two kinds, as in Kubernetes: tokens that were requested (they expire, are for certain audiences, and may be bound to an
object), and those kept in a Secret, which are valid for as long as it is there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from kube_actors.access.user import User, authenticated
from kube_actors.access.x509_user import CREDENTIAL_ID
from kube_actors.api.codecs import json
from kube_actors.records import frozen

LEGACY_ISSUER: Final = "kubernetes/serviceaccount"
LEGACY: Final = "kubernetes.io/serviceaccount/"
PRIVATE: Final = "kubernetes.io"
EXTRA: Final = "authentication.kubernetes.io/"
LONGEST_TOKEN: Final = 16_384
"""Characters; ours have about a thousand."""


@frozen
class Ref:
    """An object a token names: valid only while it has this uid."""

    name: str
    uid: str

    def dump(self) -> dict[str, str]:
        """As it stands in the token; a node that is not there has no uid."""
        return {"name": self.name, **({"uid": self.uid} if self.uid else {})}


@frozen
class Subject:
    """Whom a token speaks for, and what it is bound to."""

    namespace: str
    account: Ref
    pod: Ref | None = None
    node: Ref | None = None
    secret: Ref | None = None

    @property
    def user_name(self) -> str:
        """`system:serviceaccount:NAMESPACE:NAME`."""
        return f"system:serviceaccount:{self.namespace}:{self.account.name}"

    def user(self, credential: str = "") -> User:
        """The user, with the groups of all service accounts; `credential` is the token's `jti`."""
        found = {
            f"{EXTRA}node-name": self.node and self.node.name,
            f"{EXTRA}node-uid": self.node and self.node.uid,
            f"{EXTRA}pod-name": self.pod and self.pod.name,
            f"{EXTRA}pod-uid": self.pod and self.pod.uid,
            CREDENTIAL_ID: credential and f"JTI={credential}",
        }
        extra = {name: (value,) for name, value in found.items() if value}
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{self.namespace}")
        return authenticated(User(self.user_name, groups, self.account.uid, extra))

    def dump(self) -> dict[str, Any]:
        """The private claims of a requested token."""
        bound = {"node": self.node, "pod": self.pod, "secret": self.secret}
        named = {name: ref.dump() for name, ref in bound.items() if ref is not None}
        return {"namespace": self.namespace, **named, "serviceaccount": self.account.dump()}


@frozen
class Claims:
    """A token's claims as far as they are looked at. Times are epoch seconds; a legacy token has none."""

    issuer: str
    subject: Subject
    audiences: tuple[str, ...] = ()
    not_before: float | None = None
    expires: float | None = None
    token_id: str = ""

    @property
    def legacy(self) -> bool:
        """Whether the token is one that is kept in a Secret."""
        return self.issuer == LEGACY_ISSUER


@frozen
class Parsed:
    """A token taken apart; nothing is known yet of its signature."""

    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    content: bytes
    signature: bytes


def parsed(token: str) -> Parsed | None:
    """Take a token apart; None when it is no JSON Web Token."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST_TOKEN:
        return None
    try:
        header, payload = json.parse(_decoded(parts[0])), json.parse(_decoded(parts[1]))
        signature = _decoded(parts[2])
    except ValueError:
        return None
    if not isinstance(header, dict) or not isinstance(payload, dict):
        return None
    return Parsed(header, payload, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def claims_of(payload: Mapping[str, Any]) -> Claims | None:
    """The claims of a payload whose signature is right; None when they are not as we write them."""
    try:
        return _legacy(payload) if payload.get("iss") == LEGACY_ISSUER else _requested(payload)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def _requested(payload: Mapping[str, Any]) -> Claims | None:
    private = payload[PRIVATE]
    bound = {kind: _ref(private.get(kind)) for kind in ("pod", "node", "secret")}
    account = _ref(private["serviceaccount"])
    if account is None:
        return None
    subject = Subject(private["namespace"], account, **bound)
    audience = payload.get("aud") or []
    return Claims(
        issuer=payload["iss"],
        subject=subject,
        audiences=(audience,) if isinstance(audience, str) else tuple(str(each) for each in audience),
        not_before=float(payload["nbf"]) if "nbf" in payload else None,
        expires=float(payload["exp"]),
        token_id=str(payload.get("jti", "")),
    )


def _legacy(payload: Mapping[str, Any]) -> Claims:
    names = "namespace", "service-account.name", "service-account.uid", "secret.name"
    namespace, account, uid, secret = (str(payload[LEGACY + name]) for name in names)
    return Claims(LEGACY_ISSUER, Subject(namespace, Ref(account, uid), secret=Ref(secret, "")))


def _ref(value: Mapping[str, Any] | None) -> Ref | None:
    return None if value is None else Ref(str(value["name"]), str(value.get("uid", "")))


def _decoded(text: str) -> bytes:
    """Base64 for URLs, without padding. ValueError for anything else."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
