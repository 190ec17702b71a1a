"""What cluster.yaml gives a Node, takes back, and leaves to others."""

from __future__ import annotations

from copy import deepcopy

import attrs

from kube_actors.actors.node.registration import SAID, NodeFacts, configure_node, node_body
from kube_actors.config.types import NodeConfig, Taint

FACTS = NodeFacts("10.0.0.1", "10.128.0.0/24", "simulated://1", "v1.36.0", "0" * 32)
PLAIN = NodeConfig("n", "simulated", capacity={"cpu": "1"})
RICH = attrs.evolve(
    PLAIN,
    labels={"zone": "a"},
    annotations={"owner": "us"},
    taints=(Taint("dedicated", "web", "NoSchedule"),),
    unschedulable=True,
)


def test_the_old_names_of_labels() -> None:
    """Charts of long ago still ask for nodes by them."""
    labels = node_body(PLAIN, FACTS)["metadata"]["labels"]
    assert labels["beta.kubernetes.io/os"] == labels["kubernetes.io/os"] == "linux"
    assert labels["beta.kubernetes.io/arch"] == labels["kubernetes.io/arch"]


def test_what_is_no_longer_said_goes() -> None:
    """A label, annotation, taint and cordon that cluster.yaml gave go with the line that gave them."""
    body = node_body(RICH, FACTS)
    assert body["metadata"]["labels"]["zone"] == "a"
    assert body["spec"]["taints"] == [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}]
    configure_node(body, PLAIN, FACTS)
    assert body == node_body(PLAIN, FACTS)
    assert "annotations" not in body["metadata"]


def test_what_others_set_stays() -> None:
    """Labels of people, a cordon and the node controller's taints are none of cluster.yaml's business."""
    body = node_body(RICH, FACTS)
    body["metadata"]["labels"]["mine"] = "1"
    body["spec"]["taints"].append({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"})
    configure_node(body, PLAIN, FACTS)
    body["spec"]["unschedulable"] = True
    configure_node(body, attrs.evolve(PLAIN, labels={"zone": "b"}), FACTS)
    assert (body["metadata"]["labels"]["mine"], body["metadata"]["labels"]["zone"]) == ("1", "b")
    assert body["spec"]["taints"] == [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]
    assert body["spec"]["unschedulable"] is True


def test_twice_is_once() -> None:
    """A node that registers itself again changes nothing."""
    body = node_body(RICH, FACTS)
    again = deepcopy(body)
    configure_node(again, RICH, FACTS)
    assert again == body


def test_a_spoiled_memory_is_no_memory() -> None:
    """Somebody wrote nonsense into our annotation: nothing is taken back, and it is written anew."""
    body = node_body(RICH, FACTS)
    said = body["metadata"]["annotations"][SAID]
    body["metadata"]["annotations"][SAID] = "{nonsense"
    configure_node(body, RICH, FACTS)
    assert body["metadata"]["annotations"][SAID] == said
