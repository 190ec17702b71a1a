"""The controllers of access at work: aggregation of cluster roles, and the status of flow schemas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from trio.testing import wait_all_tasks_blocked

from kube_actors.access.roles.reconciled import reconcile_default_roles
from kube_actors.access.user import User
from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.flow_schemas import LEVELS, SCHEMAS, FlowSchemas
from kube_actors.actors.role_aggregation import RoleAggregation
from kube_actors.assembly.default_flow_control import default_objects
from kube_actors.config.types import ClusterConfig
from kube_actors.store import Key
from kube_actors.testing.kernel import running_system
from kube_actors.writes import Client
from tests.access.roles import Cluster, binding, cluster_role, key, new_cluster, rule

BOB = User("bob", ("system:authenticated",))


@asynccontextmanager
async def running(*bodies: dict[str, Any]) -> AsyncIterator[Cluster]:
    """A cluster with the default roles, these objects, and both controllers."""
    cluster = await new_cluster()
    await reconcile_default_roles(cluster.admin)
    await cluster.create(*bodies)
    async with running_system() as stage:
        plane = ControlPlane(
            cluster.store, lambda identity: Client(cluster.pipeline, identity), stage.clock, ClusterConfig()
        )
        stage.system.spawn("role-aggregation", lambda: RoleAggregation(plane))
        stage.system.spawn("flow-schemas", lambda: FlowSchemas(plane))
        await wait_all_tasks_blocked()
        yield cluster


def body_of(cluster: Cluster, place: Key) -> dict[str, Any]:
    """An object as it is now."""
    live = cluster.admin.get(place)
    assert live is not None
    return live.body()


def part(name: str, label: str, *rules: dict[str, Any]) -> dict[str, Any]:
    """A ClusterRole that others gather by its label."""
    body = cluster_role(name, *rules)
    body["metadata"]["labels"] = {label: "true"}
    return body


async def test_the_first_look() -> None:
    """What is incomplete when the controller comes is completed; the default roles are complete from the beginning."""
    gathering = cluster_role("all", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"mine": "true"}}]})
    async with running(part("a", "mine", rule("get", "pods")), gathering) as cluster:
        assert body_of(cluster, key("ClusterRole", "all"))["rules"] == [rule("get", "pods")]
        managers = [
            entry["manager"] for entry in body_of(cluster, key("ClusterRole", "admin"))["metadata"]["managedFields"]
        ]
        assert managers == ["kube-actors"]


async def test_a_new_part_reaches_everybody_who_gathers_it() -> None:
    """What joins view is edit's and admin's too, and goes with its role."""
    async with running() as cluster:
        await cluster.create(binding("b", "admin", "User bob", namespace="default"))
        widgets = part("widgets", "rbac.authorization.k8s.io/aggregate-to-view", rule("get", "widgets", "example.com"))
        await cluster.create(widgets)
        await wait_all_tasks_blocked()
        for name in ("view", "edit", "admin"):
            assert widgets["rules"][0] in body_of(cluster, key("ClusterRole", name))["rules"]
        assert cluster.may(BOB, "get", "widgets", namespace="default", group="example.com")
        await cluster.admin.delete(key("ClusterRole", "widgets"))
        await wait_all_tasks_blocked()
        assert not cluster.may(BOB, "get", "widgets", namespace="default", group="example.com")


async def test_rules_written_by_hand_do_not_last() -> None:
    """The rules of a role that gathers are the controller's."""
    async with running() as cluster:
        place = key("ClusterRole", "all")
        await cluster.create(
            part("a", "mine", rule("get", "pods")),
            cluster_role("all", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"mine": "true"}}]}),
        )
        await wait_all_tasks_blocked()
        assert body_of(cluster, place)["rules"] == [rule("get", "pods")]
        await cluster.admin.mutate(place, lambda body: body.update(rules=[rule("*", "*", "*")]))
        await wait_all_tasks_blocked()
        assert body_of(cluster, place)["rules"] == [rule("get", "pods")]
        head = cluster.store.head
        await cluster.admin.mutate(place, lambda body: body["metadata"].update(annotations={"a": "b"}))
        await wait_all_tasks_blocked()
        assert cluster.store.head == head + 1


async def test_flow_schemas_say_whether_their_level_is_there() -> None:
    """The default ones are complete; one whose level goes dangles until it is back."""
    async with running() as cluster:
        await cluster.create(*default_objects())
        await wait_all_tasks_blocked()
        statuses = [each.body()["status"]["conditions"][0]["status"] for each in cluster.store.list(SCHEMAS)]
        assert statuses == ["False"] * 13
        await cluster.admin.delete(Key(LEVELS, "", "system"))
        await wait_all_tasks_blocked()
        dangling = body_of(cluster, Key(SCHEMAS, "", "system-nodes"))["status"]["conditions"][0]
        assert (dangling["status"], dangling["reason"]) == ("True", "NotFound")
        await cluster.create(next(each for each in default_objects() if each["metadata"]["name"] == "system"))
        await wait_all_tasks_blocked()
        assert body_of(cluster, Key(SCHEMAS, "", "system-nodes"))["status"]["conditions"][0]["status"] == "False"
