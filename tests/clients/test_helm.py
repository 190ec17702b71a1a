"""helm: a release from its installation to its end, on a chart with what charts usually have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.kit import Program

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: '1.0'\n",
    "values.yaml": "replicas: 1\ncolour: blue\n",
    "templates/account.yaml": """
apiVersion: v1
kind: ServiceAccount
metadata: {name: "{{ .Release.Name }}"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: "{{ .Release.Name }}"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "{{ .Release.Name }}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "{{ .Release.Name }}"}
subjects: [{kind: ServiceAccount, name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}]
""",
    "templates/settings.yaml": """
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}"}
stringData: {password: opensesame}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {colour: "{{ .Values.colour }}"}
""",
    "templates/web.yaml": """
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {app: "{{ .Release.Name }}"}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}", colour: "{{ .Values.colour }}"}}
    spec:
      serviceAccountName: "{{ .Release.Name }}"
      terminationGracePeriodSeconds: 1
      containers:
      - name: main
        image: host
        command: [python3, -m, http.server, "8080"]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
""",
    "templates/hooks.yaml": """
apiVersion: v1
kind: Pod
metadata:
  name: "{{ .Release.Name }}-before"
  annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: hook-succeeded}
spec:
  restartPolicy: Never
  containers: [{name: main, image: host, command: ["true"]}]
---
apiVersion: v1
kind: Pod
metadata:
  name: "{{ .Release.Name }}-test"
  annotations: {helm.sh/hook: test}
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: host
    command: [python3, -c, "import urllib.request as r; r.urlopen('http://{{ .Release.Name }}/')"]
""",
}
PATIENCE = ("--timeout", "90s")


@pytest.fixture
def chart(tmp_path: Path) -> str:
    """The chart's directory."""
    for name, text in CHART.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return str(tmp_path / "shop")


def deployed(helm: Program) -> list[tuple[str, str, str]]:
    """Name, revision and status of every release."""
    return [(each["name"], each["revision"], each["status"]) for each in helm("list", "-o", "json").json]


def test_the_life_of_a_release(helm: Program, kubectl: Program, chart: str) -> None:
    """Installed and waited for, listed, shown, upgraded, rolled back, tested, uninstalled."""
    installed = helm("install", "shop", chart, "--wait", *PATIENCE).stdout
    assert "STATUS: deployed" in installed
    assert deployed(helm) == [("shop", "1", "deployed")]
    assert kubectl("get", "deploy", "shop", "-o", "jsonpath={.status.readyReplicas}").stdout == "1"
    assert kubectl("get", "pods", "-l", "app=shop", "-o", "jsonpath={..serviceAccountName}").stdout == "shop"
    assert 'pods "shop-before" not found' in kubectl("get", "pod", "shop-before", code=1).stderr
    status = helm("status", "shop").stdout
    assert "==> v1/Deployment" in status
    assert "==> v1/RoleBinding" in status

    helm("upgrade", "shop", chart, "--set", "replicas=2,colour=green", "--wait", *PATIENCE)
    assert deployed(helm) == [("shop", "2", "deployed")]
    assert kubectl("get", "deploy", "shop", "-o", "jsonpath={.status.updatedReplicas}").stdout == "2"
    assert kubectl("get", "cm", "shop", "-o", "jsonpath={.data.colour}").stdout == "green"

    helm("rollback", "shop", "1", "--wait", *PATIENCE)
    assert kubectl("get", "deploy", "shop", "-o", "jsonpath={.spec.replicas}").stdout == "1"
    assert kubectl("get", "cm", "shop", "-o", "jsonpath={.data.colour}").stdout == "blue"
    history = [(row["revision"], row["status"]) for row in helm("history", "shop", "-o", "json").json]
    assert history == [(1, "superseded"), (2, "superseded"), (3, "deployed")]

    tested = helm("test", "shop", *PATIENCE).stdout
    assert "TEST SUITE:     shop-test" in tested
    assert "Phase:          Succeeded" in tested

    assert helm("uninstall", "shop", "--wait", *PATIENCE).stdout == 'release "shop" uninstalled\n'
    assert deployed(helm) == []
    left = kubectl("get", "deploy,svc,sa,role,rolebinding,secret,cm", "-l", "app.kubernetes.io/managed-by=Helm")
    assert left.stdout == ""


def test_what_does_not_become_ready_fails_the_release(helm: Program, chart: str) -> None:
    """And with --rollback-on-failure it is taken back."""
    never = "--set", "replicas=1000000"
    helm("install", "shop", chart, "--set", "replicas=0")
    failed = helm("upgrade", "shop", chart, *never, "--dry-run=server")
    assert "replicas: 1e+06" in failed.stdout or "replicas: 1000000" in failed.stdout
    assert deployed(helm) == [("shop", "1", "deployed")]
    broken = helm("install", "other", chart, "--set", "colour=not a label", code=1)
    assert "Invalid value" in broken.stderr
    helm("uninstall", "shop")
