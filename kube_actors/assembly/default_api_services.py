"""The APIServices of the groups that are served here: one for every group and version, as kube-aggregator keeps them.

They are there for programs that read them; which group answers for a path does not depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kube_actors.api.registry import Registry
from kube_actors.errors import ApiError
from kube_actors.kinds.hooks import Body
from kube_actors.store import Key
from kube_actors.writes import Client

AUTOMANAGED: Final = "kube-aggregator.kubernetes.io/automanaged"
# Group -> its priority in v1.36; clients prefer the group with the higher number when two have a resource of one name.
_GROUPS: Final[Mapping[str, int]] = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "resource.k8s.io": 15900,
}
# Priorities of versions that are not the usual one.
_VERSIONS: Final[Mapping[tuple[str, str], int]] = {
    ("", "v1"): 1,
    ("autoscaling", "v2"): 30,
    ("flowcontrol.apiserver.k8s.io", "v1"): 21,
}
_USUAL: Final = 15


def api_service_keys() -> frozenset[Key]:
    """What `publish_api_services` keeps."""
    return frozenset(_key(body) for body in _objects())


async def publish_api_services(client: Client) -> None:
    """Create what is missing and undo changes of the spec and of the label; what is right is not written again."""
    for body in _objects():
        live = client.get(_key(body))
        if live is None:
            await _create(client, body)
        elif not _is_as_wanted(live.body(), body):
            await client.mutate(live.key, lambda current, wanted=body: _restore(current, wanted))  # type: ignore[misc]


def _objects() -> list[Body]:
    """All but the group of APIServices itself, which no APIService stands for."""
    served = dict.fromkeys((resource.group, resource.version) for resource in Registry.built_in())
    return [_object(group, version) for group, version in served if group in _GROUPS]


def _object(group: str, version: str) -> Body:
    spec = {
        "group": group,
        "version": version,
        "groupPriorityMinimum": _GROUPS[group],
        "versionPriority": _VERSIONS.get((group, version), _USUAL),
    }
    metadata = {"name": f"{version}.{group}", "labels": {AUTOMANAGED: "onstart"}}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": metadata,
        "spec": {name: value for name, value in spec.items() if value != ""},
    }


def _key(body: Body) -> Key:
    return Key("apiservices.apiregistration.k8s.io", "", body["metadata"]["name"])


async def _create(client: Client, body: Body) -> None:
    try:
        await client.create(body)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def _is_as_wanted(live: Body, wanted: Body) -> bool:
    return bool(live["spec"] == wanted["spec"] and _labels(live).get(AUTOMANAGED) == "onstart")


def _restore(live: Body, wanted: Body) -> None:
    live["spec"] = dict(wanted["spec"])
    live["metadata"]["labels"] = {**_labels(live), AUTOMANAGED: "onstart"}


def _labels(body: Body) -> dict[str, str]:
    return body["metadata"].get("labels") or {}
