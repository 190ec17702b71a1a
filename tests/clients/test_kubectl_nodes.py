"""kubectl for those who look after nodes: cordon, drain, taint, top."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.clients.kit import Program, eventually
from tests.clients.running_things import WAIT, Body, apply, deployment, pod, run, sh

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: nodes}
spec:
  nodes: [{name: node-1, runtime: simulated}, {name: node-2, runtime: simulated}]
"""
SLEEPS = sh("main", "sleep 1000")
NODE = "node-2"
HERE: Body = {"nodeSelector": {"kubernetes.io/hostname": NODE}}
CONTINUES = f'error: unable to drain node "{NODE}" due to error: '


@pytest.fixture(autouse=True)
def _node_as_before(kubectl: Program) -> Iterator[None]:
    """Whatever a test does to the nodes is taken back."""
    yield
    kubectl("uncordon", NODE)
    kubectl("patch", "node", NODE, "--type=merge", "-p", '{"spec":{"taints":null}}')


def guarded(kubectl: Program, least: int) -> None:
    """A Deployment of two pods on the node, of which a budget lets none go below that number."""
    web = deployment("web", SLEEPS, replicas=2)
    web["spec"]["template"]["spec"].update(HERE)
    budget = {"minAvailable": least, "selector": {"matchLabels": {"app": "web"}}}
    apply(kubectl, web, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}})
    kubectl("patch", "pdb", "web", "--type=merge", "-p", json.dumps({"spec": budget}))
    kubectl("rollout", "status", "deploy/web", WAIT)
    allowed(kubectl, 2 - least)


def allowed(kubectl: Program, number: int) -> None:
    """Wait until the budget lets so many go."""
    eventually(
        lambda: kubectl("get", "pdb", "web", "-o", "jsonpath={.status.disruptionsAllowed}").stdout == str(number)
    )


def running_here(kubectl: Program) -> list[str]:
    """The pods on the node, as `pod/NAME`."""
    return kubectl("get", "pods", f"--field-selector=spec.nodeName={NODE}", "-o", "name").lines


def test_cordon(each_kubectl: Program) -> None:
    """Nothing new comes to the node; it is said in the table, and whether it was so before."""
    kubectl = each_kubectl
    assert kubectl("cordon", NODE).stdout == f"node/{NODE} cordoned\n"
    assert kubectl("cordon", NODE).stdout == f"node/{NODE} already cordoned\n"
    assert kubectl("get", "node", NODE).rows[1][1] == "Ready,SchedulingDisabled"
    apply(kubectl, pod("one", SLEEPS, **HERE))
    reason = "jsonpath={.status.conditions[?(@.type=='PodScheduled')].message}"
    eventually(lambda: "1 node(s) were unschedulable" in kubectl("get", "pod", "one", "-o", reason).stdout)
    assert kubectl("uncordon", NODE).stdout == f"node/{NODE} uncordoned\n"
    assert kubectl("uncordon", NODE).stdout == f"node/{NODE} already uncordoned\n"
    kubectl("wait", "--for=condition=Ready", "pod/one", WAIT)
    assert kubectl("cordon", "nope", code=1).stderr == 'Error from server (NotFound): nodes "nope" not found\n'


def test_drain_asks_before_it_destroys(kubectl: Program) -> None:
    """Pods that nobody makes again, and their local storage, go only when that is said."""
    volumes = [{"name": "scratch", "emptyDir": {}}]
    run(kubectl, pod("bare", SLEEPS, **HERE), pod("wet", SLEEPS, volumes=volumes, **HERE))
    refused = kubectl("drain", NODE, code=1)
    assert refused.stdout == f"node/{NODE} cordoned\n"
    assert refused.stderr.startswith(CONTINUES)
    here = kubectl.namespace
    assert f"cannot delete Pods that declare no controller (use --force to override): {here}/bare" in refused.stderr
    local = "cannot delete Pods with local storage (use --delete-emptydir-data to override)"
    assert local in refused.stderr
    assert running_here(kubectl) == ["pod/bare", "pod/wet"]
    chosen = kubectl("drain", NODE, "--force", "--pod-selector=app=bare")
    assert chosen.stderr == f"Warning: deleting Pods that declare no controller: {here}/bare\n"
    assert chosen.lines[-3:] == [f"evicting pod {here}/bare", "pod/bare evicted", f"node/{NODE} drained"]
    assert running_here(kubectl) == ["pod/wet"]
    assert f"{local}: {here}/wet" in kubectl("drain", NODE, "--force", code=1).stderr
    kubectl("drain", NODE, "--force", "--delete-emptydir-data", "--ignore-daemonsets")
    assert running_here(kubectl) == []


def test_drain_heeds_budgets(kubectl: Program) -> None:
    """It tries again until the budget allows, gives up when its time is over, and leaves the node cordoned."""
    guarded(kubectl, 2)
    before = running_here(kubectl)
    refused = kubectl("drain", NODE, "--timeout=1s", code=1)
    why = "(will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget."
    assert why in refused.stderr
    assert "global timeout reached: 1s" in refused.stderr
    assert running_here(kubectl) == before
    kubectl("patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"minAvailable":0}}')
    allowed(kubectl, 2)
    assert kubectl("drain", NODE, "--dry-run=server").lines[-1] == f"node/{NODE} drained (server dry run)"
    assert running_here(kubectl) == before
    drained = kubectl("drain", NODE)
    assert drained.lines[-1] == f"node/{NODE} drained"
    assert sorted(drained.lines[-3:-1]) == sorted(f"{name} evicted" for name in before)
    assert running_here(kubectl) == []


def test_drain_leaves_what_would_come_back(kubectl: Program) -> None:
    """Pods of a DaemonSet stay, if that is said."""
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [SLEEPS]}}
    daemons = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template},
    }
    apply(kubectl, daemons)
    uid = kubectl("get", "ds", "agent", "-o", "jsonpath={.metadata.uid}").stdout
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": uid, "controller": True}
    body = pod("agent", SLEEPS, nodeName=NODE)
    body["metadata"]["ownerReferences"] = [owner]
    run(kubectl, body)
    refused = kubectl("drain", NODE, code=1).stderr
    why = f"cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): {kubectl.namespace}/agent"
    assert why in refused
    drained = kubectl("drain", NODE, "--ignore-daemonsets")
    assert drained.stderr == f"Warning: ignoring DaemonSet-managed Pods: {kubectl.namespace}/agent\n"
    assert drained.lines[-1] == f"node/{NODE} drained"
    assert running_here(kubectl) == ["pod/agent"]


def test_drain_without_eviction(kubectl: Program) -> None:
    """Deleting asks no budget."""
    guarded(kubectl, 2)
    before = running_here(kubectl)
    drained = kubectl("drain", NODE, "--disable-eviction")
    assert sorted(drained.lines[-3:-1]) == sorted(f"{name} deleted" for name in before)
    assert running_here(kubectl) == []


def test_taint(each_kubectl: Program) -> None:
    """Added, refused twice, overwritten, removed; mistakes are told."""
    kubectl = each_kubectl
    shown = ("get", "node", NODE, "-o", "jsonpath={.spec.taints[*]['key','value','effect']}")
    assert kubectl("taint", "node", NODE, "for=ops:NoSchedule").stdout == f"node/{NODE} tainted\n"
    assert kubectl(*shown).stdout == "for ops NoSchedule"
    twice = kubectl("taint", "node", NODE, "for=dev:NoSchedule", code=1).stderr
    assert twice == f"error: node {NODE} already has for taint(s) with same effect(s) and --overwrite is false\n"
    assert kubectl("taint", "node", NODE, "for=dev:NoSchedule", "--overwrite").stdout == f"node/{NODE} modified\n"
    assert kubectl(*shown).stdout == "for dev NoSchedule"
    assert kubectl("taint", "node", NODE, "for:NoSchedule-").stdout == f"node/{NODE} untainted\n"
    assert kubectl(*shown).stdout == ""
    gone = kubectl("taint", "node", NODE, "for-", code=1).stderr
    assert gone == 'error: taint "for" not found\n'
    wrong = kubectl("taint", "node", NODE, "for=ops:Never", code=1).stderr
    assert wrong.startswith("error: invalid taint effect: Never, unsupported taint effect\n")


def test_a_taint_that_evicts(kubectl: Program) -> None:
    """Who does not tolerate it has to go, and an event tells why; who does stays."""
    tolerates = [{"key": "gone", "operator": "Exists"}]
    run(kubectl, pod("one", SLEEPS, **HERE), pod("stays", SLEEPS, tolerations=tolerates, **HERE))
    kubectl("taint", "node", NODE, "gone=yes:NoExecute")
    kubectl("wait", "--for=delete", "pod/one", WAIT)
    assert running_here(kubectl) == ["pod/stays"]
    events = ("get", "events", "--field-selector=reason=TaintManagerEviction", "-o", "jsonpath={.items[*].message}")
    eventually(lambda: kubectl(*events).stdout == f"Marking for deletion Pod {kubectl.namespace}/one")


def test_top(each_kubectl: Program) -> None:
    """There are no metrics, and it says so."""
    for what in ("pod", "node"):
        assert each_kubectl("top", what, code=1).stderr == "error: Metrics API not available\n"
