"""The same cluster in every tier the machine allows, side by side, and as a user without privileges."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs
import pytest
import trio

from kube_actors.config.types import ListenerConfig
from tests.runtime.unprivileged import passes_for_nobody

from .load import load
from .manifests import CLUSTER, field, pod, service, shell, sleeper
from .stage import PODS, Stage, read_config, running

Tier = Literal["A", "B", "C"]

# As in manifests, but given on the command line: tier C cannot show a pod files of its own.
SERVER = Path(__file__).with_name("manifests.py").read_text().split("SERVER = r'''")[1].split("'''")[0]


def web(version: str) -> dict[str, object]:
    """Two web servers."""
    container = {
        "name": "main", "image": "host", "command": ["python3", "-S", "-c", SERVER],
        "env": [{"name": "VERSION", "value": version},
                {"name": "POD_NAME", "valueFrom": field("metadata.name")},
                {"name": "POD_IP", "valueFrom": field("status.podIP")}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
    }  # fmt: skip
    labels = {"app": "web"}
    spec = {"terminationGracePeriodSeconds": 30, "containers": [container]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }  # fmt: skip


async def core(stage: Stage) -> None:
    """What a cluster must be able to do wherever it runs."""
    listener = stage.cluster.listeners[0]
    await stage.apply(web("1"), service("web"), pod("lone", sleeper(env=[{"name": "A", "value": "b"}])))
    await stage.rolled_out("web")
    await stage.ready("lone")
    await stage.until(lambda: len(stage.endpoints("web")) == 2)
    async with load(listener.host, listener.port, rate=100, kept=False) as result:
        await trio.sleep(0.3)
        await stage.apply(web("2"))
        await stage.rolled_out("web")
        await trio.sleep(0.3)
    assert result.failed == []
    assert result.versions.keys() == {"1", "2"}

    assert await stage.exec("lone", "sh", "-c", "echo $A; exit 7") == (7, "b\n")
    await stage.kill("lone")
    await stage.until(lambda: stage.container("lone").get("restartCount") == 1)
    await stage.apply(pod("says", shell("echo hello; exit 3"), restartPolicy="Never"))
    assert (await stage.ended("says"))["status"]["phase"] == "Failed"
    await stage.until(lambda: stage.log("says") == "hello\n")
    await stage.apply(pod("init", sleeper(), initContainers=[shell("exit 0", name="first")]))
    await stage.ready("init")
    await stage.delete(PODS, "lone")
    await stage.gone(PODS, "lone")
    node = stage.get("nodes", "node-1", "")
    assert node is not None
    conditions = {one["type"]: one for one in node["status"]["conditions"]}
    assert conditions["SandboxTier"]["reason"] == f"Tier{stage.cluster.tier}"


@pytest.mark.parametrize("tier", ["A", "B", "C"])
async def test_core(tmp_path: Path, tier: Tier) -> None:
    """Rolling update under load, exec, restart, logs, init containers, the end; nothing left."""
    config = attrs.evolve(read_config(CLUSTER), tier=tier, listeners=(ListenerConfig("web"),))
    async with running(config, tmp_path / "s") as stage:
        assert stage.cluster.tier == tier
        await core(stage)


@pytest.mark.parametrize("tier", ["A", "C"])
async def test_two_clusters_do_not_meet(tmp_path: Path, tier: Tier) -> None:
    """Same names, same ports, same moment: each answers with its own pods."""
    answers: dict[str, set[str]] = {}
    ready = trio.Event()

    async def one(name: str) -> None:
        config = attrs.evolve(read_config(CLUSTER), tier=tier, listeners=(ListenerConfig("web"),))
        async with running(config, tmp_path / name) as stage:
            await stage.apply(web("1"), service("web"))
            await stage.rolled_out("web")
            await stage.until(lambda: len(stage.endpoints("web")) == 2)
            listener = stage.cluster.listeners[0]
            async with load(listener.host, listener.port, rate=100, kept=False) as result:
                await trio.sleep(0.5)
            assert result.failed == []
            assert set(result.pods) == {revision.key.name for revision in stage.pods("app=web")}
            answers[name] = stage.endpoints("web")
            if len(answers) == 2:
                ready.set()
            await ready.wait()

    with trio.fail_after(200):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one, "first")
            nursery.start_soon(one, "second")
    assert not answers["first"] & answers["second"]


def test_core_without_privileges() -> None:
    """Tier B as a user who has no privileges at all."""
    passes_for_nobody("test_core and B and not without", Path(__file__))
