"""Views: partial, forgiving, typed; and statuses written back in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.quantity import Quantity
from kube_actors.api.selectors import NOTHING
from kube_actors.api.views import VIEWS, body_of, structure, view_of
from kube_actors.api.views.containers import Container, KeySelector, SleepAction
from kube_actors.api.views.converter import json_name
from kube_actors.api.views.pods import ContainerState, ContainerStateTerminated, ContainerStatus, PodStatus
from kube_actors.api.views.workloads import DeploymentCondition, DeploymentStatus, ReplicaSetStatus


def a_pod(**spec: Any) -> dict[str, Any]:
    """A small pod body with these fields of its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-01-02T03:04:05Z"},
        "spec": {"containers": [{"name": "main", "image": "nginx"}], **spec},
    }


def test_names_times_and_quantities() -> None:
    """Fields are found by Kubernetes' own names; times are epoch seconds, amounts quantities."""
    body = a_pod(nodeName="n1", terminationGracePeriodSeconds=5, hostPID=True)
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m", "memory": 1024}}
    body["status"] = {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "startTime": "1970-01-01T00:01:00Z"}
    pod = view_of("pods", body)
    assert (pod.metadata.creation_timestamp, pod.status.start_time) == (1767323045.0, 60.0)
    assert (pod.spec.node_name, pod.spec.termination_grace_period_seconds, pod.spec.host_pid) == ("n1", 5, True)
    assert pod.spec.containers[0].resources.requests == {"cpu": Quantity.parse("0.1"), "memory": Quantity.of(1024)}
    assert pod.status.pod_ip == "10.0.0.1"
    assert [address.ip for address in pod.status.pod_ips] == ["10.0.0.1"]


def test_unknown_fields_are_ignored_and_null_is_not_given() -> None:
    """A field from a newer Kubernetes does no harm, and `null` reads like an absent field."""
    body = a_pod(brandNew={"x": 1}, volumes=None, affinity=None, nodeName=None, hostNetwork=None)
    body["status"] = None
    body["metadata"]["labels"] = None
    body["spec"]["containers"][0].update(ports=None, resources=None, livenessProbe=None)
    pod = view_of("pods", body)
    assert (pod.spec.volumes, pod.spec.affinity, pod.spec.node_name, pod.spec.host_network) == ((), None, "", False)
    assert (pod.status, pod.metadata.labels) == (PodStatus(), {})
    assert pod.spec.containers[0] == Container(name="main", image="nginx")


def test_environment_sources_and_hooks() -> None:
    """The nested choices of a container: where a value comes from and what a hook does."""
    container = structure(
        Container,
        {
            "name": "main",
            "env": [
                {"name": "A", "value": "1"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            ],
            "envFrom": [{"prefix": "X_", "configMapRef": {"name": "c"}}],
            "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
            "readinessProbe": {"httpGet": {"port": "http", "path": "/ready"}, "periodSeconds": 2},
        },
    )
    first, second, third = container.env
    assert (first.value, first.value_from) == ("1", None)
    assert second.value_from is not None
    assert second.value_from.secret_key_ref == KeySelector("s", "k", optional=True)
    assert third.value_from is not None
    assert third.value_from.field_ref is not None
    assert third.value_from.field_ref.field_path == "status.podIP"
    assert container.env_from[0].prefix == "X_"
    assert container.lifecycle is not None
    assert container.lifecycle.pre_stop is not None
    assert container.lifecycle.pre_stop.sleep == SleepAction(3)
    assert container.readiness_probe is not None
    assert container.readiness_probe.http_get is not None
    assert container.readiness_probe.http_get.port == "http"
    assert (container.readiness_probe.period_seconds, container.readiness_probe.failure_threshold) == (2, 3)


def test_an_init_container_that_always_restarts_is_a_sidecar() -> None:
    """`restartPolicy: Always` on an init container makes it run beside the others."""
    assert structure(Container, {"name": "log", "restartPolicy": "Always"}).sidecar
    assert not structure(Container, {"name": "log"}).sidecar


def test_volumes_say_which_source_they_have() -> None:
    """One source per volume; a projected one keeps the order of its parts."""
    pod = view_of(
        "pods",
        a_pod(
            volumes=[
                {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                {"name": "all", "projected": {"sources": [{"secret": {"name": "s"}}, {"downwardAPI": {"items": []}}]}},
            ]
        ),
    )
    scratch, every = pod.spec.volumes
    assert scratch.empty_dir.size_limit == Quantity.parse("1Mi")
    assert scratch.config_map is None
    assert [list(source) for source in every.projected.sources] == [["secret"], ["downwardAPI"]]
    assert every.projected.default_mode == 0o644


def test_affinity_selectors_are_ready_to_match() -> None:
    """Pod affinity carries a working selector; without one it matches nothing."""
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    pod = view_of("pods", a_pod(affinity={"podAntiAffinity": {required: [term, {"topologyKey": "host"}]}}))
    first, second = pod.spec.affinity.pod_anti_affinity.required_during_scheduling_ignored_during_execution
    assert first.label_selector.matches({"app": "web"})
    assert second.label_selector is NOTHING


def test_a_controllers_template_stays_raw() -> None:
    """What is copied into pods is never squeezed through a partial view."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [], "somethingNew": 1}}
    deployment = view_of("deployments.apps", {"metadata": {"name": "d"}, "spec": {"template": template}})
    assert deployment.spec.template == template


@pytest.mark.parametrize("resource", sorted(VIEWS))
def test_every_view_reads_an_empty_object(resource: str) -> None:
    """Nothing in a view is compulsory."""
    assert view_of(resource, {}) == VIEWS[resource]()


def test_views_cannot_be_changed() -> None:
    """Whoever wants to change an object writes it; assigning to a view is an error."""
    pod = view_of("pods", a_pod())
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        pod.spec.node_name = "other"


def test_a_status_becomes_json_with_go_omissions() -> None:
    """Zero values are left out where Kubernetes leaves them out, and stay where it writes them."""
    assert body_of(ReplicaSetStatus()) == {"replicas": 0}
    assert body_of(DeploymentStatus(terminating_replicas=0)) == {"terminatingReplicas": 0}
    condition = DeploymentCondition("Available", "True", last_update_time=60.9, reason="Why")
    assert body_of(DeploymentStatus(replicas=2, conditions=(condition,))) == {
        "replicas": 2,
        "conditions": [
            {"type": "Available", "status": "True", "lastUpdateTime": "1970-01-01T00:01:00Z", "reason": "Why"}
        ],
    }


def test_a_pod_status_survives_the_round_trip() -> None:
    """What `body_of` writes, `structure` reads back as the same value."""
    ended = ContainerState(terminated=ContainerStateTerminated(exit_code=0, finished_at=5.0, reason="Completed"))
    status = PodStatus(
        phase="Running",
        pod_ip="10.0.0.1",
        container_statuses=(ContainerStatus("main", last_state=ended, ready=True, restart_count=1, started=True),),
    )
    body = body_of(status)
    assert structure(PodStatus, body) == status
    assert body["containerStatuses"][0]["lastState"]["terminated"] == {
        "exitCode": 0,
        "reason": "Completed",
        "finishedAt": "1970-01-01T00:00:05Z",
    }


@pytest.mark.parametrize(
    ("attribute", "field"),
    [("restart_policy", "restartPolicy"), ("pod_ips", "podIPs"), ("downward_api", "downwardAPI"), ("env", "env")],
)
def test_json_names(attribute: str, field: str) -> None:
    """Irregular words of Kubernetes are known; all others are plain camelCase."""
    assert json_name(attribute) == field
