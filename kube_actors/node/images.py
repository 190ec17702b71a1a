"""From the image name in a pod to what runs: cluster.yaml's `images` map, read the way Kubernetes reads image names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from kube_actors.node.runtime.base import Image, ImageKind, RuntimeFailure

HOST = "host"
"""The image that shows the machine's own programs; always there unless cluster.yaml switches it off."""

_DOMAIN = r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[a-zA-Z][\w+.-]*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_DOCKER_HUB = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/")


Others = ImageKind | Callable[[str], Image | None] | None


class ImageMap:
    """The images a node can run. `others` says what a name that is not in the map stands for: an image of that kind, or
    what a look-up finds (an engine's own images); None refuses it."""

    def __init__(self, images: Mapping[str, Image], *, host_image: bool = True, others: Others = None) -> None:
        self._images: dict[str, Image] = {}
        self._others = others
        self.set(images, host_image=host_image)

    def set(self, images: Mapping[str, Image], *, host_image: bool = True) -> None:
        """From now on these are the images, for containers that start."""
        self._images = dict(images)
        if host_image:
            self._images.setdefault(HOST, Image(HOST, ImageKind.HOST))

    def find(self, name: str, pull_policy: str = "IfNotPresent") -> Image:
        """The image of that name. An entry with the very name wins; then the name without its digest, with the tag
        `latest` where it has none, and at last the entry that has no tag, which stands for every version.

        RuntimeFailure: InvalidImageName, ErrImageNeverPull (pull policy Never), or ErrImagePull.
        """
        for candidate in _candidates(name):
            if candidate in self._images:
                return self._images[candidate]
        if _REFERENCE.fullmatch(name) is None:
            raise RuntimeFailure("InvalidImageName", _invalid(name))
        if isinstance(self._others, ImageKind):
            return Image(name, self._others)
        if self._others is not None and (found := self._others(name)) is not None:
            return found
        if pull_policy == "Never":
            message = f'Container image "{name}" is not present with pull policy of Never'
            raise RuntimeFailure("ErrImageNeverPull", f"{message}: {self._absent(name)}")
        raise RuntimeFailure("ErrImagePull", f'failed to pull image "{name}": {self._absent(name)}')

    def _absent(self, name: str) -> str:
        close = difflib.get_close_matches(name, self._images, n=1)
        known = ", ".join(sorted(self._images)) or "none"
        hint = f'; did you mean "{close[0]}"?' if close else ""
        return f"no such image in the cluster's `images` (there are: {known}){hint}"


def _candidates(name: str) -> Iterator[str]:
    """The map entries that may stand for a name, best first."""
    yield name
    match = _REFERENCE.fullmatch(name)
    if match is None:
        return
    path, tag, digest = match["name"], match["tag"], match["digest"]
    short = next((path[len(hub) :] for hub in _DOCKER_HUB if path.startswith(hub)), path)
    for repository in dict.fromkeys((path, short)):
        if tag:
            yield f"{repository}:{tag}"
        elif not digest:
            yield f"{repository}:latest"
        yield repository


def _invalid(name: str) -> str:
    why = "invalid reference format"
    repository = name.partition("@")[0]
    if repository != repository.lower() and _REFERENCE.fullmatch(repository.lower()):
        why += f": repository name ({repository.partition(':')[0]}) must be lowercase"
    return f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": {why}'
