"""Defaults and rules of kinds that are served before anybody acts on them: as Kubernetes words them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kube_actors.api.registry import Registry
from kube_actors.kinds import hooks_for
from kube_actors.kinds.cronjobs import schedule_problem
from kube_actors.kinds.hooks import Body

TEMPLATE: Body = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "host", "terminationMessagePolicy": "File"}]},
}
SELECTOR: Body = {"matchLabels": {"app": "web"}}


def made(resource: str, spec: Any, **more: Any) -> Body:
    """An object as it is after its defaults."""
    row, hooks = Registry.built_in().by_id(resource), hooks_for(resource)
    metadata = {"name": "it", "namespace": "default", "uid": "u-1"}
    body: Body = {"apiVersion": row.api_version, "kind": row.kind, "metadata": metadata, **more}
    if spec is not None:
        body["spec"] = copy.deepcopy(spec)
    hooks.prepare_create(body)
    hooks.default(body)
    return body


def wrong(resource: str, spec: Any, old: Any = None, **more: Any) -> list[str]:
    """What is said against it: `field: message`."""
    before = None if old is None else made(resource, old)
    causes = hooks_for(resource).validate(made(resource, spec, **more), before)
    return [f"{cause.field}: {cause.message}" for cause in causes]


def job_template(policy: str = "Never") -> Body:
    """A template for a Job."""
    return {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": policy}}


@pytest.mark.parametrize("resource", sorted({each.id for each in Registry.built_in()}))
def test_defaults_change_nothing_when_run_again(resource: str) -> None:
    """And nothing goes wrong with an object that says next to nothing."""
    body = made(resource, {})
    again = copy.deepcopy(body)
    hooks_for(resource).default(again)
    assert again == body
    hooks_for(resource).validate(body, None)


def test_a_stateful_set() -> None:
    """Its defaults, and that only some of it may change."""
    spec = {"selector": SELECTOR, "template": TEMPLATE, "serviceName": "web"}
    body = made("statefulsets.apps", spec)["spec"]
    assert body["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    assert (body["replicas"], body["podManagementPolicy"], body["revisionHistoryLimit"]) == (1, "OrderedReady", 10)
    assert body["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert wrong("statefulsets.apps", spec) == []
    assert wrong("statefulsets.apps", {**spec, "replicas": 3}, spec) == []
    assert wrong("statefulsets.apps", {**spec, "serviceName": "other"}, spec) == [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' "
        "are forbidden"
    ]


def test_a_daemon_set() -> None:
    """One pod at a time goes, unless there are more at first."""
    spec: Body = {"selector": SELECTOR, "template": TEMPLATE}
    rolling = made("daemonsets.apps", spec)["spec"]["updateStrategy"]["rollingUpdate"]
    assert rolling == {"maxUnavailable": 1, "maxSurge": 0}
    both = {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
    assert wrong("daemonsets.apps", {**spec, "updateStrategy": both}) == [
        "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"
    ]
    assert wrong("daemonsets.apps", {**spec, "selector": {"matchLabels": {"app": "other"}}}) == [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'
    ]


def test_a_job() -> None:
    """Labels and selector are made; pods of a job do not run for ever; what was begun stays."""
    spec: Body = {"template": job_template()}
    body = made("jobs.batch", spec)["spec"]
    assert body["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u-1"}}
    labels = body["template"]["metadata"]["labels"]
    assert labels["batch.kubernetes.io/job-name"] == labels["job-name"] == "it"
    assert (body["completions"], body["parallelism"], body["backoffLimit"]) == (1, 1, 6)
    assert wrong("jobs.batch", spec) == []
    assert wrong("jobs.batch", {"template": TEMPLATE}) == [
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'
    ]
    assert wrong("jobs.batch", {**spec, "completions": 2}, spec) == [
        "spec.completions: Invalid value: 2: field is immutable"
    ]
    assert wrong("jobs.batch", {**spec, "parallelism": -1, "completionMode": "Indexed"}) == [
        "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        "spec.completions: Required value: when completion mode is Indexed",
    ]


def test_a_cron_job() -> None:
    """Its schedule is understood or refused."""
    spec: Body = {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": job_template()}}}
    body = made("cronjobs.batch", spec)["spec"]
    assert (body["concurrencyPolicy"], body["suspend"]) == ("Allow", False)
    assert (body["successfulJobsHistoryLimit"], body["failedJobsHistoryLimit"]) == (3, 1)
    assert wrong("cronjobs.batch", spec) == []
    assert wrong("cronjobs.batch", {**spec, "schedule": "TZ=UTC * * * * *", "timeZone": "Nowhere/Land"}) == [
        'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field '
        "instead",
        'spec.timeZone: Invalid value: "Nowhere/Land": unknown time zone Nowhere/Land',
    ]


@pytest.mark.parametrize(
    "schedule", ["0 0 1,15 * 1-5", "@daily", "@every 1h30m", "*/10 8-18/2 * JAN-jun SUN", "? ? ? ? ?"]
)
def test_schedules(schedule: str) -> None:
    """Lists, ranges, steps, names and words."""
    assert schedule_problem(schedule) is None


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("@often", "unrecognized descriptor: @often"),
    ],
)
def test_what_is_no_schedule(schedule: str, why: str) -> None:
    """And why."""
    assert schedule_problem(schedule) == why


def test_a_claim_and_a_volume() -> None:
    """A size, modes of access, a source; neither changes what it is."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    assert made("persistentvolumeclaims", claim)["spec"]["volumeMode"] == "Filesystem"
    assert wrong("persistentvolumeclaims", claim) == []
    assert wrong("persistentvolumeclaims", {"accessModes": []}) == [
        "spec.accessModes: Required value: at least 1 access mode is required",
        "spec.resources[storage]: Required value",
    ]
    more = {**claim, "resources": {"requests": {"storage": "2Gi"}}}
    assert wrong("persistentvolumeclaims", more, claim) == [
        "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName "
        "for bound claims"
    ]
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}
    assert made("persistentvolumes", volume)["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert wrong("persistentvolumes", volume) == []
    assert wrong("persistentvolumes", {**volume, "nfs": {"server": "s", "path": "/"}}) == [
        "spec.nfs: Forbidden: may not specify more than 1 volume type"
    ]


def test_an_ingress() -> None:
    """Rules or a default; paths of a kind; one backend each."""
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Body = {"rules": [{"host": "web.example.org", "http": {"paths": [path]}}]}
    assert wrong("ingresses.networking.k8s.io", spec) == []
    assert wrong("ingresses.networking.k8s.io", {}) == [
        "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"
    ]
    bad = {"path": "web", "pathType": "Exact", "backend": {"service": {"name": "web"}}}
    assert wrong("ingresses.networking.k8s.io", {"rules": [{"http": {"paths": [bad]}}]}) == [
        'spec.rules[0].http.paths[0].path: Invalid value: "web": must be an absolute path',
        "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
    ]
    assert wrong("ingresses.networking.k8s.io", {"rules": [{"host": "*.example.org"}]}) == []
    (told,) = wrong("ingresses.networking.k8s.io", {"rules": [{"host": "*.*"}]})
    assert told.startswith(
        "spec.rules[0].host: Invalid value: \"*.*\": a wildcard DNS-1123 subdomain must start with '*.'"
    )


def test_a_network_policy() -> None:
    """Its types follow from what it says."""
    rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 53}]}
    spec: Body = {"podSelector": {}, "egress": [rule]}
    body = made("networkpolicies.networking.k8s.io", spec)["spec"]
    assert (body["policyTypes"], body["egress"][0]["ports"][0]["protocol"]) == (["Ingress", "Egress"], "TCP")
    assert wrong("networkpolicies.networking.k8s.io", spec) == []
    bad = {"from": [{}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/8"]}}]}
    assert wrong("networkpolicies.networking.k8s.io", {"podSelector": {}, "ingress": [bad]}) == [
        "spec.ingress[0].from[0]: Required value: must specify a peer",
        'spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: "11.0.0.0/8": must be a strict subset of `cidr`',
    ]


def test_an_autoscaler() -> None:
    """By processor use, from one replica on, unless it says otherwise."""
    spec: Body = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3}
    body = made("horizontalpodautoscalers.autoscaling", spec)["spec"]
    assert body["minReplicas"] == 1
    assert body["metrics"][0]["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 80},
    }
    assert wrong("horizontalpodautoscalers.autoscaling", spec) == []
    assert wrong("horizontalpodautoscalers.autoscaling", {**spec, "minReplicas": 5}) == [
        "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"
    ]


def test_a_storage_class() -> None:
    """What provisions it, and how it was set up, stay."""
    body = made("storageclasses.storage.k8s.io", None, provisioner="example.org/disk")
    assert (body["reclaimPolicy"], body["volumeBindingMode"]) == ("Delete", "Immediate")
    hooks = hooks_for("storageclasses.storage.k8s.io")
    assert hooks.validate(body, None) == []
    causes = hooks.validate({**body, "parameters": {"a": "b"}}, body)
    assert [(cause.field, cause.message) for cause in causes] == [
        ("parameters", "Forbidden: updates to parameters are forbidden.")
    ]


def test_a_replication_controller() -> None:
    """Its selector is what its template is labelled with."""
    body = made("replicationcontrollers", {"template": TEMPLATE})
    assert (body["spec"]["selector"], body["spec"]["replicas"]) == ({"app": "web"}, 1)
    assert body["metadata"]["labels"] == {"app": "web"}
    assert wrong("replicationcontrollers", {"template": TEMPLATE, "selector": {"app": "db"}}) == [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'
    ]
