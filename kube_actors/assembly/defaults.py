"""What every cluster has from the beginning: four namespaces, roles and bindings, priorities and flow control."""

from __future__ import annotations

from collections.abc import Iterator

from kube_actors.access.roles.reconciled import reconcile_default_roles
from kube_actors.api.registry import Registry
from kube_actors.assembly import default_flow_control, default_priority_classes
from kube_actors.errors import ApiError
from kube_actors.kinds.hooks import Body
from kube_actors.store import Key
from kube_actors.writes import Client

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


async def create_defaults(client: Client) -> None:
    """Create what is not there yet; default roles also get back what they lost."""
    await restore_defaults(client)
    for body in default_priority_classes.default_objects():
        await _create(client, body)
    await reconcile_default_roles(client)


async def restore_defaults(client: Client) -> None:
    """Create again what is missing of the objects a cluster is never without (`kept_keys`), and put right what flow
    control needs."""
    for name in NAMESPACES:
        await _create(client, _namespace(name))
    for body in default_flow_control.default_objects():
        await _keep_up(client, body)


def kept_keys() -> frozenset[Key]:
    """The system's namespaces and its flow control: kube-apiserver, too, makes these again while it runs.

    Priority classes and roles it makes only when it starts.
    """
    return frozenset(_key(body) for body in _kept())


def _kept() -> Iterator[Body]:
    yield from map(_namespace, NAMESPACES)
    yield from default_flow_control.default_objects()


def _namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _key(body: Body) -> Key:
    resource = Registry.built_in().by_kind(body["apiVersion"], body["kind"])
    assert resource is not None, "default objects are of kinds that exist"
    return Key(resource.id, "", body["metadata"]["name"])


async def _keep_up(client: Client, body: Body) -> None:
    live = client.get(_key(body))
    if live is None:
        await _create(client, body)
        return
    plan = default_flow_control.plan_upkeep(body, live.body())
    if plan is None:
        return
    annotations, spec = plan["annotations"], plan["spec"]

    def change(current: Body) -> None:
        current["metadata"]["annotations"], current["spec"] = annotations, spec

    await client.mutate(live.key, change, uid=live.uid)


async def _create(client: Client, body: Body) -> None:
    if client.get(_key(body)) is not None:
        return
    try:
        await client.create(body)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
