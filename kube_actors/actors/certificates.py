"""The certificate controller: approves what kubelets ask for, has approved requests signed, removes old ones."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.certificate_request import CertificateRequest, read_request
from kube_actors.api.times import parse_rfc3339
from kube_actors.errors import ApiError, KubeActorsError
from kube_actors.kernel import Actor
from kube_actors.log import Log
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.certificates import (
    SIGNERS,
    Approve,
    Refuse,
    Remove,
    RequestState,
    Sign,
    plan_certificate,
    removed_at,
)
from kube_actors.store import Commit, Revision

RESOURCE = "certificatesigningrequests.certificates.k8s.io"
RETRY_SECONDS = 0.05
SIGN_AGAIN_SECONDS = 10.0
Body = dict[str, Any]

log = Log(__name__)


class Signer(Protocol):
    """Issues certificates in the cluster's name."""

    def __call__(self, request: str, usages: frozenset[str], seconds: int) -> bytes:
        """The certificate in PEM for `spec.request`. ValueError for one that cannot be read.

        OSError or KubeActorsError when nothing can be signed now.
        """


class MayRequest(Protocol):
    """Asks whether somebody may create `certificatesigningrequests/SUBRESOURCE`."""

    def __call__(self, user: str, groups: tuple[str, ...], subresource: str, /) -> bool:
        """Whether the user of a request may have it approved without being looked at."""


class CertificatesActor(Actor[Describe]):
    """Looks at a request when it changed, and when its time has come; keys of its latch are (key, uid)."""

    def __init__(self, plane: ControlPlane, sign: Signer, may_request: MayRequest) -> None:
        self.plane = plane
        self.sign = sign
        self.may_request = may_request
        self.client = plane.controller_client("certificate-controller")
        self.unsubscribe: Callable[[], None] | None = None
        self.signed = 0

    async def started(self) -> None:
        """Look at every request once."""
        self.unsubscribe = self.plane.store.subscribe(self._committed, RESOURCE)
        for revision in self.plane.store.list(RESOURCE):
            self.context.ref.notify((revision.key, revision.uid))

    async def stopped(self) -> None:
        """Stop watching."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("certificates signed", str(self.signed)),)))

    def _committed(self, commit: Commit) -> None:
        if commit.kind != "deleted":
            self.context.ref.notify((commit.revision.key, commit.revision.uid))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Take the next step of each request; what somebody else changed meanwhile is looked at again."""
        for key, uid in sorted(keys):
            await trio.lowlevel.checkpoint()  # a signature takes a tenth of a millisecond, reading a request more
            revision = self.plane.find(key, uid)
            if revision is None or revision.projection.deleting is not None:
                continue
            try:
                await self._step(revision)
            except ApiError as error:
                if error.reason not in ("Conflict", "NotFound"):
                    raise
                self.context.notify_at(self.plane.clock.now() + RETRY_SECONDS, (key, uid))

    async def _step(self, revision: Revision) -> None:
        body, now = revision.body(), self.plane.clock.now()
        state = state_of(revision, body)
        match plan_certificate(state, now):
            case Remove():
                await self.client.delete(revision.key, uid=revision.uid)
                return
            case Approve(subresource, message):
                await self._approve(revision, body, subresource, message)
            case Refuse(message):
                await self._condition(revision, "status", "Failed", "SignerValidationFailure", message)
            case Sign(seconds):
                await self._sign(revision, body, seconds)
            case None:
                pass
        due = removed_at(state)
        if due is not None:
            self.context.notify_at(due, (revision.key, revision.uid))

    async def _approve(self, revision: Revision, body: Body, subresource: str, message: str) -> None:
        spec = body["spec"]
        if self.may_request(spec.get("username", ""), tuple(spec.get("groups") or ()), subresource):
            await self._condition(revision, "approval", "Approved", "AutoApproved", message)

    async def _condition(self, revision: Revision, subresource: str, kind: str, reason: str, message: str) -> None:
        def change(body: Body) -> None:
            condition = {"type": kind, "status": "True", "reason": reason, "message": message}
            body.setdefault("status", {}).setdefault("conditions", []).append(condition)

        await self.client.mutate(revision.key, change, subresource=subresource, uid=revision.uid)

    async def _sign(self, revision: Revision, body: Body, seconds: int) -> None:
        spec = body["spec"]
        try:
            certificate = self.sign(spec["request"], frozenset(spec["usages"]), seconds)
        except ValueError as error:
            await self._condition(revision, "status", "Failed", "SignerValidationFailure", str(error))
            return
        except (OSError, KubeActorsError) as error:
            log.error("a certificate request cannot be signed now", request=revision.key.name, error=str(error))
            self.context.notify_at(self.plane.clock.now() + SIGN_AGAIN_SECONDS, (revision.key, revision.uid))
            return

        def change(new: Body) -> None:
            new.setdefault("status", {})["certificate"] = base64.b64encode(certificate).decode("ascii")

        await self.client.mutate(revision.key, change, subresource="status", uid=revision.uid)
        self.signed += 1


def state_of(revision: Revision, body: Mapping[str, Any]) -> RequestState:
    """A stored request as the plan looks at it. What it asks for is read only while one of our signers has to know."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    conditions = {
        condition.get("type", ""): _written(condition, revision.projection.created)
        for condition in status.get("conditions") or []
    }
    issued = bool(status.get("certificate"))
    finished = issued or "Denied" in conditions or "Failed" in conditions
    return RequestState(
        created=revision.projection.created,
        signer=spec.get("signerName", ""),
        username=spec.get("username", ""),
        usages=frozenset(spec.get("usages") or ()),
        asked=None if finished or spec.get("signerName") not in SIGNERS else _asked(spec),
        expiration_seconds=spec.get("expirationSeconds"),
        conditions=conditions,
        issued=issued,
    )


def _asked(spec: Mapping[str, Any]) -> CertificateRequest | None:
    try:
        return read_request(spec.get("request") or "")
    except ValueError:
        return None


def _written(condition: Mapping[str, Any], otherwise: float) -> float:
    time = condition.get("lastUpdateTime")
    return parse_rfc3339(time) if time else otherwise
