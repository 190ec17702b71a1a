"""`kubernetes`, the official client: objects, watches, logs, exec, patches, and election of a leader."""

from __future__ import annotations

import sys
import threading
from typing import Any

from kubernetes import client, config, watch
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
from kubernetes.stream import stream

NAMESPACE = sys.argv[1]
LABELS = {"app": "web"}


def pod(name: str) -> Any:
    """A pod that says hello and waits."""
    container = client.V1Container(name="main", image="host", command=["sh", "-c", "echo hello; sleep 1000"])
    spec = client.V1PodSpec(containers=[container], termination_grace_period_seconds=0)
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name, labels=LABELS), spec=spec)


def deployment() -> Any:
    """Two of them, kept there."""
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=LABELS), spec=pod("x").spec)
    spec = client.V1DeploymentSpec(replicas=2, selector=client.V1LabelSelector(match_labels=LABELS), template=template)
    return client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec)


def lead() -> None:
    """Become the leader, and stop as soon as that is so."""
    led = threading.Event()
    lock = LeaseLock("election", NAMESPACE, "one")
    settings = electionconfig.Config(
        lock, lease_duration=17, renew_deadline=15, retry_period=1, onstarted_leading=led.set, onstopped_leading=None
    )
    threading.Thread(target=leaderelection.LeaderElection(settings).run, daemon=True).start()
    assert led.wait(30)
    holder = client.CoordinationV1Api().read_namespaced_lease("election", NAMESPACE).spec.holder_identity
    print("leader", holder)


def main() -> None:
    """The tour."""
    config.load_kube_config()
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    print("version", client.VersionApi().get_code().git_version.split("+")[0])
    core.create_namespaced_pod(NAMESPACE, pod("one"))
    for event in watch.Watch().stream(core.list_namespaced_pod, NAMESPACE, timeout_seconds=60):
        if event["object"].status.phase == "Running":
            print("running", event["object"].metadata.name)
            break
    said = stream(
        core.connect_get_namespaced_pod_exec, "one", NAMESPACE, command=["echo", "from exec"], stdout=True, stderr=True
    )
    print("exec", said.strip())
    print("log", core.read_namespaced_pod_log("one", NAMESPACE).strip())
    apps.create_namespaced_deployment(NAMESPACE, deployment())
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 3}})
    for event in watch.Watch().stream(apps.list_namespaced_deployment, NAMESPACE, timeout_seconds=60):
        if event["object"].status.available_replicas == 3:
            print("available", event["object"].status.available_replicas)
            break
    found = core.list_namespaced_pod(NAMESPACE, label_selector="app=web", limit=2)
    print("page", len(found.items), found.metadata.remaining_item_count is None, bool(found.metadata._continue))
    try:
        core.read_namespaced_pod("nobody", NAMESPACE)
    except client.ApiException as error:
        print("missing", error.status, error.reason)
    lead()
    apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
    core.delete_collection_namespaced_pod(NAMESPACE, grace_period_seconds=0)


main()
