"""`kubectl rollout`: watching, pausing, restarting and taking back the changes of a Deployment."""

from __future__ import annotations

from tests.clients.kit import Program, eventually
from tests.clients.running_things import WAIT, apply, deployment, sh

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: rollout}
spec:
  nodes: [{name: node-1, runtime: simulated}]
"""
DONE = 'deployment "web" successfully rolled out'


def colour(kubectl: Program) -> str:
    """The value of COLOUR in the template."""
    return kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].env[0].value}").stdout


def paint(kubectl: Program, value: str) -> None:
    """Change COLOUR, and wait until every pod has it."""
    assert kubectl("set", "env", "deploy/web", f"COLOUR={value}").stdout == "deployment.apps/web env updated\n"
    kubectl("rollout", "status", "deploy/web", WAIT)


def revisions(kubectl: Program) -> list[list[str]]:
    """Number and change cause of every revision."""
    lines = kubectl("rollout", "history", "deploy/web").lines
    assert lines[:2] == ["deployment.apps/web ", "REVISION  CHANGE-CAUSE"]
    return [line.split() for line in lines[2:] if line]


def test_status(kubectl: Program) -> None:
    """Followed to the end, looked at once, for one revision, and of what is not there."""
    apply(kubectl, deployment("web", sh("main", "sleep 1000"), replicas=3))
    assert kubectl("rollout", "status", "deploy/web", WAIT).lines[-1] == DONE
    assert kubectl("rollout", "status", "deploy", "web", "--watch=false").lines == [DONE]
    paint(kubectl, "blue")
    old = kubectl("rollout", "status", "deploy/web", "--revision=1", code=1)
    assert old.stderr == "error: desired revision (1) is different from the running revision (2)\n"
    assert kubectl("rollout", "status", "deploy/web", "--revision=2").lines == [DONE]
    missing = kubectl("rollout", "status", "deploy/nope", code=1)
    assert missing.stderr == 'Error from server (NotFound): deployments.apps "nope" not found\n'


def test_a_rollout_that_gets_nowhere(kubectl: Program) -> None:
    """The time of the one who waits runs out, or the Deployment's own."""
    patient = deployment("web", sh("main", "sleep 1000"))
    patient["spec"]["template"]["spec"]["nodeSelector"] = {"no": "such"}
    apply(kubectl, patient)
    waited = kubectl("rollout", "status", "deploy/web", "--timeout=500ms", code=1)
    assert waited.stderr == "error: timed out waiting for the condition\n"
    patient["spec"]["progressDeadlineSeconds"] = 1
    apply(kubectl, patient)
    failed = kubectl("rollout", "status", "deploy/web", code=1)
    assert failed.stderr == 'error: deployment "web" exceeded its progress deadline\n'
    waits = 'Waiting for deployment "web" rollout to finish: 0 of 1 updated replicas are available...'
    assert set(waited.lines) == {waits}
    reason = "jsonpath={.status.conditions[?(@.type=='Progressing')].reason}"
    assert kubectl("get", "deploy", "web", "-o", reason).stdout == "ProgressDeadlineExceeded"


def test_history_and_undo(each_kubectl: Program) -> None:
    """Each template is a revision with its cause; going back makes the old one the newest."""
    kubectl = each_kubectl
    apply(kubectl, deployment("web", sh("main", "sleep 1000", env=[{"name": "COLOUR", "value": "red"}]), replicas=2))
    kubectl("rollout", "status", "deploy/web", WAIT)
    kubectl("annotate", "deploy", "web", "kubernetes.io/change-cause=first try")
    paint(kubectl, "blue")
    kubectl("annotate", "deploy", "web", "kubernetes.io/change-cause=blue", "--overwrite")
    eventually(lambda: revisions(kubectl) == [["1", "first", "try"], ["2", "blue"]])
    shown = kubectl("rollout", "history", "deploy/web", "--revision=2").stdout
    assert shown.startswith("deployment.apps/web with revision #2\nPod Template:\n  Labels:\tapp=web\n")
    assert "COLOUR:\tblue" in shown
    unknown = kubectl("rollout", "history", "deploy/web", "--revision=7", code=1)
    assert unknown.stderr == "error: unable to find the specified revision\n"

    tried = kubectl("rollout", "undo", "deploy/web", "--dry-run=server")
    assert tried.stdout == "deployment.apps/web rolled back (server dry run)\n"
    assert colour(kubectl) == "blue"
    unknown = kubectl("rollout", "undo", "deploy/web", "--to-revision=9", code=1)
    assert unknown.stderr.endswith("error: unable to find specified revision 9 in history\n")
    assert kubectl("rollout", "undo", "deploy/web").stdout == "deployment.apps/web rolled back\n"
    assert colour(kubectl) == "red"
    kubectl("rollout", "status", "deploy/web", WAIT)
    assert [number for number, *_ in revisions(kubectl)] == ["2", "3"]
    same = kubectl("rollout", "undo", "deploy/web", "--to-revision=3").stdout
    assert same == "deployment.apps/web skipped rollback (current template already matches revision 3)\n"
    kubectl("rollout", "undo", "deploy/web", "--to-revision=2")
    assert colour(kubectl) == "blue"


def test_restart(kubectl: Program) -> None:
    """Every pod is replaced, because the template has a new annotation."""
    apply(kubectl, deployment("web", sh("main", "sleep 1000"), replicas=2))
    kubectl("rollout", "status", "deploy/web", WAIT)
    before = set(kubectl("get", "pods", "-l", "app=web", "-o", "name").lines)
    assert kubectl("rollout", "restart", "deploy/web").stdout == "deployment.apps/web restarted\n"
    kubectl("rollout", "status", "deploy/web", WAIT)
    eventually(lambda: before.isdisjoint(kubectl("get", "pods", "-l", "app=web", "-o", "name").lines))
    stamp = kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.template.metadata.annotations}").stdout
    assert "kubectl.kubernetes.io/restartedAt" in stamp


def test_pause_and_resume(kubectl: Program) -> None:
    """Changes of a paused Deployment wait, and roll out together."""
    apply(kubectl, deployment("web", sh("main", "sleep 1000"), replicas=2))
    kubectl("rollout", "status", "deploy/web", WAIT)
    assert kubectl("rollout", "pause", "deploy/web").stdout == "deployment.apps/web paused\n"
    twice = kubectl("rollout", "pause", "deploy/web", code=1)
    assert twice.stderr == 'error: deployments.apps "web" is already paused\n'
    for value in ("blue", "green"):
        kubectl("set", "env", "deploy/web", f"COLOUR={value}")
    waits = kubectl("rollout", "status", "deploy/web", "--timeout=500ms", code=1)
    assert "Waiting for deployment" in waits.stdout
    restart = kubectl("rollout", "restart", "deploy/web", code=1).stderr
    assert 'deployments.apps "web" can\'t restart paused deployment (run rollout resume first)' in restart
    undo = kubectl("rollout", "undo", "deploy/web", "--to-revision=1", code=1).stderr
    assert "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume'" in undo
    assert len(revisions(kubectl)) == 1
    assert kubectl("rollout", "resume", "deploy/web").stdout == "deployment.apps/web resumed\n"
    twice = kubectl("rollout", "resume", "deploy/web", code=1)
    assert twice.stderr == 'error: deployments.apps "web" is not paused\n'
    assert kubectl("rollout", "status", "deploy/web", WAIT).lines[-1] == DONE
    assert len(revisions(kubectl)) == 2
    assert colour(kubectl) == "green"
