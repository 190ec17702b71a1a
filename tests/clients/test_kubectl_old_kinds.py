"""ReplicationControllers with kubectl: pods as of a ReplicaSet, under the name of the old kind."""

from __future__ import annotations

from tests.clients.kit import Program, eventually
from tests.clients.running_things import WAIT, apply, pod, sh

LABELS = {"app": "old", "role": "primary"}


def test_from_creation_to_the_end(kubectl: Program) -> None:
    """It is described, scaled (with waiting), exposed and deleted with its pods."""
    template = {"metadata": {"labels": LABELS}, "spec": pod("x", sh("main", "echo up; sleep 600"))["spec"]}
    spec = {"replicas": 1, "selector": LABELS, "template": template}
    apply(kubectl, {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "old"}, "spec": spec})
    eventually(lambda: kubectl("get", "pods", "-l", "app=old", "-o", "name").lines)
    kubectl("wait", "--for=condition=Ready", WAIT, "pod", "-l", "app=old")
    (name,) = kubectl("get", "pods", "-l", "app=old", "-o", "name").lines
    described = kubectl("describe", name).stdout
    assert "Controlled By:  ReplicationController/old" in described
    eventually(lambda: "1 Running / 0 Waiting / 0 Succeeded" in kubectl("describe", "rc", "old").stdout)
    told = eventually(lambda: [line for line in kubectl("describe", "rc", "old").lines if "SuccessfulCreate" in line])
    assert "replication-controller" in told[0]
    assert kubectl("scale", "rc", "old", "--replicas=2", WAIT).lines == ["replicationcontroller/old scaled"]
    assert len(kubectl("get", "pods", "-l", "app=old", "-o", "name").lines) == 2
    assert kubectl("get", "rc", "old").rows[1][:3] == ["old", "2", "2"]
    kubectl("expose", "rc", "old", "--name=front", "--port=1234", "--target-port=6379")
    assert kubectl("get", "service", "front", "-o", "jsonpath={.spec.selector}").json == LABELS
    kubectl("delete", "rc", "old", "--cascade=foreground", WAIT)
    assert kubectl("get", "pods", "-l", "app=old", "-o", "name").lines == []
