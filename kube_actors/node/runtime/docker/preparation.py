"""What an engine must have before pods can run on it (pause image, the node's network), and the images it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.node.runtime.base import Image, ImageKind, RuntimeFailure, RuntimeGone
from kube_actors.node.runtime.docker.engine import Engine, EngineError
from kube_actors.node.runtime.docker.pause import PAUSE_IMAGE, pause_archive
from kube_actors.records import frozen

_FAILED = "FailedCreatePodSandBox"


@frozen
class DockerSettings:
    """A node's `docker` mapping of cluster.yaml.

    With `subnet` the node has an engine network of its own, in which pods get the addresses they are to have; without,
    pods are on the engine's network `network` and get what it gives. `pause_image` replaces our own.
    """

    socket: str = "/var/run/docker.sock"
    network: str = "bridge"
    subnet: str | None = None
    pause_image: str = PAUSE_IMAGE

    @classmethod
    def from_config(cls, docker: Mapping[str, Any], *, subnet: str | None = None) -> DockerSettings:
        """From cluster.yaml's words (`socket`, `network`, `subnet`, `pauseImage`); `subnet` is taken unless it says one
        or a network. ValueError names what there is no such setting for."""
        unknown = sorted(docker.keys() - {"socket", "network", "subnet", "pauseImage"})
        if unknown:
            raise ValueError(f"no such docker setting: {', '.join(unknown)} (socket, network, subnet, pauseImage)")
        own = None if "network" in docker else subnet
        return cls(
            socket=str(docker.get("socket", cls().socket)),
            network=str(docker.get("network", cls().network)),
            subnet=docker.get("subnet", own),
            pause_image=str(docker.get("pauseImage", PAUSE_IMAGE)),
        )


async def prepare(engine: Engine, settings: DockerSettings, network: str, labels: dict[str, str]) -> str:
    """See to image and network; the engine's version. RuntimeFailure says what cannot be had."""
    try:
        version = await engine.ask("version")
        if not await _has(engine, f"images/{settings.pause_image}/json"):
            await _import_pause(engine, settings.pause_image)
        if settings.subnet and not await _has(engine, f"networks/{network}"):
            addresses = {"Config": [{"Subnet": settings.subnet}]}
            body = {"Name": network, "Driver": "bridge", "IPAM": addresses, "Labels": labels}
            await engine.ask("networks/create", "POST", body=body)
    except EngineError as error:
        raise RuntimeFailure(_FAILED, error.message) from None
    return str(version["Version"])


async def _has(engine: Engine, path: str) -> bool:
    try:
        await engine.ask(path)
    except EngineError as error:
        if error.status == 404:
            return False
        raise
    return True


async def _import_pause(engine: Engine, image: str) -> None:
    if image != PAUSE_IMAGE:
        raise RuntimeFailure(_FAILED, f'the engine has no pause image "{image}"')
    architecture = (await engine.ask("info"))["Architecture"]
    try:
        archive = pause_archive(architecture)
    except KeyError:
        message = f"no pause image for {architecture}: name one of the engine's as `docker.pauseImage`"
        raise RuntimeFailure(_FAILED, message) from None
    name, _, tag = image.partition(":")
    await engine.ask("images/create", "POST", body=archive, fromSrc="-", repo=name, tag=tag)


async def images_of(engine: Engine) -> dict[str, Image]:
    """The engine's images by their tags, with the defaults they carry."""
    images: dict[str, Image] = {}
    try:
        for summary in await engine.ask("images/json"):
            inspected = await engine.ask(f"images/{summary['Id']}/json")
            for name in summary.get("RepoTags") or ():
                images[name] = _image(name, inspected["Config"] or {})
    except EngineError as error:
        raise RuntimeGone(f"the Docker engine does not tell its images: {error.message}") from None
    return images


def _image(name: str, config: dict[str, Any]) -> Image:
    env = tuple((variable, value) for variable, _, value in (e.partition("=") for e in config.get("Env") or ()))
    return Image(
        name,
        ImageKind.ENGINE,
        command=tuple(config.get("Entrypoint") or ()),
        args=tuple(config.get("Cmd") or ()),
        env=env,
        working_dir=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        stop_signal=config.get("StopSignal") or "SIGTERM",
    )
