"""Rolling updates: nobody notices, the bounds hold, and what does not come up harms nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from kube_actors.config.types import ListenerConfig
from kube_actors.store import Commit

from .load import load
from .manifests import CLUSTER, SERVER_FILES, deployment, pod, service, set_version, shell, sleeper, web
from .stage import DEPLOYMENTS, PODS, REPLICA_SETS, Body, Stage, read_config, running

RATE = 500.0


class Bounds:
    """Ready and living pods of a Deployment at every commit from now on."""

    def __init__(self, stage: Stage, app: str) -> None:
        self.stage, self.app = stage, f"app={app}"
        self.ready: list[int] = []
        self.living: list[int] = []
        stage.store.subscribe(self._committed, PODS)

    def _committed(self, commit: Commit) -> None:
        pods = [one.projection for one in self.stage.pods(self.app)]
        self.ready.append(sum(bool(one.facts.ready) for one in pods))
        self.living.append(sum(one.deleting is None and not one.facts.terminal for one in pods))


async def serving(stage: Stage, **spec: Any) -> str:
    """Three web servers behind a Service; its ClusterIP."""
    await stage.apply(SERVER_FILES, web(**spec), service("web"))
    await stage.rolled_out("web")
    await stage.until(lambda: len(stage.endpoints("web")) == 3)
    return stage.service_ip("web")


def needs_route(stage: Stage) -> None:
    """Skip where the machine does not reach Services at their addresses."""
    if stage.cluster.tier != "A":
        pytest.skip(f"tier {stage.cluster.tier}: the machine has no route to Services")


@pytest.mark.parametrize("way", ["ClusterIP", "listener"])
async def test_nobody_notices_a_rolling_update_nor_its_undoing(tmp_path: Path, way: str) -> None:
    """500 requests a second over new connections and as many over kept-alive ones: none fails, and the bounds hold."""
    config = attrs.evolve(read_config(CLUSTER), listeners=(ListenerConfig("web"),))
    async with running(config, tmp_path / "state") as stage:
        if way == "ClusterIP":
            needs_route(stage)
        address = await serving(stage)
        listener = stage.cluster.listeners[0]
        host, port = (address, 80) if way == "ClusterIP" else (listener.host, listener.port)
        bounds = Bounds(stage, "web")
        async with load(host, port, rate=RATE, kept=False) as new, load(host, port, rate=RATE, kept=True) as kept:
            for version in ("2", "1") if way == "ClusterIP" else ("2",):
                await trio.sleep(0.3)
                await stage.roll("web", lambda spec, version=version: set_version(spec, version))  # type: ignore[misc]
                await stage.rolled_out("web")
            await trio.sleep(0.3)
        for result in (new, kept):
            assert result.failed == []
            assert result.versions.keys() == {"1", "2"}
            assert result.answered > RATE / 4  # in all: a busy machine may be slow
        assert min(bounds.ready) >= 3  # replicas less maxUnavailable: 25 % of 3 rounds down to none
        assert max(bounds.living) == 4  # replicas and maxSurge: 25 % of 3 rounds up to one
        sets = [one.body()["metadata"]["annotations"] for one in stage.store.list(REPLICA_SETS)]
        numbers = sorted(one["deployment.kubernetes.io/revision"] for one in sets)
        assert numbers == (["2", "3"] if way == "ClusterIP" else ["1", "2"])


async def test_a_version_that_never_becomes_ready_leaves_the_old_one_serving(stage: Stage) -> None:
    """The rollout stops at maxSurge, ends in ProgressDeadlineExceeded, and requests go on."""
    needs_route(stage)
    address = await serving(stage, progressDeadlineSeconds=2)
    old = {one.uid for one in stage.pods("app=web")}

    def spoil(spec: Body) -> None:
        spec["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"] = "/fails"

    async with load(address, 80, rate=100, kept=False) as result:
        await stage.roll("web", spoil)
        await stage.until(lambda: condition(stage, "web", "Progressing")["reason"] == "ProgressDeadlineExceeded")
    assert condition(stage, "web", "Progressing")["status"] == "False"
    assert condition(stage, "web", "Available")["status"] == "True"
    assert result.failed == []
    now = {one.uid: one for one in stage.pods("app=web")}
    assert old < now.keys()
    assert len(now) == 4
    new = next(one for uid, one in now.items() if uid not in old)
    words = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    await stage.until(lambda: words in stage.events(new.key.name, "Unhealthy"))


def condition(stage: Stage, name: str, kind: str) -> Body:
    """A condition of a Deployment; {} before there is one."""
    body = stage.get(DEPLOYMENTS, name)
    assert body is not None
    found = [one for one in body.get("status", {}).get("conditions", ()) if one["type"] == kind]
    return found[0] if found else {"reason": "", "status": ""}


async def test_a_version_that_ends_at_once_is_never_ready(stage: Stage) -> None:
    """Without a probe a pod is ready when it runs; one that only begins to does not, and no old pod goes for it."""
    await stage.apply(deployment("web", {"containers": [sleeper()]}))
    await stage.rolled_out("web")
    old = {one.key.name for one in stage.pods("app=web")}
    ever_ready: set[str] = set()

    def committed(commit: Commit) -> None:
        ever_ready.update(one.key.name for one in stage.pods("app=web") if one.projection.facts.ready)

    def change(spec: Body) -> None:
        spec["template"]["spec"]["containers"] = [shell("sleep 0.05; exit 1")]

    stage.store.subscribe(committed, PODS)
    await stage.roll("web", change)
    await stage.until(lambda: any(stage.container(one.key.name).get("restartCount") for one in stage.pods("app=web")))
    assert ever_ready == old


async def test_recreate_never_runs_two_versions(stage: Stage) -> None:
    """With Recreate the last old pod is gone, its processes too, before the first new one is made."""
    template = pod("", sleeper())["spec"]
    await stage.apply(deployment("app", template, 2, strategy={"type": "Recreate"}))
    await stage.rolled_out("app")
    seen: list[set[str]] = []

    def committed(commit: Commit) -> None:
        living = [one for one in stage.pods("app=app") if not one.projection.facts.terminal]
        seen.append({one.projection.facts.template_hash for one in living})

    stage.store.subscribe(committed, PODS)
    await stage.roll("app", lambda spec: spec["template"]["spec"]["containers"].append(sleeper("second")))
    await stage.rolled_out("app")
    assert max(map(len, seen)) == 1
    assert len(set().union(*seen)) == 2


async def test_a_paused_rollout_waits(stage: Stage) -> None:
    """Nothing rolls while paused, scaling works, and resume goes on."""
    template = pod("", sleeper())["spec"]
    await stage.apply(deployment("app", template, 2))
    await stage.rolled_out("app")
    before = {one.uid for one in stage.pods()}
    await stage.roll("app", lambda spec: spec.update(paused=True))
    await stage.roll("app", lambda spec: spec["template"]["spec"]["containers"].append(sleeper("second")))
    await stage.roll("app", lambda spec: spec.update(replicas=3))
    await stage.until(lambda: len(stage.pods()) == 3 and all(one.projection.facts.ready for one in stage.pods()))
    assert before < {one.uid for one in stage.pods()}
    assert all(len(one.body()["spec"]["containers"]) == 1 for one in stage.pods())
    await stage.roll("app", lambda spec: spec.update(paused=False))
    await stage.until(lambda: [len(one.body()["spec"]["containers"]) for one in stage.pods("app=app")] == [2, 2, 2])


async def test_scaling_down_asks_the_pods_to_end(stage: Stage) -> None:
    """To zero and back: every pod hears SIGTERM and has its grace."""
    script = "trap 'echo asked; sleep 0.3; exit 0' TERM; echo up; sleep 1000 & wait"
    await stage.apply(deployment("app", pod("", shell(script), terminationGracePeriodSeconds=60)["spec"], 2))
    await stage.rolled_out("app")
    logs = list(stage.cluster.state.logs.rglob("0.log"))
    assert len(logs) == 2
    await stage.until(lambda: all("up" in log.read_text() for log in logs))
    await stage.roll("app", lambda spec: spec.update(replicas=0))
    await stage.until(lambda: not stage.pods())
    assert all("asked" in log.read_text() for log in logs)
    await stage.roll("app", lambda spec: spec.update(replicas=1))
    await stage.rolled_out("app")
