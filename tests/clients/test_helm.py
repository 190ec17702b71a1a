"""helm: a release from its installation to its end, on a chart with what charts usually have."""

from __future__ import annotations

import random
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
SITE = {
    "Chart.yaml": """
apiVersion: v2
name: site
version: 1.0.0
dependencies:
- {name: cache, version: 0.1.0, condition: cache.enabled}
- {name: common, version: 0.1.0}
""",
    "values.yaml": 'cache: {enabled: false}\nbefore: "true"\ncheck: "true"\nport: 80\n',
    "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 0.1.0\n",
    "charts/cache/templates/cache.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-cache", labels: {{ include "common.labels" . }}}
""",
    "charts/common/Chart.yaml": "apiVersion: v2\nname: common\ntype: library\nversion: 0.1.0\n",
    "charts/common/templates/_labels.tpl": '{{ define "common.labels" }}{chart: {{ .Chart.Name }}}{{ end }}',
    "templates/site.yaml": """
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {app: "{{ .Release.Name }}"}, ports: [{port: {{ .Values.port }}}]}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Release.Name }}-facts"
  annotations: {helm.sh/resource-policy: keep}
data:
  deployments: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
  widgets: {{ .Capabilities.APIVersions.Has "example.org/v1/Widget" | quote }}
  new: {{ semverCompare ">=1.36-0" .Capabilities.KubeVersion.Version | quote }}
  space: {{ (lookup "v1" "Namespace" "" .Release.Namespace).metadata.name }}
  nothing: {{ empty (lookup "v1" "Secret" .Release.Namespace "nosuch") | quote }}
""",
    "templates/hooks.yaml": """
{{- range $weight, $name := dict "-5" "first" "5" "second" }}
---
apiVersion: v1
kind: Pod
metadata:
  name: "{{ $.Release.Name }}-{{ $name }}"
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "{{ $weight }}"
    helm.sh/hook-delete-policy: before-hook-creation
    helm.sh/hook-output-log-policy: hook-failed
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: host
    command: [sh, -c, "echo {{ $name }} says {{ $.Values.before }}; {{ $.Values.before }}"]
{{- end }}
---
apiVersion: v1
kind: Pod
metadata: {name: "{{ .Release.Name }}-check", annotations: {helm.sh/hook: test}}
spec:
  restartPolicy: Never
  containers: [{name: main, image: host, command: [sh, -c, "echo checking; {{ .Values.check }}"]}]
""",
    "templates/NOTES.txt": "Site {{ .Release.Name }}, revision {{ .Release.Revision }}\n",
}
PATIENCE = ("--timeout", "90s")


@pytest.fixture
def chart(tmp_path: Path) -> str:
    """The chart's directory."""
    return written(CHART, tmp_path / "shop")


@pytest.fixture
def site(tmp_path: Path) -> str:
    """The directory of a chart with subcharts, hooks in an order, and questions to the cluster."""
    return written(SITE, tmp_path / "site")


def written(files: dict[str, str], directory: Path) -> str:
    """Write a chart's files; where they are."""
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return str(directory)


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


def test_a_chart_that_asks_the_cluster(helm: Program, kubectl: Program, site: str) -> None:
    """Capabilities and lookups, a subchart on condition, hooks by weight, NOTES, and what is kept at the end."""
    installed = helm("install", "site", site, "--wait", *PATIENCE).stdout
    assert "Site site, revision 1" in installed
    facts = {"deployments": "true", "widgets": "false", "new": "true", "nothing": "true"}
    assert kubectl("get", "cm", "site-facts", "-o", "json").json["data"] == {**facts, "space": kubectl.namespace}
    started = "jsonpath={.items[*].metadata.name}"
    hooks = kubectl("get", "pods", "--sort-by=.metadata.creationTimestamp", "-o", started).stdout
    assert hooks.split() == ["site-first", "site-second"]
    assert kubectl("get", "cm", "site-cache", code=1).stdout == ""
    helm("upgrade", "site", site, "--reset-then-reuse-values", "--set", "cache.enabled=true")
    assert kubectl("get", "cm", "site-cache", "-o", "jsonpath={.metadata.labels.chart}").stdout == "cache"
    helm("upgrade", "site", site, "--reset-then-reuse-values", "--set", "cache.enabled=false")
    assert kubectl("get", "cm", "site-cache", code=1).stdout == ""
    assert "[ConfigMap] site-facts" in helm("uninstall", "site", "--keep-history").stdout
    assert [row["status"] for row in helm("history", "site", "-o", "json").json][-1] == "uninstalled"
    assert kubectl("get", "cm", "site-facts", "-o", "name").stdout == "configmap/site-facts\n"


def test_failures_and_their_mending(helm: Program, kubectl: Program, site: str) -> None:
    """Hooks and tests that fail tell why, invalid objects are named, conflicts are resolved by force only."""
    install = ("upgrade", "--install", "site", site, *PATIENCE)
    helm(*install)
    failed = helm(*install, "--set", "before=false", code=1)
    assert "first says false" in failed.stdout + failed.stderr
    assert "pre-upgrade hooks failed: resource Pod" in failed.stderr
    invalid = helm(*install, "--set", "port=0", "--rollback-on-failure", code=1).stderr
    assert "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive" in invalid
    assert "has been rolled back" in invalid
    history = [(row["revision"], row["status"]) for row in helm("history", "site", "-o", "json").json]
    assert history == [(1, "superseded"), (2, "failed"), (3, "failed"), (4, "deployed")]

    helm(*install, "--set", "check=false")
    tested = helm("test", "site", "--logs", *PATIENCE, code=1)
    assert "Phase:          Failed" in tested.stdout
    assert "checking" in tested.stdout

    theirs = '{"apiVersion":"v1","kind":"Service","metadata":{"name":"site"},"spec":{"sessionAffinity":"ClientIP"}}'
    kubectl("apply", "--server-side", "--field-manager=them", "-f", "-", stdin=theirs)
    kubectl("patch", "service", "site", "-p", '{"spec":{"selector":{"app":"another"}}}')
    assert 'conflict with "kubectl-patch"' in helm(*install, code=1).stderr
    helm(*install, "--force-conflicts")
    spec = kubectl("get", "service", "site", "-o", "jsonpath={.spec.selector.app} {.spec.sessionAffinity}").stdout
    assert spec == "site ClientIP"


def test_what_is_there_already_is_not_taken(helm: Program, kubectl: Program, site: str) -> None:
    """Unless helm is told to; and a release too big for a Secret leaves nothing."""
    kubectl("create", "service", "clusterip", "site", "--tcp=80")
    refused = helm("install", "site", site, code=1).stderr
    assert 'Service "site" in namespace' in refused
    assert "invalid ownership metadata" in refused
    helm("install", "site", site, "--take-ownership")
    assert kubectl("get", "service", "site", "-o", "jsonpath={.metadata.labels}").stdout.find("Helm") > 0
    (Path(site) / "noise").write_text(random.Random(1).randbytes(1_000_000).hex())
    too_big = helm("install", "big", site, code=1).stderr
    assert 'Secret "sh.helm.release.v1.big.v1" is invalid: data: Too long' in too_big
    assert deployed(helm) == [("site", "1", "deployed")]
