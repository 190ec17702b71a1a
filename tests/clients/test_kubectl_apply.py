"""`kubectl apply` from the client's side and the server's, pruning, and `kubectl diff`."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.clients.kit import Program

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: applied}
spec:
  nodes: [{name: node-1, runtime: simulated}]
"""

LAST: Final = "kubectl.kubernetes.io/last-applied-configuration"


def config_map(name: str = "settings", **data: str) -> str:
    """A document with these entries and the label `app: shop`."""
    metadata = {"name": name, "labels": {"app": "shop"}}
    return "---\n" + json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}) + "\n"


def data_of(kubectl: Program, name: str = "settings") -> Any:
    """The entries there are."""
    return kubectl("get", "configmap", name, "-o", "json").json.get("data")


def deployment(**spec: Any) -> str:
    """A deployment of one container that runs `a:1`; `spec` adds to its spec."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "a:1"}]}}
    whole = {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": whole})


def managers(kubectl: Program, *what: str) -> dict[str, str]:
    """Who manages an object, and how."""
    body = kubectl("get", *what, "-o", "json", "--show-managed-fields").json
    return {each["manager"]: each["operation"] for each in body["metadata"].get("managedFields", [])}


def test_client_side(each_kubectl: Program) -> None:
    """Created, unchanged, configured; a dropped entry goes, what others added stays."""
    kubectl = each_kubectl
    first, second = config_map(a="1", b="2"), config_map(a="1", c="3")
    assert kubectl("apply", "-f", "-", stdin=first).stdout == "configmap/settings created\n"
    assert kubectl("apply", "-f", "-", stdin=first).stdout == "configmap/settings unchanged\n"
    kubectl("patch", "cm", "settings", "-p", '{"data": {"other": "4"}}')
    assert kubectl("apply", "-f", "-", stdin=second).stdout == "configmap/settings configured\n"
    assert data_of(kubectl) == {"a": "1", "c": "3", "other": "4"}


def test_lists_are_merged_by_their_keys(kubectl: Program) -> None:
    """A container that somebody else added stays when the applied one changes."""
    kubectl("apply", "-f", "-", stdin=deployment())
    side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s:1"}]}}}}
    kubectl("patch", "deployment", "web", "-p", json.dumps(side))
    kubectl("apply", "-f", "-", stdin=deployment(replicas=3).replace("a:1", "a:2"))
    web = kubectl("get", "deployment", "web", "-o", "json").json["spec"]
    images = {each["name"]: each["image"] for each in web["template"]["spec"]["containers"]}
    assert (images, web["replicas"]) == ({"main": "a:2", "side": "s:1"}, 3)
    kubectl("apply", "-f", "-", stdin=deployment())
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}").stdout == "1"


def test_what_was_not_applied_before(kubectl: Program) -> None:
    """Is told, and mended."""
    kubectl("create", "configmap", "settings", "--from-literal=a=1")
    told = kubectl("apply", "-f", "-", stdin=config_map(b="2"))
    assert f"Warning: resource configmaps/settings is missing the {LAST} annotation" in told.stderr
    assert data_of(kubectl) == {"a": "1", "b": "2"}
    assert kubectl("apply", "-f", "-", stdin=config_map(b="2")).stdout == "configmap/settings unchanged\n"


def test_dry(kubectl: Program) -> None:
    """Nothing changes; the server says what would be."""
    kubectl("apply", "-f", "-", stdin=config_map(a="1"))
    told = kubectl("apply", "--dry-run=server", "-f", "-", "-o", "json", stdin=config_map(b="2")).json
    assert told["data"] == {"b": "2"}
    told = kubectl("apply", "--dry-run=client", "-f", "-", stdin=config_map(b="2")).stdout
    assert told == "configmap/settings configured (dry run)\n"
    assert data_of(kubectl) == {"a": "1"}


def test_the_last_applied(each_kubectl: Program) -> None:
    """Shown, set and edited by itself."""
    kubectl = each_kubectl
    kubectl("apply", "-f", "-", stdin=config_map(a="1"))
    assert kubectl("apply", "view-last-applied", "cm", "settings", "-o", "json").json["data"] == {"a": "1"}
    told = kubectl("apply", "set-last-applied", "-f", "-", stdin=config_map(z="9")).stdout
    assert told == "configmap/settings configured\n"
    assert data_of(kubectl) == {"a": "1"}
    assert kubectl("apply", "view-last-applied", "cm/settings", "-o", "json").json["data"] == {"z": "9"}
    editor = "sed -i s/z:/w:/"
    told = kubectl("apply", "edit-last-applied", "cm/settings", KUBE_EDITOR=editor).stdout
    assert told == "configmap/settings edited\n"
    assert kubectl("apply", "view-last-applied", "cm/settings", "-o", "json").json["data"] == {"w": "9"}


def test_pruning(each_kubectl: Program) -> None:
    """What has the label and is in no file any more goes; with a list, of those kinds only."""
    kubectl = each_kubectl
    three = [config_map(name, a="1") for name in ("one", "two", "three")]
    listed = ("--prune", "-l", "app=shop", "--prune-allowlist=core/v1/ConfigMap")
    kubectl("apply", "-f", "-", *listed, stdin="".join(three))
    kubectl("create", "secret", "generic", "kept")
    kubectl("label", "secret", "kept", "app=shop")
    told = kubectl("apply", "-f", "-", *listed, stdin="".join(three[:2])).lines
    assert told == ["configmap/one unchanged", "configmap/two unchanged", "configmap/three pruned"]
    told = kubectl("apply", "-f", "-", "--prune", "-l", "app=shop", stdin=three[0]).lines
    assert told == ["configmap/one unchanged", "configmap/two pruned"]
    assert kubectl("get", "cm", "-l", "app=shop", "-o", "name").lines == ["configmap/one"]
    assert kubectl("get", "secret", "kept", "-o", "name").lines == ["secret/kept"]  # it was never applied


def test_apply_sets(each_kubectl: Program) -> None:
    """A set remembers its members in a Secret, and prunes those that left it."""
    kubectl = each_kubectl
    both = config_map("one", a="1") + config_map("two", a="1")
    arguments = ("apply", "-f", "-", "--prune", "--applyset=shop")
    kubectl(*arguments, stdin=both, KUBECTL_APPLYSET="true")
    parent = kubectl("get", "secret", "shop", "-o", "json").json["metadata"]
    assert parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap"
    member = kubectl("get", "cm", "one", "-o", "json").json["metadata"]["labels"]
    assert member["applyset.kubernetes.io/part-of"] == parent["labels"]["applyset.kubernetes.io/id"]
    told = kubectl(*arguments, stdin=config_map("one", a="1"), KUBECTL_APPLYSET="true").lines
    assert told == ["configmap/one unchanged", "configmap/two pruned"]
    strange = kubectl(*arguments[:-1], "--applyset=configmaps/one", stdin=both, KUBECTL_APPLYSET="true", code=1).stderr
    assert "already exists and is missing required annotation" in strange


def test_server_side(each_kubectl: Program) -> None:
    """Applying owns fields; dropping them removes them; what two own stays until both let go."""
    kubectl = each_kubectl
    own = ("apply", "--server-side", "-f", "-")
    other = (*own, "--field-manager=other")
    assert kubectl(*own, stdin=config_map(a="1", b="2")).stdout == "configmap/settings serverside-applied\n"
    kubectl(*other, stdin=config_map(b="2", c="3"))
    assert managers(kubectl, "cm", "settings") == {"kubectl": "Apply", "other": "Apply"}
    kubectl(*own, stdin=config_map(z="0"))
    assert data_of(kubectl) == {"b": "2", "c": "3", "z": "0"}
    kubectl(*other, stdin=config_map())
    assert data_of(kubectl) == {"z": "0"}


def test_conflicts(each_kubectl: Program) -> None:
    """Another's field is refused by name, with what to do; by force it changes hands."""
    kubectl = each_kubectl
    kubectl("apply", "--server-side", "-f", "-", stdin=config_map(a="1", b="1"))
    other = ("apply", "--server-side", "-f", "-", "--field-manager=other")
    refused = kubectl(*other, stdin=config_map(a="2", b="2"), code=1).stderr
    assert refused.startswith('error: Apply failed with 2 conflicts: conflicts with "kubectl":\n- .data.a\n- .data.b\n')
    assert "--force-conflicts" in refused
    assert data_of(kubectl) == {"a": "1", "b": "1"}
    refused = kubectl(*other, stdin=config_map(a="2", b="1"), code=1).stderr
    assert refused.startswith('error: Apply failed with 1 conflict: conflict with "kubectl": .data.a\n')
    kubectl(*other, "--force-conflicts", stdin=config_map(a="2"))
    assert data_of(kubectl) == {"a": "2", "b": "1"}
    back = kubectl("apply", "--server-side", "-f", "-", stdin=config_map(a="1", b="1"), code=1).stderr
    assert 'conflict with "other": .data.a' in back


def test_conflicts_with_other_ways_of_writing(kubectl: Program) -> None:
    """Scaling and setting an image own what they write; containers are named in the path."""
    kubectl("apply", "--server-side", "-f", "-", stdin=deployment(replicas=1))
    kubectl("scale", "deployment", "web", "--replicas=3")
    kubectl("set", "image", "deployment/web", "main=a:2")
    refused = kubectl("apply", "--server-side", "-f", "-", stdin=deployment(replicas=1), code=1).stderr
    assert refused.startswith(
        'error: Apply failed with 2 conflicts: conflicts with "kubectl" with subresource "scale" using apps/v1:\n'
        '- .spec.replicas\nconflicts with "kubectl-set" using apps/v1:\n'
        '- .spec.template.spec.containers[name="main"].image\n'
    )
    kubectl("apply", "--server-side", "-f", "-", stdin=deployment().replace("a:1", "a:2"))
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}").stdout == "3"


def test_from_client_to_server_side(each_kubectl: Program) -> None:
    """What was applied from the client's side belongs to the server's side afterwards: dropping it removes it."""
    kubectl = each_kubectl
    kubectl("apply", "-f", "-", stdin=config_map(a="1", b="2"))
    assert managers(kubectl, "cm", "settings") == {"kubectl-client-side-apply": "Update"}
    kubectl("apply", "--server-side", "-f", "-", stdin=config_map(a="1"))
    assert data_of(kubectl) == {"a": "1"}
    assert managers(kubectl, "cm", "settings")["kubectl"] == "Apply"
    assert "kubectl-client-side-apply" not in managers(kubectl, "cm", "settings")


def test_diff(each_kubectl: Program) -> None:
    """Exit status 1 and the lines that would change; 0 and nothing when there are none; nothing is written."""
    kubectl = each_kubectl
    kubectl("apply", "-f", "-", stdin=config_map(a="1", b="2"))
    assert kubectl("diff", "-f", "-", stdin=config_map(a="1", b="2")).stdout == ""
    told = kubectl("diff", "-f", "-", stdin=config_map(a="5", b="2"), code=1).lines
    assert [line for line in told if line[:1] in "+-" and line[:3] not in ("+++", "---")] == ['-  a: "1"', '+  a: "5"']
    assert any(line.endswith(f"v1.ConfigMap.{kubectl.namespace}.settings") for line in told if line.startswith("diff"))
    new = kubectl("diff", "-f", "-", stdin=config_map("new", a="1"), code=1).stdout
    assert "+  name: new" in new
    forced = ("diff", "--server-side", "--force-conflicts", "-f", "-")
    assert '+  a: "7"' in kubectl(*forced, stdin=config_map(a="7", b="2"), code=1).lines
    assert data_of(kubectl) == {"a": "1", "b": "2"}
    kubectl("get", "cm", "new", code=1)


def test_diff_shows_no_secrets(kubectl: Program) -> None:
    """Only that they differ."""
    body = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hush}\n"
    kubectl("apply", "-f", "-", stdin=body)
    told = kubectl("diff", "-f", "-", stdin=body.replace("hush", "loud"), code=1).stdout
    assert "*** (before)" in told
    assert "bG91ZA==" not in told


def test_wrong_things(kubectl: Program) -> None:
    """What may not change, what has no name, what is no object."""
    kubectl("apply", "-f", "-", stdin=deployment())
    changed = deployment(selector={"matchLabels": {"app": "other"}})
    refused = kubectl("apply", "-f", "-", stdin=changed, code=1).stderr
    assert refused.startswith('The Deployment "web" is invalid: ')
    assert 'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable' in refused
    nameless = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}})
    assert "cannot use generate name with apply" in kubectl("apply", "-f", "-", stdin=nameless, code=1).stderr
    assert "error parsing STDIN" in kubectl("apply", "-f", "-", stdin="a: b: c", code=1).stderr
    unknown = kubectl("apply", "--server-side", "-f", "-", stdin=config_map(a="1").replace('"data"', '"dada"'), code=1)
    assert "dada" in unknown.stderr
