"""Processes that end: started again, at once and then ever later, and everything said in Kubernetes' words."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.kernel import VirtualClock

from .footprint import processes_of
from .manifests import pod, shell, sleeper
from .stage import Stage, running


def waits_in_crash_loop(stage: Stage, name: str) -> bool:
    """The container waits for its back-off."""
    return bool(stage.container(name).get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff")


async def test_a_killed_process_is_back_at_once_and_later_the_second_time(stage: Stage) -> None:
    """kill -9: restarted at once, counted, remembered in lastState; killed again it waits for ten seconds."""
    await stage.apply(pod("web", sleeper()))
    await stage.ready("web")
    first = await stage.found("web")
    address = stage.pod("web")["status"]["podIP"]
    await stage.kill("web")
    await stage.until(lambda: stage.container("web").get("restartCount") == 1)
    await stage.ready("web")
    assert stage.events("web", "BackOff") == []
    assert (await stage.found("web")).keys() == {("main", 1)}
    assert first.keys() == {("main", 0)}
    last = stage.container("web")["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"], "signal" in last) == (137, "Error", False)
    assert last["containerID"] != stage.container("web")["containerID"]
    assert stage.pod("web")["status"]["podIP"] == address

    await stage.kill("web")
    await stage.until(lambda: waits_in_crash_loop(stage, "web"))
    meta = stage.pod("web")["metadata"]
    where = f"main pod=web_default({meta['uid']})"
    waiting = stage.container("web")["state"]["waiting"]
    assert waiting["message"] == f"back-off 10s restarting failed container={where}"
    status = stage.container("web")
    assert (status["restartCount"], status["ready"], status["started"]) == (1, False, False)
    assert await stage.found("web") == {}
    assert stage.pod("web")["status"]["phase"] == "Running"
    await stage.until(lambda: stage.events("web", "BackOff"))
    who = f"main in pod web_default({meta['uid']})"
    assert stage.events("web", "BackOff") == [f"Back-off restarting failed container {who}"]
    await stage.until(lambda: len(stage.events("web", "Started")) >= 1)


async def test_back_off_doubles_up_to_five_minutes(tmp_path: Path) -> None:
    """In cluster time: after the first immediate restart 10, 20, 40, 80, 160, 300, 300 seconds."""
    node = NodeConfig("node-1", "simulated", capacity={"cpu": "4", "memory": "8Gi", "pods": "110"})
    starts: list[float] = []
    async with running(ClusterConfig(nodes=(node,)), tmp_path / "s", clock=VirtualClock(), ephemeral=True) as stage:

        def committed(commit: Any) -> None:
            if commit.revision.key.name == "web":
                running = stage.container("web").get("state", {}).get("running")
                if running and (not starts or stage.cluster.plane.clock.now() - starts[-1] > 0.5):
                    starts.append(stage.cluster.plane.clock.now())

        stage.store.subscribe(committed, "pods")
        body = pod("web", sleeper())
        settings = {"run-seconds": "1", "exit-code": "1"}
        body["metadata"]["annotations"] = {f"simulation.kube-actors.dev/{k}": v for k, v in settings.items()}
        await stage.apply(body)
        await stage.until(lambda: len(starts) >= 9)
    waits = [later - earlier - 1 for earlier, later in itertools.pairwise(starts)]
    assert waits[:8] == pytest.approx([0, 10, 20, 40, 80, 160, 300, 300], abs=0.2)


async def test_restart_policies(stage: Stage) -> None:
    """Never, OnFailure and Always: how a pod ends, or does not."""
    await stage.apply(
        pod("never-ok", shell("exit 0"), restartPolicy="Never"),
        pod("never-bad", shell("exit 3"), restartPolicy="Never"),
        pod("on-failure-ok", shell("exit 0"), restartPolicy="OnFailure"),
        pod("on-failure-bad", shell("exit 3"), restartPolicy="OnFailure"),
        pod("always", shell("exit 0"), restartPolicy="Always"),
        pod("mixed", shell("exit 0"), shell("sleep 0.2; exit 7", name="second"), restartPolicy="Never"),
    )
    assert (await stage.ended("never-ok"))["status"]["phase"] == "Succeeded"
    done = stage.container("never-ok")
    assert done["state"]["terminated"]["reason"] == "Completed"
    assert done["restartCount"] == 0
    assert (await stage.ended("never-bad"))["status"]["phase"] == "Failed"
    bad = stage.container("never-bad")["state"]["terminated"]
    assert (bad["exitCode"], bad["reason"]) == (3, "Error")
    assert (await stage.ended("on-failure-ok"))["status"]["phase"] == "Succeeded"
    await stage.until(lambda: waits_in_crash_loop(stage, "on-failure-bad"))
    assert stage.container("on-failure-bad")["lastState"]["terminated"]["exitCode"] == 3
    await stage.until(lambda: waits_in_crash_loop(stage, "always"))
    assert stage.container("always")["lastState"]["terminated"]["reason"] == "Completed"
    assert (await stage.ended("mixed"))["status"]["phase"] == "Failed"
    conditions = {one["type"]: one for one in stage.pod("never-ok")["status"]["conditions"]}
    assert conditions["Ready"]["status"] == "False"
    assert conditions["Ready"]["reason"] == "PodCompleted"


async def test_a_signal_ends_everything_a_container_started(stage: Stage) -> None:
    """When the first process ends, so does what it left in the background, before the restart."""
    mark = f"987{os.getpid()}"
    script = f"sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' & setsid sleep {mark} & sleep 0.1; wait"
    await stage.apply(pod("web", shell(script)))
    await stage.until(lambda: processes_of("sleep", mark))
    before = processes_of("sleep", mark)
    await stage.kill("web")
    await stage.until(lambda: stage.container("web").get("restartCount") == 1)
    await stage.until(lambda: len(after := processes_of("sleep", mark)) == 1 and after != before)
