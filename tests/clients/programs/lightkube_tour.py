"""`lightkube`: server-side apply, a watch, a scale, waiting."""

from __future__ import annotations

import sys

from lightkube import Client
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod

NAMESPACE = sys.argv[1]
LABELS = {"app": "web"}


def main() -> None:
    """The tour."""
    client = Client(namespace=NAMESPACE, field_manager="tour")
    applied = client.apply(ConfigMap(metadata=ObjectMeta(name="settings"), data={"colour": "blue"}))
    print("applied", applied.data, applied.metadata.managedFields[0].operation)
    container = Container(name="main", image="host", command=["sleep", "1000"])
    template = PodTemplateSpec(
        metadata=ObjectMeta(labels=LABELS), spec=PodSpec(containers=[container], terminationGracePeriodSeconds=0)
    )
    spec = DeploymentSpec(replicas=1, selector=LabelSelector(matchLabels=LABELS), template=template)
    client.create(Deployment(metadata=ObjectMeta(name="web"), spec=spec))
    client.wait(Deployment, "web", for_conditions=["Available"])
    client.patch(Deployment.Scale, "web", {"spec": {"replicas": 2}})
    for kind, each in client.watch(Deployment, server_timeout=60):
        if each.status is not None and each.status.availableReplicas == 2:
            print("watched", kind, each.status.availableReplicas)
            break
    print("pods", len(list(client.list(Pod, labels=LABELS))))
    client.delete(Deployment, "web")


main()
