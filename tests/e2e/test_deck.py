"""The deck's own example, with the distribution's nginx, from 0.1 to 0.2 under load."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import trio

from kube_actors.api.codecs.yaml import load_documents

from .load import load
from .stage import Stage, read_config, running

EXAMPLE = Path(__file__).parents[2] / "configs" / "wido-web.yaml"


async def test_wido_web_rolls_from_01_to_02(tmp_path: Path) -> None:
    """Old API version, two containers per pod, preStop `nginx -s quit`: no request fails."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed here")
    if os.geteuid():
        pytest.skip("the example's nginx listens on port 80 as root")
    text = EXAMPLE.read_text()
    warnings: list[str] = []
    async with running(read_config(text), tmp_path / "state") as stage:
        if stage.cluster.tier == "C":
            pytest.skip("tier C gives pods no files of their own, such as nginx's configuration")
        await apply(stage, text, warnings)
        assert any("apps/v1" in warning for warning in warnings)
        await stage.rolled_out("wido-web")
        await stage.until(lambda: len(stage.endpoints("wido-web")) == 3)
        listener = stage.cluster.listeners[0]
        ways = [(stage.service_ip("wido-web"), 80), (listener.host, listener.port)]
        if stage.cluster.tier != "A":
            ways = ways[1:]
        # New connections only: on `quit` nginx closes idle ones at once, perhaps at the moment a client reuses one.
        async with load(*ways[0], rate=250, kept=False) as one, load(*ways[-1], rate=250, kept=False) as other:
            await trio.sleep(0.3)
            await apply(stage, text.replace(":0.1\n", ":0.2\n"), warnings)
            await stage.rolled_out("wido-web")
            await stage.until(lambda: len(stage.pods()) == 3)
        for result in (one, other):
            assert result.failed == []
            assert result.answered > 100
        assert {one.body()["spec"]["containers"][0]["image"] for one in stage.pods()} == {"wido/nginx:0.2"}


async def apply(stage: Stage, text: str, warnings: list[str]) -> None:
    """Apply the manifests after the Cluster document."""
    for document in load_documents(text, "wido-web.yaml")[1:]:
        applied = await stage.client.apply(document.body, namespace="default")
        warnings += applied.warnings
