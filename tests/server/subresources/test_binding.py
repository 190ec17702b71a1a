"""What a pod gets with its node: its labels of place, and what the Binding says of itself."""

from __future__ import annotations

from typing import Any

from kube_actors.verbs.session import Session
from tests.server.kit import ask, create, json_of, new_session, pod

PODS = "/api/v1/namespaces/default/pods"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"


async def with_node() -> Session:
    """A session with a node in a zone of a region."""
    session = await new_session("default")
    labels = {ZONE: "west-1", REGION: "west", "disk": "ssd"}
    await create(session, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": labels}})
    return session


async def labels_of(session: Session, name: str) -> dict[str, Any]:
    """The labels of a pod."""
    found: dict[str, Any] = json_of(await ask(session, "GET", f"{PODS}/{name}"))["metadata"].get("labels", {})
    return found


async def test_a_pod_says_where_its_node_is() -> None:
    """Once it is bound, or from the start when it is made with a node; what the pod said of that counts no more."""
    session = await with_node()
    await create(session, pod("web", {"app": "web", ZONE: "nowhere"}))
    binding = {"metadata": {"name": "web", "labels": {"by": "hand"}}, "target": {"name": "node-1"}}
    await ask(session, "POST", f"{PODS}/web/binding", binding)
    assert await labels_of(session, "web") == {"app": "web", "by": "hand", ZONE: "west-1", REGION: "west"}
    await create(session, pod("fixed", nodeName="node-1"))
    assert await labels_of(session, "fixed") == {ZONE: "west-1", REGION: "west"}


async def test_a_node_that_is_not_there_has_no_place() -> None:
    """The pod keeps its own labels."""
    session = await with_node()
    await create(session, pod("web", {"app": "web"}))
    await ask(session, "POST", f"{PODS}/web/binding", {"metadata": {"name": "web"}, "target": {"name": "gone"}})
    assert await labels_of(session, "web") == {"app": "web"}
