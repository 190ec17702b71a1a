"""Image names and what they stand for."""

from __future__ import annotations

import pytest

from kube_actors.node.images import ImageMap
from kube_actors.node.runtime.base import Image, ImageKind, RuntimeFailure

WEB = Image("web", ImageKind.ROOTFS, rootfs="/images/web")
WEB_2 = Image("web:2", ImageKind.ROOTFS, rootfs="/images/web-2")
LATEST = Image("cache:latest", ImageKind.ROOTFS, rootfs="/images/cache")
TEAM = Image("registry.example:5000/team/app", ImageKind.ROOTFS, rootfs="/images/app")
IMAGES = ImageMap({image.name: image for image in (WEB, WEB_2, LATEST, TEAM)})
DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("web", WEB),
        ("web:2", WEB_2),
        ("web:1", WEB),
        ("web:latest", WEB),
        (f"web@{DIGEST}", WEB),
        (f"web:2@{DIGEST}", WEB_2),
        ("docker.io/library/web:2", WEB_2),
        ("docker.io/web:3", WEB),
        ("cache", LATEST),
        ("registry.example:5000/team/app:v7", TEAM),
        ("host", Image("host", ImageKind.HOST)),
        ("host:v2", Image("host", ImageKind.HOST)),
    ],
)
def test_find(name: str, image: Image) -> None:
    """The most exact entry wins; an entry without a tag stands for every version."""
    assert IMAGES.find(name) == image


@pytest.mark.parametrize("name", ["cache:7", f"cache@{DIGEST}"])
def test_an_entry_with_a_tag_is_that_version_only(name: str) -> None:
    """`cache:latest` in the map serves neither `cache:7` nor a digest."""
    with pytest.raises(RuntimeFailure, match=f'failed to pull image "{name}"'):
        IMAGES.find(name)


@pytest.mark.parametrize(("policy", "reason"), [("Never", "ErrImageNeverPull"), ("Always", "ErrImagePull")])
def test_unknown_image_says_what_there_is(policy: str, reason: str) -> None:
    """The refusal has Kubernetes' reason and names the images of the cluster, and the one that was probably meant."""
    with pytest.raises(RuntimeFailure) as failure:
        IMAGES.find("wbe", policy)
    assert failure.value.reason == reason
    assert "no such image in the cluster's `images`" in failure.value.message
    assert 'did you mean "web"?' in failure.value.message


def test_never_is_in_kubernetes_words() -> None:
    """Pull policy Never has its own sentence."""
    with pytest.raises(RuntimeFailure, match=r'^Container image "nope" is not present with pull policy of Never'):
        IMAGES.find("nope", "Never")


@pytest.mark.parametrize("name", ["Web", "a b", "web:", "web@sha256:12", "-web", "https://web/app"])
def test_invalid_names(name: str) -> None:
    """What is no image name is InvalidImageName, whatever the map has."""
    with pytest.raises(RuntimeFailure) as failure:
        IMAGES.find(name)
    assert failure.value.reason == "InvalidImageName"
    assert "invalid reference format" in failure.value.message


def test_upper_case_is_explained() -> None:
    """The most common mistake is named."""
    with pytest.raises(RuntimeFailure, match=r"repository name \(Web\) must be lowercase"):
        IMAGES.find("Web:1")


def test_host_can_be_switched_off() -> None:
    """Without it, `host` is an image like any other: not there."""
    with pytest.raises(RuntimeFailure, match="there are: none"):
        ImageMap({}, host_image=False).find("host")


def test_own_host_entry_wins() -> None:
    """Who describes `host` gets what was described."""
    own = Image("host", ImageKind.HOST, binds=("/opt",))
    assert ImageMap({"host": own}).find("host") is own


def test_other_names_on_an_engine() -> None:
    """On a node with an engine, names outside the map are the engine's images."""
    assert ImageMap({}, others=ImageKind.ENGINE).find("nginx:1.27") == Image("nginx:1.27", ImageKind.ENGINE)


def test_other_names_by_look_up() -> None:
    """An engine's images come with their defaults; what it does not have is refused as elsewhere."""
    nginx = Image("nginx:1.27", ImageKind.ENGINE, command=("nginx",))
    images = ImageMap({"web": WEB}, others={"nginx:1.27": nginx}.get)
    assert images.find("nginx:1.27") is nginx
    assert images.find("web") is WEB
    with pytest.raises(RuntimeFailure, match="failed to pull"):
        images.find("nginx:9")
