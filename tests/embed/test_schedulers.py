"""A scheduler of one's own, handed over as a class."""

from __future__ import annotations

import kube_actors
from kube_actors import ClusterConfig, NodeConfig, Scheduler, SchedulerConfig
from kube_actors.plan.scheduling import NodeSummary, PodSummary
from kube_actors.testing.builders import pod


class Named(Scheduler):
    """Places pods on nodes whose name ends as it is told to."""

    def filter(self, pod: PodSummary, node: NodeSummary) -> str | None:
        return None if node.name.endswith(self.options["ending"]) else "node(s) had another name"


def test_a_class_of_the_program_schedules_pods() -> None:
    """Made with its options, asked for pods that name it; the reason it gives is in the pod's condition."""
    config = ClusterConfig(
        nodes=tuple(NodeConfig(f"node-{letter}", runtime="simulated") for letter in "abc"),
        schedulers=(
            SchedulerConfig(),
            SchedulerConfig("picky", plugin=Named, options={"ending": "b"}),
            SchedulerConfig("impossible", plugin=Named, options={"ending": "z"}),
        ),
    )
    pods = [pod("there", schedulerName="picky"), pod("nowhere", schedulerName="impossible")]
    with kube_actors.run_cluster([config, *pods], virtual=True) as cluster:
        cluster.wait("pod/there", "Ready", timeout=30)
        assert cluster.get("pods", "there")["spec"]["nodeName"] == "node-b"
        cluster.wait("pod/nowhere", "PodScheduled=False", timeout=30)
        (condition,) = cluster.get("pods", "nowhere")["status"]["conditions"]
        assert condition["message"].startswith("0/3 nodes are available: 3 node(s) had another name.")
