"""What survives whose death: the runtime, the agent, the keeper; and what is left after them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import trio

from kube_actors.cluster import open_cluster
from kube_actors.state import StateDirectory

from .far_runtime import far_runtime
from .footprint import is_alive, processes_of
from .load import load
from .manifests import CLUSTER, SERVER_FILES, deployment, pod, service, set_version, shell, sleeper, web
from .stage import PATIENCE, PODS, Stage, nothing_left, read_config

KEEP = CLUSTER.replace("spec:", "spec:\n  onRuntimeExit: keep")


def all_ready(count: int) -> Any:
    """Whether so many pods are there, all ready and none ending."""

    def check(pods: list[dict[str, Any]]) -> bool:
        conditions = [{c["type"]: c["status"] for c in one["status"].get("conditions", ())} for one in pods]
        ending = any("deletionTimestamp" in one["metadata"] for one in pods)
        return len(pods) == count and not ending and all(one.get("Ready") == "True" for one in conditions)

    return check


def restarts_of(pod: dict[str, Any]) -> int:
    """How often a pod's first container was started again."""
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


async def test_writes_survive_kill_9_and_no_version_is_given_twice(tmp_path: Path) -> None:
    """Killed in the middle of writes, three times: every acknowledged one is there, and versions only grow."""
    acknowledged: dict[str, int] = {}
    highest = 0
    for count in (50, 1, 200):
        async with far_runtime(tmp_path / "s", CLUSTER) as runtime:
            assert await runtime.ask("head") >= highest
            kept = {one["metadata"]["name"]: int(one["metadata"]["resourceVersion"])
                    for one in await runtime.ask("list", resource="configmaps")}  # fmt: skip
            assert acknowledged.items() <= kept.items()
            uids = [one["metadata"]["uid"] for one in await runtime.ask("list", resource="configmaps")]
            assert len(set(uids)) == len(uids)
            await runtime.tell("write")
            await runtime.acknowledgements(count)
            await runtime.kill()
            assert min(version for _, version in runtime.acknowledged) > highest
            acknowledged |= dict(runtime.acknowledged)
            highest = max(highest, *acknowledged.values(), *kept.values())
    assert len(set(acknowledged.values())) == len(acknowledged)


@pytest.mark.parametrize("seconds", [0.1, 0.6])
async def test_killed_in_a_rollout_it_goes_on(tmp_path: Path, seconds: float) -> None:
    """With `end` nothing runs on; started again the rollout ends where it should, each pod running once."""
    mark = f"97531{os.getpid()}{int(seconds * 100)}"
    script = f"trap 'exit 0' TERM; sleep {mark} & wait"

    def version(number: int) -> dict[str, Any]:
        container = {**shell(script), "env": [{"name": "V", "value": str(number)}]}
        return deployment("app", pod("", container, terminationGracePeriodSeconds=1)["spec"], 4)

    async with far_runtime(tmp_path / "s", CLUSTER) as runtime:
        await runtime.ask("apply", bodies=[version(1)])
        await runtime.until(all_ready(4), "list", resource=PODS)
        footprint = await runtime.footprint()
        await runtime.ask("apply", bodies=[version(2)])
        await trio.sleep(seconds)
        await runtime.kill()
    await nothing_left(footprint)
    assert processes_of("sleep", mark) == []
    async with far_runtime(tmp_path / "s", CLUSTER) as runtime:

        def rolled(pods: list[dict[str, Any]]) -> bool:
            values = [one["spec"]["containers"][0]["env"][0]["value"] for one in pods]
            return values == ["2"] * 4 and bool(all_ready(4)(pods))

        await runtime.until(rolled, "list", resource=PODS)
        # What the store says of the pods may be from before the crash, so count what runs.
        await runtime.until(lambda found: len(found) == 4 and all(found.values()), "found")
        await runtime.until(lambda _: len(processes_of("sleep", mark)) == 4, "head")
        await runtime.until(rolled, "list", resource=PODS)
        await trio.sleep(0.5)
        assert len(processes_of("sleep", mark)) == 4
        assert sorted(map(len, (await runtime.ask("found")).values())) == [1] * 4
        footprint = await runtime.footprint()
        await runtime.end()
    await nothing_left(footprint)


async def test_kept_pods_are_adopted(tmp_path: Path) -> None:
    """`keep`: the same processes, no restart counted, and requests go on while nobody is there."""
    if os.geteuid():
        pytest.skip("the machine reaches Services only as root")
    async with far_runtime(tmp_path / "s", KEEP) as runtime:
        await runtime.ask("apply", bodies=[SERVER_FILES, web(replicas=2), service("web"), pod("lone", sleeper())])
        await runtime.until(all_ready(3), "list", resource=PODS)
        before = await runtime.ask("found")
        restarting = next(name for name in before if name.startswith("web"))
        address = (await runtime.ask("get", key=["services", "default", "web"]))["spec"]["clusterIP"]
        await trio.sleep(0.3)
        footprint = await runtime.footprint()
        await runtime.kill()
    async with load(address, 80, rate=100, kept=False) as result:
        await trio.sleep(0.5)
        os.kill(before["lone"]["main/0"], signal.SIGKILL)
        async with far_runtime(tmp_path / "s", KEEP) as runtime:
            pods = await runtime.until(all_ready(3), "list", resource=PODS)
            await trio.sleep(0.5)
            restarts = {one["metadata"]["name"]: restarts_of(one) for one in pods}
            after = await runtime.until(lambda found: found.get("lone", {}).keys() == {"main/1"}, "found")
            assert {name: pids for name, pids in after.items() if name != "lone"} == {
                name: pids for name, pids in before.items() if name != "lone"
            }
            assert restarts[restarting] == 0
            await runtime.until(lambda one: restarts_of(one) == 1, "get", key=[PODS, "default", "lone"])
            changed = web(replicas=2)
            set_version(changed["spec"], "2")
            await runtime.ask("apply", bodies=[changed])
            old = after.keys() - {"lone"}

            def replaced(pods: list[dict[str, Any]]) -> bool:
                return all_ready(3)(pods) and not old & {one["metadata"]["name"] for one in pods}

            await runtime.until(replaced, "list", resource=PODS)
            assert result.failed == []
            await runtime.end()
    assert result.failed == []
    assert footprint.living()
    await end_kept(tmp_path / "s")
    await nothing_left(footprint)


async def end_kept(state: Path) -> None:
    """Run the cluster once more with `end`, which takes down what was kept."""
    async with far_runtime(state, CLUSTER) as runtime:
        await runtime.end()


async def test_pods_deleted_while_nobody_watched_are_ended(tmp_path: Path) -> None:
    """A kept pod that ended unseen is restarted or reported; a second runtime on the same state is refused."""
    async with far_runtime(tmp_path / "s", KEEP) as runtime:
        once = pod("once", shell("trap 'exit 5' USR1; sleep 1000 & wait"), restartPolicy="Never")
        await runtime.ask("apply", bodies=[once, pod("lone")])
        await runtime.until(all_ready(2), "list", resource=PODS)
        footprint = await runtime.footprint()
        process = (await runtime.ask("found"))["once"]["main/0"]
        await runtime.kill()
    os.kill(process, signal.SIGUSR1)
    with trio.fail_after(PATIENCE):
        while is_alive(process):
            await trio.sleep(0.02)
    async with far_runtime(tmp_path / "s", KEEP) as runtime:
        body = await runtime.until(lambda one: one["status"]["phase"] == "Failed", "get", key=[PODS, "default", "once"])
        ended = body["status"]["containerStatuses"][0]
        assert (ended["state"]["terminated"]["exitCode"], ended["restartCount"]) == (5, 0)
        second = await trio.run_process(
            runtime.command, check=False, capture_stdout=True, capture_stderr=True, stdin=b"",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert second.returncode
        assert str(runtime.process.pid) in second.stderr.decode()
        await runtime.end()
    await end_kept(tmp_path / "s")
    await nothing_left(footprint)


async def test_runtime_and_agent_killed_together(tmp_path: Path) -> None:
    """The keeper takes everything down when `end` is wanted and nobody else is left to do it."""
    async with far_runtime(tmp_path / "s", CLUSTER) as runtime:
        await runtime.ask(
            "apply", bodies=[pod("lone"), pod("stubborn", shell("trap '' TERM HUP; while :; do sleep 1; done"))]
        )
        await runtime.until(all_ready(2), "list", resource=PODS)
        footprint = await runtime.footprint()
        _, agent = await runtime.ask("helpers")
        os.kill(agent, signal.SIGSTOP)  # so that it cannot react to the runtime's death
        await runtime.kill()
        os.kill(agent, signal.SIGKILL)
    await nothing_left(footprint)


async def test_a_killed_agent_is_back_and_nobody_notices(stage: Stage) -> None:
    """Pods run on, exits are still seen, new pods start."""
    await stage.apply(pod("lone"))
    await stage.ready("lone")
    before = await stage.found("lone")
    assert stage.cluster.link is not None
    old = stage.cluster.link.agent_pid
    os.kill(old, signal.SIGKILL)
    await stage.apply(pod("second"))
    await stage.ready("second")
    assert stage.cluster.link.agent_pid != old
    assert await stage.found("lone") == before
    assert stage.container("lone")["restartCount"] == 0
    await stage.kill("lone")
    await stage.until(lambda: stage.container("lone").get("restartCount") == 1)


async def test_drain_honours_pre_stop_and_grace_and_keeps_the_objects(tmp_path: Path) -> None:
    """The end of a cluster is the end of its pods, in order; at the next start they come again."""
    log = tmp_path / "log"
    log.mkdir()
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 0.5; echo hook >>/log/said"]}}}
    main = shell("trap 'echo term >>/log/said; exit 0' TERM; while :; do sleep 0.02; done", lifecycle=hook,
                 volumeMounts=[{"name": "log", "mountPath": "/log"}])  # fmt: skip
    volumes = [{"name": "log", "hostPath": {"path": str(log)}}]
    stubborn = shell("trap '' TERM; while :; do sleep 1; done")
    patient, quick = (CLUSTER.replace("shutdownTimeout: 10s", f"shutdownTimeout: {one}") for one in ("5s", "1s"))
    async with far_runtime(tmp_path / "s", patient) as runtime:
        bodies = [pod("polite", main, volumes=volumes), pod("rude", stubborn, terminationGracePeriodSeconds=600)]
        await runtime.ask("apply", bodies=[*bodies, deployment("app", pod("")["spec"], 1)])
        await runtime.until(all_ready(3), "list", resource=PODS)
        footprint = await runtime.footprint()
        names = {one["metadata"]["name"] for one in await runtime.ask("list", resource=PODS)}
        began = trio.current_time()
        await runtime.end()
        assert trio.current_time() - began >= 5  # the rude one has shutdownTimeout, not ten minutes
    assert (log / "said").read_text().split() == ["hook", "term"]
    await nothing_left(footprint)
    async with far_runtime(tmp_path / "s", quick) as runtime:
        pods = await runtime.until(all_ready(3), "list", resource=PODS)
        assert {one["metadata"]["name"] for one in pods} == names
        await runtime.end()


async def test_a_cancelled_block_takes_its_pods_down(tmp_path: Path) -> None:
    """Cancelled from outside, without a drain: pods end all the same, and the block is left."""
    with trio.fail_after(PATIENCE), trio.CancelScope() as scope:
        async with open_cluster(read_config(CLUSTER), state=StateDirectory(tmp_path / "s")) as cluster:
            stage = Stage(cluster)
            await stage.apply(pod("lone"), pod("other"))
            await stage.ready("lone", "other")
            stage.footprint.look()
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    await nothing_left(stage.footprint)


async def test_a_node_that_went_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    """`keep`, and cluster.yaml has a node less when it is run again: the pods that ran on there are ended."""
    mark = f"86420{os.getpid()}"
    lone = pod("lone", shell(f"trap 'exit 0' TERM; sleep {mark} & wait"), nodeName="node-2")
    async with far_runtime(tmp_path / "s", KEEP) as runtime:
        await runtime.ask("apply", bodies=[lone])
        await runtime.until(all_ready(1), "list", resource=PODS)
        footprint = await runtime.footprint()
        await runtime.kill()
    assert len(processes_of("sleep", mark)) == 1
    async with far_runtime(tmp_path / "s", KEEP.replace("count: 2", "count: 1")) as runtime:
        await runtime.until(lambda _: processes_of("sleep", mark) == [], "head")
        assert await runtime.ask("list", resource=PODS) == []
        assert [one["metadata"]["name"] for one in await runtime.ask("list", resource="nodes")] == ["node-1"]
        await runtime.end()
    await end_kept(tmp_path / "s")
    await nothing_left(footprint)
