"""Pods that behave badly: they harm nobody, and nothing of them stays."""

from __future__ import annotations

import os

import pytest
import trio

from .footprint import processes_of
from .manifests import pod, service, shell, sleeper
from .stage import PODS, Stage


async def responsive(stage: Stage) -> None:
    """A neighbour starts, answers and ends within a moment."""
    with trio.fail_after(60):
        await stage.apply(pod("neighbour"))
        await stage.ready("neighbour")
        assert (await stage.exec("neighbour", "echo", "well"))[1] == "well\n"
        await stage.delete(PODS, "neighbour")
        await stage.gone(PODS, "neighbour")


async def test_daemons_end_with_their_pod(stage: Stage) -> None:
    """Double-forked, in sessions of their own, deaf to SIGTERM: gone when the pod is."""
    mark = f"86420{os.getpid()}"
    daemon = f"(setsid sh -c 'trap \"\" TERM HUP; sleep {mark} & sleep {mark}; wait' &) ; "
    await stage.apply(pod("demons", shell(daemon * 3 + "trap 'exit 0' TERM; sleep 1000 & wait")))
    await stage.until(lambda: len(processes_of("sleep", mark)) == 6)
    await stage.delete(PODS, "demons")
    await stage.gone(PODS, "demons")
    await stage.until(lambda: not processes_of("sleep", mark))


async def test_a_flooded_log_is_rotated(stage: Stage) -> None:
    """As fast as it can for a while: the files stay within bounds, and neighbours do not suffer."""
    await stage.apply(pod("flood", shell("exec yes 'a line of some length that is printed without an end'")))
    await stage.ready("flood")
    logs = stage.cluster.state.logs
    await stage.until(lambda: len([path for path in logs.rglob("0.log*") if "flood" in str(path)]) >= 3)
    await responsive(stage)
    size = sum(path.stat().st_size for path in logs.rglob("0.log*"))
    assert size < 80 << 20  # five files of ten mebibytes each, and what one read may add
    await stage.delete(PODS, "flood")
    await stage.gone(PODS, "flood")


async def test_a_line_of_100_megabytes(stage: Stage) -> None:
    """Split in parts; the memory of runtime and agent stays small, and the pod ends as it should."""
    script = "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo after"
    await stage.apply(pod("long", shell(script), restartPolicy="Never"))
    await responsive(stage)
    assert (await stage.ended("long"))["status"]["phase"] == "Succeeded"
    await stage.until(lambda: stage_log_ends(stage, "long", "after"))
    assert stage.cluster.link is not None
    assert resident(stage.cluster.link.agent_pid) < 150 << 20


def stage_log_ends(stage: Stage, pod_name: str, text: str) -> bool:
    """Whether the newest log file ends with a line."""
    uid = stage.pod(pod_name)["metadata"]["uid"]
    path = stage.cluster.state.logs / f"default_{pod_name}_{uid}" / "main" / "0.log"
    if not path.exists():
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200))
        return file.read().endswith(f" F {text}\n".encode())


def resident(pid: int) -> int:
    """Bytes of memory a process has."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_a_fork_storm_ends_with_its_pod(stage: Stage) -> None:
    """Hundreds of processes that fork others: all gone with the pod."""
    mark = f"75319{os.getpid()}"
    storm = f"i=0; while [ $i -lt 300 ]; do (setsid sleep {mark} &); i=$((i+1)); done; sleep 1000"
    await stage.apply(pod("storm", shell(storm)))
    await stage.until(lambda: len(processes_of("sleep", mark)) == 300)
    await responsive(stage)
    await stage.delete(PODS, "storm", grace_seconds=0)
    await stage.until(lambda: not processes_of("sleep", mark))


async def test_a_pod_that_crashes_all_the_time_and_one_that_never_starts(stage: Stage) -> None:
    """Crashes, bad images and endless probes side by side leave no actor failed and the rest well."""
    mark = f"64208{os.getpid()}"
    probe = {"exec": {"command": ["sh", "-c", f"sleep {mark}; true"]}, "periodSeconds": 1, "timeoutSeconds": 1}
    await stage.apply(
        pod("crashes", shell("exit 1")),
        pod("unknown", {"name": "main", "image": "no.such/thing"}),
        pod("hangs", sleeper(readinessProbe=probe)),
        service("nobody"),
    )
    await stage.until(lambda: stage.container("crashes").get("restartCount", 0) >= 1)
    await stage.until(lambda: any("timed out" in one for one in stage.events("hangs", "Unhealthy")))
    await responsive(stage)
    await trio.sleep(1.5)
    await stage.until(lambda: len(processes_of("sleep", mark)) <= 1)  # one under way, not those that were given up


async def test_a_dead_service_and_a_pod_that_closes_its_streams(stage: Stage) -> None:
    """A program that closes stdout and stderr runs on, and its end is seen."""
    await stage.apply(pod("quiet", shell("exec >&- 2>&- <&-; sleep 0.5; exit 6"), restartPolicy="Never"))
    ended = await stage.ended("quiet")
    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 6


async def test_a_pids_limit_stops_a_fork_bomb(stage: Stage) -> None:
    """A bomb cannot take the machine's process table with it."""
    if stage.cluster.link is None or "pids" not in stage.cluster.link.limits:
        pytest.skip("no pids control group here")
    mark = f"31975{os.getpid()}"
    bomb = f"trap 'echo forked $i' EXIT; i=0; while [ $i -lt 6000 ]; do sleep {mark} & i=$((i+1)); done"
    await stage.apply(pod("bomb", shell(bomb), restartPolicy="Never"))
    await stage.until(lambda: "forked" in stage.log("bomb"))
    told = stage.log("bomb")
    assert "Cannot fork" in told
    assert 1000 < int(told.split()[-1]) < 4096
    await stage.delete(PODS, "bomb", grace_seconds=0)
    await stage.until(lambda: not processes_of("sleep", mark))
    await responsive(stage)
