"""Judging whole files without a cluster."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kube_actors.api.names import dns1123_label
from kube_actors.config.files import scan_files
from kube_actors.config.validation import Findings, validate
from kube_actors.store import Key

CONFIGS = Path(__file__).parent.parent.parent / "configs"
CLUSTER = """\
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
spec:
  nodes: [{name: node, labels: {disk: ssd}}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
"""
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: web
    image: host
    ports: [{name: http, containerPort: 80}]
"""


def judge(*documents: str, known: tuple[Key, ...] | None = ()) -> Findings:
    """What is found in documents that came through stdin."""
    text = "---\n".join(documents)
    return validate(scan_files(["-"], io.BytesIO(text.encode())), known=known)


def told(findings: Findings) -> list[tuple[int | None, str | None, str, str | None]]:
    """Line, path, message and hint of each problem."""
    return [(each.line, each.path, each.message, each.hint) for each in findings.problems]


@pytest.mark.parametrize("name", ["quickstart", "multi-node", "simulated-thousand", "wido-web"])
def test_the_examples_are_right(name: str) -> None:
    """What we ship has no problem; only old API versions are warned about."""
    findings = validate(scan_files([str(CONFIGS / f"{name}.yaml")]))
    assert findings.problems == ()
    assert [each.path for each in findings.warnings if each.path != "$.apiVersion"] == []


def test_a_pod_and_its_service() -> None:
    """Nothing to say."""
    findings = judge(CLUSTER, POD, SERVICE)
    assert (findings.problems, findings.warnings) == ((), ())
    assert [each.key for each in findings.objects] == [Key("pods", "default", "web"), Key("services", "default", "web")]


def test_unknown_fields_and_wrong_types_of_one_object() -> None:
    """Every one at its line, with what was meant; what kinds demand is told in the same go."""
    pod = POD.replace("image:", "imge:").replace("name: web\n    imge", "name: We\n    imge")
    pod = pod.replace("containerPort: 80", 'containerPort: "80"')
    assert told(judge(pod)) == [
        (8, "$.spec.containers[0].name", f'Invalid value: "We": {dns1123_label("We")[0]}', None),
        (9, "$.spec.containers[0].imge", 'unknown field "spec.containers[0].imge"', 'did you mean "image"?'),
        (10, "$.spec.containers[0].ports[0].containerPort", 'expected a whole number, found "80"', None),
    ]


@pytest.mark.parametrize(
    ("document", "path", "message", "hint"),
    [
        ("kind: Pod\nmetadata: {name: a}\n", "$.apiVersion", "Required value: apiVersion", None),
        ("apiversion: v1\nkind: Pod\n", "$.apiVersion", "Required value: apiVersion", "apiversion"),
        ("apiVersion: v1\nkind: Pdo\n", "$.kind", 'no matches for kind "Pdo"', 'did you mean "Pod"?'),
        ("apiVersion: v1\nkind: Deployment\n", "$.apiVersion", "no matches", "Deployment is in apps/v1"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", "$.metadata.name", "Required value", "name of its own"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\n", "$.metadata.name", "Invalid value", None),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: 3\n", None, "metadata must be an object", None),
        (
            POD.replace("image: host", "image: host\n    resources: {limits: {cpu: 1x}}"),
            "limits[cpu]",
            "quantity",
            None,
        ),
    ],
)
def test_what_no_api_server_takes(document: str, path: str | None, message: str, hint: str | None) -> None:
    """Each is told where it stands."""
    (problem,) = judge(document).problems
    assert (path or "") in (problem.path or "")
    assert message in problem.message
    assert (hint or "") in (problem.hint or "")


def test_a_name_that_is_no_text_hides_nothing_else() -> None:
    """What is wrong with the name is told at its place, together with all the rest."""
    pod = POD.replace("name: web\n  labels", "name: [web]\n  labels").replace("spec:", "spec:\n  hostNetwrk: true")
    assert [(each.path, each.line) for each in judge(pod).problems] == [
        ("$.metadata.name", 4),
        ("$.spec.hostNetwrk", 7),
    ]


def test_a_word_is_not_proposed_instead_of_itself() -> None:
    """`Never` is a restart policy, but not one of a Deployment's pods."""
    template = "{metadata: {labels: {a: b}}, spec: {restartPolicy: Never, containers: [{name: a, image: host}]}}"
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {a: b}}\n"
    (problem,) = judge(f"{text}  template: {template}\n").problems
    assert (problem.message, problem.hint) == ('Unsupported value: "Never": supported values: "Always"', None)


def test_secrets_are_not_told() -> None:
    """Whatever is wrong with a Secret, its values appear in no message."""
    secret = """\
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {plain: "hunter2!", "bad key": aHVudGVyMg==}
stringData: {number: 7727, list: [hunter2]}
"""
    problems = judge(secret).problems
    assert [each.path for each in problems] == [
        "$.data[plain]",
        "$.data[bad key]",
        "$.stringData[number]",
        "$.stringData[list]",
    ]
    assert problems[0].message == "expected base64 text, found other text"
    told = "".join(map(str, problems))
    assert not [each for each in ("hunter2", "aHVudGVyMg", "7727") if each in told]


def test_the_same_name_twice() -> None:
    """Also when one of the two says its namespace and the other means it; another kind may have the name."""
    second = POD.replace("name: web\n", "name: web\n  namespace: default\n", 1)
    assert told(judge(POD, SERVICE, second)) == [
        (22, "$.metadata.name", "Pod 'web' is there already", "the first is at <stdin>:4"),
    ]


def test_references_that_lead_nowhere() -> None:
    """ConfigMaps, Secrets, claims, priority classes, accounts, schedulers and namespaces, each at its place."""
    pod = (
        POD.replace("  name: web\n", "  name: web\n  namespace: shop\n", 1)
        + """\
    envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: maybe, optional: true}}]
    env: [{name: A, valueFrom: {secretKeyRef: {name: token, key: a}}}]
  schedulerName: packing
  priorityClassName: high
  volumes:
  - {name: a, configMap: {name: files}}
  - {name: b, secret: {secretName: keys}}
  - {name: c, persistentVolumeClaim: {claimName: disk}}
  - {name: d, projected: {sources: [{configMap: {name: more}}]}}
  serviceAccountName: robot
"""
    )
    assert [(line, message) for line, _, message, _ in told(judge(CLUSTER, pod))] == [
        (10, "there is no namespace 'shop'"),
        (17, "there is no ConfigMap 'settings'"),
        (18, "there is no Secret 'token'"),
        (19, "there is no scheduler 'packing'"),
        (20, "there is no PriorityClass 'high'"),
        (22, "there is no ConfigMap 'files'"),
        (23, "there is no Secret 'keys'"),
        (24, "there is no PersistentVolumeClaim 'disk'"),
        (25, "there is no ConfigMap 'more'"),
        (26, "there is no ServiceAccount 'robot'"),
    ]


def test_references_to_what_is_known_elsewhere() -> None:
    """What an earlier run left may be named; when nobody knows what there is, nothing is looked for."""
    pod = POD + "    envFrom: [{configMapRef: {name: settings}}]\n"
    assert len(judge(pod).problems) == 1
    assert judge(pod, known=(Key("configmaps", "default", "settings"),)).problems == ()
    assert judge(pod, known=None).problems == ()


def test_a_reference_into_another_namespace() -> None:
    """The hint says why an object of that name does not help."""
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: kube-system}\n"
    (problem,) = judge(POD + "    envFrom: [{configMapRef: {name: settings}}]\n", other).problems
    assert problem.hint == "there is one in another namespace; a pod sees only its own, 'default'"


def test_a_key_that_is_not_there() -> None:
    """A ConfigMap of the file is looked into."""
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n"
    pod = POD + "    env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: color}}}]\n"
    assert told(judge(pod, settings)) == [
        (
            11,
            "$.spec.containers[0].env[0].valueFrom.configMapKeyRef.key",
            "ConfigMap 'settings' has no key 'color'",
            'did you mean "colour"?',
        )
    ]


def test_listeners_need_their_service() -> None:
    """The Service must be there, with the port; one whose manifest has a typo is there all the same."""
    cluster = CLUSTER + "  listeners: [{service: wbe}, {service: web, servicePort: https}]\n"
    assert [(path, hint) for _, path, _, hint in told(judge(cluster, POD, SERVICE))] == [
        ("$.spec.listeners[0].service", 'did you mean "web"?'),
        ("$.spec.listeners[1].servicePort", "it has: http"),
    ]
    cluster = CLUSTER + "  listeners: [{service: web}]\n"
    mistyped = SERVICE.replace("selector:", "selectr:")
    assert [path for _, path, _, _ in told(judge(cluster, POD, mistyped))] == ["$.spec.selectr"]


def test_what_is_suspicious() -> None:
    """Selectors that match nothing, ports nobody has, nodes and labels that do not exist, images that are not there."""
    pod = POD + "  nodeName: nod\n  nodeSelector: {disk: hdd}\n"
    stray = SERVICE.replace("app: web", "app: wbe").replace("name: web", "name: stray")
    findings = judge(
        CLUSTER,
        pod.replace("image: host", "image: nginx"),
        SERVICE.replace("targetPort: http", "targetPort: htp"),
        stray,
    )
    assert findings.problems == ()
    assert [(each.path, each.hint) for each in findings.warnings] == [
        ("$.spec.containers[0].image", None),
        ("$.spec.nodeName", 'did you mean "node"?'),
        ("$.spec.nodeSelector", None),
        ("$.spec.ports[0].targetPort", 'did you mean "http"?'),
        ("$.spec.selector", None),
    ]


def test_labels_every_node_has() -> None:
    """By their names of today and of long ago."""
    for label in ("kubernetes.io/os", "beta.kubernetes.io/os"):
        findings = judge(CLUSTER, POD + f"  nodeSelector: {{{label}: linux}}\n")
        assert "$.spec.nodeSelector" not in [each.path for each in findings.warnings]


def test_images_of_nodes_that_need_none() -> None:
    """A simulated node runs any name, and Docker pulls it."""
    for runtime in ("simulated", "docker"):
        cluster = CLUSTER.replace("name: node,", f"name: node, runtime: {runtime},")
        assert judge(cluster, POD.replace("image: host", "image: nginx"), SERVICE).warnings == ()


def test_names_are_not_looked_up_when_documents_are_missing() -> None:
    """What could not be read may hold what others name: only what is certain is told."""
    cluster = CLUSTER + "  listeners: [{service: web}]\n"
    findings = judge(cluster, POD, "a: [\n")
    assert len(findings.problems) == 1


def test_a_wrong_cluster_document_and_wrong_manifests_together() -> None:
    """All of it at once, in the order of the text."""
    cluster = CLUSTER.replace("labels", "lables")
    pod = POD + "    envFrom: [{configMapRef: {name: settings}}]\n"
    assert [line for line, _, _, _ in told(judge(cluster, pod))] == [4, 16]


def test_half_an_object_stops_nothing() -> None:
    """Fields without a name, selectors without an operator, old versions with nulls: problems, and no crash."""
    text = """\
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: a}
spec:
  "": 1
  selector: {matchLabels: {a: b}, matchExpressions: [{key: a}]}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: host}]}}
---
apiVersion: extensions/v1beta1
kind: Deployment
metadata: null
spec: {strategy: null, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: host}]}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: a}
spec: null
"""
    paths = [each.path for each in judge(text).problems]
    assert paths == ["$.spec.", "$.spec.selector.matchExpressions[0].operator", "$.metadata.name"]


def test_a_name_that_begins_like_another_hides_nothing() -> None:
    """`replica` is unknown, and `replicas` is wrong by itself."""
    template = "{metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: host}]}}"
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {a: b}}\n"
    problems = judge(f"{text}  template: {template}\n  replica: 1\n  replicas: -1\n").problems
    assert [each.path for each in problems] == ["$.spec.replica", "$.spec.replicas"]
