"""ServiceAccount: every pod runs as one, and gets the volume with which its programs reach the API."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Iterator
from typing import Any, ClassVar

import trio

from kube_actors.api import names
from kube_actors.errors import ApiError, forbidden
from kube_actors.kernel import ClusterClock
from kube_actors.kinds.facts import ServiceAccountFacts
from kube_actors.records import frozen
from kube_actors.store import Commit, Key, Revision, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

DEFAULT = "default"
MIRROR = "kubernetes.io/config.mirror"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_SECONDS = 3607
"""An hour and seven seconds: the odd number tells these tokens from those somebody asked for."""
ROOT_CA = "kube-root-ca.crt"
DEFAULT_MODE = 0o644
WAIT_FOR_DEFAULT = 1.5
"""Cluster seconds a pod waits for the account of its namespace, which may be so new that nobody has made it yet."""


@frozen(eq=False)
class ServiceAccounts:
    """Reads the accounts from the store; waits for a namespace's `default` by the clock."""

    resources: ClassVar[Resources] = frozenset({"pods"})
    store: Store
    clock: ClusterClock
    source: random.Random

    def matches(self, request: Request) -> bool:
        """New pods."""
        return request.operation is Operation.CREATE and not request.subresource

    def admit(self, request: Request) -> Awaitable[None] | None:
        """Name the account, add what its pods get; 403 when there is no such account."""
        spec = request.new.get("spec")
        if not isinstance(spec, dict):
            return None
        if MIRROR in (request.new["metadata"].get("annotations") or {}):
            _check_mirror(request, spec)
            return None
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = self.store.get(Key("serviceaccounts", request.key.namespace, name))
        if account is None and name == DEFAULT:
            return self._admit_later(request, spec)
        self._admit(request, spec, account)
        return None

    async def _admit_later(self, request: Request, spec: dict[str, Any]) -> None:
        key = Key("serviceaccounts", request.key.namespace, DEFAULT)
        self._admit(request, spec, await self._wait_for(key))

    async def _wait_for(self, key: Key) -> Revision | None:
        made = trio.Event()

        def committed(commit: Commit) -> None:
            if commit.key == key:
                made.set()

        unsubscribe = self.store.subscribe(committed, key.resource)
        try:
            with self.clock.move_on_after(WAIT_FOR_DEFAULT):
                await made.wait()
        finally:
            unsubscribe()
        return self.store.get(key)

    def _admit(self, request: Request, spec: dict[str, Any], account: Revision | None) -> None:
        if account is None:
            raise _no_account(request, spec["serviceAccountName"])
        facts: ServiceAccountFacts = account.projection.facts
        automount = spec.get("automountServiceAccountToken")
        if automount is None:
            automount = facts.automount
        if automount is not False:
            self._mount_token(spec)
        if not spec.get("imagePullSecrets") and facts.image_pull_secrets:
            spec["imagePullSecrets"] = [{"name": name} for name in facts.image_pull_secrets]

    def _mount_token(self, spec: dict[str, Any]) -> None:
        """Mount the volume where nothing is mounted yet; one that is there under its name is used again."""
        volumes: list[dict[str, Any]] = spec.get("volumes") or []
        own = next((each["name"] for each in volumes if each.get("name", "").startswith(VOLUME_PREFIX)), None)
        name = own or names.generated_name(VOLUME_PREFIX, self.source)
        mounted = False
        for container in _containers(spec):
            mounts = container.get("volumeMounts") or []
            if not any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
                mount = {"mountPath": MOUNT_PATH, "name": name, "readOnly": True}
                container["volumeMounts"] = [*mounts, mount]
                mounted = True
        if mounted and own is None:
            spec["volumes"] = [*volumes, {"name": name, "projected": _token_volume()}]


def _containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for field in ("initContainers", "containers"):
        for container in spec.get(field) or ():
            if isinstance(container, dict):
                yield container


def _token_volume() -> dict[str, Any]:
    """The token, the certificate it is to be shown to, and the namespace it is good for."""
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "defaultMode": DEFAULT_MODE,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [namespace]}},
        ],
    }


def _no_account(request: Request, name: str) -> ApiError:
    place = f"{request.key.namespace}/{name}"
    why = f'error looking up service account {place}: serviceaccount "{name}" not found'
    return forbidden("pods", request.key.name, why)


def _check_mirror(request: Request, spec: dict[str, Any]) -> None:
    """A mirror pod only shows what a node runs without the API: it cannot be somebody there."""
    if spec.get("serviceAccountName") or spec.get("serviceAccount"):
        raise forbidden("pods", request.key.name, "a mirror pod may not reference service accounts")
    for volume in spec.get("volumes") or ():
        sources = (volume.get("projected") or {}).get("sources") or ()
        if any(source.get("serviceAccountToken") for source in sources):
            why = "a mirror pod may not use ServiceAccountToken volume projections"
            raise forbidden("pods", request.key.name, why)
        if volume.get("secret"):
            why = "a mirror pod may not reference secrets"
            raise forbidden("pods", request.key.name, why)
