"""The tokens controller: fills Secrets of the type `kubernetes.io/service-account-token`, and removes those whose
account is gone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Protocol

import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.namespace_object import EVERYWHERE
from kube_actors.actors.token_tracking import token_tracking
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.records import frozen
from kube_actors.store import Commit, Key, Revision

TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
ACCOUNT_UID = "kubernetes.io/service-account.uid"
LAST_USED = "kubernetes.io/legacy-token-last-used"
RETRY_SECONDS = 0.05
OBJECTS_BETWEEN_CHECKPOINTS = 16
_MARK = f'"type":"{TYPE}"'.encode()
"""In the canonical JSON of such a Secret, and of no other: inside a string the quotes would be escaped."""
Body = dict[str, Any]


@frozen
class Used:
    """A Secret whose token was used, and on which day."""

    key: Key
    uid: str
    day: str


class IssueLegacy(Protocol):
    """Signs tokens that are kept in Secrets."""

    def __call__(self, namespace: str, account: str, uid: str, secret: str) -> str:
        """A token for the account, good for as long as the Secret holds it."""


class TokenSecretsActor(Actor[Describe]):
    """Looks at a Secret when it or its account changed; keys of its latch are (key, uid), or `Used`: that a Secret's
    token was used, which its label is to say.

    `ca_pem` gives the certificate of the authority that clients are to trust; whoever renews it notifies of EVERYWHERE.
    """

    def __init__(self, plane: ControlPlane, issue: IssueLegacy, ca_pem: Callable[[], bytes]) -> None:
        self.plane = plane
        self.issue = issue
        self.ca_pem = ca_pem
        self.client = plane.controller_client("tokens-controller")
        self.unsubscribe: list[Callable[[], None]] = []
        self.filled = 0

    async def started(self) -> None:
        """Look at every such Secret once, and say since when their use is noted."""
        store = self.plane.store
        self.context.spawn("tracking", lambda: token_tracking(self.plane))
        self.unsubscribe = [
            store.subscribe(self._secret_committed, "secrets"),
            store.subscribe(self._account_committed, "serviceaccounts"),
        ]
        self._look_at(store.list("secrets"))

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("secrets filled", str(self.filled)),)))

    def _secret_committed(self, commit: Commit) -> None:
        if commit.kind != "deleted":
            self._look_at((commit.revision,))

    def _account_committed(self, commit: Commit) -> None:
        """One that goes takes its Secrets along; one that comes is another account than the one before."""
        if commit.kind != "modified":
            self._look_at(self.plane.store.list("secrets", commit.key.namespace))

    def _look_at(self, secrets: Any) -> None:
        for revision in secrets:
            if _MARK in revision.raw:  # most Secrets are something else, and large ones are slow to parse
                self.context.ref.notify((revision.key, revision.uid))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Fill or remove each Secret; what somebody else changed meanwhile is looked at again."""
        if EVERYWHERE in keys:
            self._look_at(self.plane.store.list("secrets"))
            keys -= {EVERYWHERE}
        used = {each for each in keys if isinstance(each, Used)}
        for each in used:
            await self._note(each)
        for number, (key, uid) in enumerate(sorted(keys - used)):
            if number % OBJECTS_BETWEEN_CHECKPOINTS == 0:
                await trio.lowlevel.checkpoint()
            revision = self.plane.find(key, uid)
            if revision is None or revision.projection.deleting is not None:
                continue
            try:
                await self._keep(revision)
            except ApiError as error:
                if error.reason not in ("Conflict", "NotFound"):
                    raise
                self.context.notify_at(self.plane.clock.now() + RETRY_SECONDS, (key, uid))

    async def _note(self, used: Used) -> None:
        def change(body: Body) -> None:
            body["metadata"].setdefault("labels", {})[LAST_USED] = used.day

        try:
            await self.client.mutate(used.key, change, uid=used.uid)
        except ApiError as error:
            if error.reason not in ("Conflict", "NotFound"):
                raise  # else it is told of again with the next use

    async def _keep(self, revision: Revision) -> None:
        body, key = revision.body(), revision.key
        annotations = body["metadata"].get("annotations") or {}
        name, uid = annotations.get(ACCOUNT_NAME, ""), annotations.get(ACCOUNT_UID, "")
        account = self.plane.store.get(Key("serviceaccounts", key.namespace, name))
        if account is None or (uid and uid != account.uid):
            await self.client.delete(key, uid=revision.uid)
            return
        wanted = self._data(body.get("data") or {}, key, name, account.uid)
        if not wanted and uid:
            return

        def change(new: Body) -> None:
            new.setdefault("data", {}).update(wanted)
            new["metadata"].setdefault("annotations", {})[ACCOUNT_UID] = account.uid

        await self.client.mutate(key, change, uid=revision.uid)
        self.filled += 1

    def _data(self, data: dict[str, str], key: Key, account: str, uid: str) -> dict[str, str]:
        """What is missing or wrong of a Secret's data, in base64. A token that is there stays."""
        fixed = {"ca.crt": _encoded(self.ca_pem()), "namespace": _encoded(key.namespace.encode())}
        wanted = {name: value for name, value in fixed.items() if data.get(name) != value}
        if not data.get("token"):
            wanted["token"] = _encoded(self.issue(key.namespace, account, uid, key.name).encode("ascii"))
        return wanted


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
