"""What a Pod actor makes of the runtime's facts, in whatever order they arrive."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from kube_actors.actors.pod.words import probe_words
from kube_actors.messages.pod import ContainerEnded
from kube_actors.node.runtime.base import ContainerExited, ContainerId
from kube_actors.node.runtime.handlers import ProbeOutcome, ProbeResult
from kube_actors.plan.probes import ProbeKind

from ..verbs.stage import create, key, pod, simulated_cluster

PATIENCE = 30.0


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (ProbeOutcome.SUCCESS, None),
        (ProbeOutcome.WARNING, ("Warning", "ProbeWarning", "Liveness probe warning: moved")),
        (ProbeOutcome.FAILURE, ("Warning", "Unhealthy", "Liveness probe failed: moved")),
        (
            ProbeOutcome.UNKNOWN,
            ("Warning", "Unhealthy", "Liveness probe errored and resulted in unknown state: moved"),
        ),
    ],
)
def test_what_is_told_of_a_probe(outcome: ProbeOutcome, words: tuple[str, str, str] | None) -> None:
    """A success nothing, everything else in Kubernetes' words."""
    assert probe_words(ProbeKind.LIVENESS, ProbeResult(outcome, "moved")) == words


async def test_an_end_that_is_told_before_the_start(tmp_path: Path) -> None:
    """A program that ends at once is shown with its id and its start, as one whose end was told later."""
    async with simulated_cluster(tmp_path, nodes=1, simulation={"start-seconds": 5}) as cluster:
        wanted = pod("brief")
        wanted["spec"]["restartPolicy"] = "Never"
        await create(cluster.session, wanted)
        store, clock, pods = cluster.plane.store, cluster.plane.clock, cluster.plane.directory.pods
        with trio.fail_after(PATIENCE):
            while not pods:
                await clock.sleep(0.1)
            await clock.sleep(2)  # its container is being started
            ((uid, actor),) = pods.items()
            actor.tell(ContainerEnded(ContainerExited(ContainerId(uid, "main", 0), 0, False, clock.now())))
            status = store.list("pods")[0].body()["status"]
            assert "terminated" not in status.get("containerStatuses", [{"state": {}}])[0]["state"]
            while (revision := store.get(key("pods", "brief"))) and revision.body()["status"]["phase"] != "Succeeded":
                await clock.sleep(0.1)
        assert revision is not None
        state = revision.body()["status"]["containerStatuses"][0]["state"]["terminated"]
        assert state["reason"] == "Completed"
        assert state["containerID"].startswith("simulated://")
        assert state["startedAt"]
