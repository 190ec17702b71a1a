"""Who may what, asked and changed with the real kubectl."""

from __future__ import annotations

import json
from typing import Any

from tests.clients.kit import Program, eventually

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: access}
spec:
  nodes: [{name: node-1, runtime: simulated}]
"""

RBAC = "rbac.authorization.k8s.io"


def rec(namespace: str, verb: str, user: str) -> str:
    """A role for pods and its binding, with the namespaces without which kubectl reconciles nothing."""
    role: dict[str, Any] = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "pods", "namespace": namespace},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}],
    }
    binding: dict[str, Any] = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "pods", "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "pods"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, binding]})


def test_can_i(each_kubectl: Program) -> None:
    """The owner may everything; somebody else what a binding gives, where it gives it."""
    kubectl = each_kubectl
    assert kubectl("auth", "can-i", "delete", "nodes").stdout == "yes\n"
    assert kubectl("auth", "can-i", "get", "pods", "--as", "bob", code=1).stdout == "no\n"
    kubectl("create", "rolebinding", "view", "--clusterrole=view", "--user=bob")
    assert kubectl("auth", "can-i", "get", "pods", "--as", "bob").stdout == "yes\n"
    assert kubectl("auth", "can-i", "get", "pods", "--subresource=log", "--as", "bob").stdout == "yes\n"
    assert kubectl("auth", "can-i", "get", "secrets", "--as", "bob", code=1).stdout == "no\n"
    assert kubectl("auth", "can-i", "get", "/version", "--as", "bob").stdout == "yes\n"
    assert kubectl("auth", "can-i", "get", "/metrics", "--as", "bob", code=1).stdout == "no\n"
    assert kubectl.within("default")("auth", "can-i", "get", "pods", "--as", "bob", code=1).stdout == "no\n"


def test_can_i_list(each_kubectl: Program) -> None:
    """Every permission is a row."""
    kubectl = each_kubectl
    assert kubectl("auth", "can-i", "--list").rows[1] == ["*.*", "[]", "[]", "[*]"]
    kubectl("create", "role", "one", "--verb=get", "--resource=secrets", "--resource-name=mine")
    kubectl("create", "rolebinding", "one", "--role=one", "--group=ops")
    rows = kubectl("auth", "can-i", "--list", "--as", "bob", "--as-group", "ops").rows
    assert ["secrets", "[]", "[mine]", "[get]"] in rows
    assert ["selfsubjectreviews.authentication.k8s.io", "[]", "[]", "[create]"] in rows


def test_acting_as_somebody(kubectl: Program) -> None:
    """The request is somebody else's in every way; whoever may not become another is told so."""
    told = kubectl("auth", "whoami", "--as", "bob", "--as-group", "ops", "--as-uid", "7").rows
    assert ["Username", "bob"] in told
    assert ["UID", "7"] in told
    assert ["Groups", "[ops system:authenticated]"] in told
    refused = kubectl("get", "secrets", "--as", "bob", code=1).stderr
    assert refused == (
        'Error from server (Forbidden): secrets is forbidden: User "bob" cannot list resource "secrets" '
        f'in API group "" in the namespace "{kubectl.namespace}"\n'
    )


def test_reconcile(kubectl: Program) -> None:
    """Roles and subjects get what they lack, and keep the rest."""
    space = kubectl.namespace
    told = kubectl("auth", "reconcile", "-f", "-", stdin=rec(space, "get", "ann"))
    assert told.lines == [f"{kind}.{RBAC}/pods reconciled" for kind in ("role", "rolebinding")]
    kubectl("auth", "reconcile", "-f", "-", stdin=rec(space, "list", "eve"))
    for verb in ("get", "list"):
        for user in ("ann", "eve"):
            assert kubectl("auth", "can-i", verb, "pods", "--as", user).stdout == "yes\n"
    kubectl("auth", "reconcile", "-f", "-", "--remove-extra-permissions", stdin=rec(space, "list", "eve"))
    assert kubectl("auth", "can-i", "get", "pods", "--as", "ann", code=1).stdout == "no\n"


def test_nobody_gives_what_they_do_not_have(kubectl: Program) -> None:
    """An administrator of a namespace gives access to it, and no more than their own."""
    kubectl("create", "rolebinding", "admin", "--clusterrole=admin", "--user=ann")
    kubectl("create", "rolebinding", "edit", "--clusterrole=edit", "--user=bob", "--as", "ann")
    refused = kubectl(
        "create", "rolebinding", "root", "--clusterrole=cluster-admin", "--user=ann", "--as", "ann", code=1
    ).stderr
    assert "is attempting to grant RBAC permissions not currently held" in refused
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in refused
    refused = kubectl("create", "role", "nodes", "--verb=get", "--resource=nodes", "--as", "ann", code=1).stderr
    assert '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}' in refused
    kubectl("create", "role", "pods", "--verb=get", "--resource=pods", "--as", "ann")
    changed = kubectl("patch", "rolebinding", "edit", "-p", '{"roleRef":{"name":"view"}}', code=1).stderr
    assert "cannot change roleRef" in changed


def test_roles_that_gather(kubectl: Program) -> None:
    """A cluster role with the label of view is part of it soon after."""
    name = f"parts-{kubectl.namespace}"
    kubectl("create", "clusterrole", name, "--verb=list", "--resource=nodes")
    kubectl("label", "clusterrole", name, f"{RBAC}/aggregate-to-view=true")
    kubectl("create", "clusterrolebinding", name, "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:default")
    account = f"system:serviceaccount:{kubectl.namespace}:default"
    eventually(lambda: kubectl("get", "nodes", "--as", account, code=None).returncode == 0)
    kubectl("delete", "clusterrole,clusterrolebinding", name)
    assert kubectl("get", "nodes", "--as", account, code=1).stdout == ""
