"""From `volumes` and `volumeMounts` to files."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kube_actors.errors import not_found
from kube_actors.node.environment import Environment
from kube_actors.node.objects import Objects, Place
from kube_actors.node.runtime.base import (
    EmptyDirVolume,
    File,
    FilesVolume,
    HostPathVolume,
    Mount,
    RuntimeFailure,
    Volume,
)
from kube_actors.node.volumes import Sources, changed_files, refreshed_volumes, resolve_mounts, resolve_volumes

OBJECTS = Objects(
    config_maps={"conf": {"data": {"a": "A", "b": "B"}, "binaryData": {"raw": base64.b64encode(b"\xff").decode()}}},
    secrets={"cert": {"data": {"tls.key": base64.b64encode(b"key").decode()}}},
)


def token(audience: str, seconds: int) -> str:
    """A token that says what was asked for."""
    return f"{audience or 'api'} {seconds}"


def resolve(*volumes: dict[str, Any], objects: Objects = OBJECTS, **spec: Any) -> tuple[Volume, ...]:
    """The volumes of a pod that has these."""
    metadata = {"name": "web-0", "namespace": "shop", "labels": {"z": "1", "app": 'a"b'}}
    container = {"name": "web", "resources": {"limits": {"cpu": "2"}}}
    pod = {"metadata": metadata, "spec": {"containers": [container], "volumes": list(volumes), **spec}}
    return resolve_volumes(Sources(pod, objects, Place("10.1.2.3"), token))


def failure(*volumes: dict[str, Any]) -> str:
    """The text of the FailedMount event."""
    with pytest.raises(RuntimeFailure) as caught:
        resolve(*volumes)
    assert caught.value.reason == "FailedMount"
    return caught.value.message


def test_empty_dir_and_host_path() -> None:
    """Sizes are bytes; a volume without a source is an emptyDir."""
    assert resolve(
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "plain", "emptyDir": {}},
        {"name": "bare"},
        {"name": "logs", "hostPath": {"path": "/var/log", "type": "Directory"}},
        securityContext={"fsGroup": 7},
    ) == (
        EmptyDirVolume("tmp", memory=True, size_limit=1 << 20, fs_group=7),
        EmptyDirVolume("plain", fs_group=7),
        EmptyDirVolume("bare", fs_group=7),
        HostPathVolume("logs", "/var/log", "Directory"),
    )


def test_config_map_whole_and_by_items() -> None:
    """All keys with the default mode, or the chosen ones under their paths with modes of their own."""
    whole = {"name": "w", "configMap": {"name": "conf", "defaultMode": 0o600}}
    items = [{"key": "b", "path": "etc/b.conf", "mode": 0o400}, {"key": "a", "path": "a"}]
    chosen = {"name": "c", "configMap": {"name": "conf", "items": items}}
    assert resolve(whole, chosen) == (
        FilesVolume("w", (File("a", b"A", 0o600), File("b", b"B", 0o600), File("raw", b"\xff", 0o600))),
        FilesVolume("c", (File("a", b"A"), File("etc/b.conf", b"B", 0o400))),
    )


def test_secret_and_optional() -> None:
    """Secrets say that they are; what is optional and missing is an empty volume."""
    assert resolve(
        {"name": "s", "secret": {"secretName": "cert"}},
        {"name": "o", "secret": {"secretName": "gone", "optional": True}},
        {"name": "k", "configMap": {"name": "conf", "optional": True, "items": [{"key": "x", "path": "x"}]}},
    ) == (
        FilesVolume("s", (File("tls.key", b"key"),), secret=True),
        FilesVolume("o", (), secret=True),
        FilesVolume("k", ()),
    )


def test_downward_and_projected() -> None:
    """Fields as files, and several sources in one volume, later ones winning."""
    downward = {
        "items": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
            {"path": "cpu", "resourceFieldRef": {"containerName": "web", "resource": "limits.cpu"}, "mode": 0o440},
        ]
    }
    sources = [
        {"configMap": {"name": "conf", "items": [{"key": "a", "path": "tls.key"}]}},
        {"secret": {"name": "cert"}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    own, joined = resolve(
        {"name": "d", "downwardAPI": downward}, {"name": "p", "projected": {"sources": sources, "defaultMode": 0o600}}
    )
    assert own == FilesVolume("d", (File("cpu", b"2", 0o440), File("labels", b'app="a\\"b"\nz="1"')))
    assert joined == FilesVolume("p", (File("name", b"web-0", 0o600), File("tls.key", b"key", 0o600)), secret=True)


def test_tokens() -> None:
    """A token of the account for the audience it names, beside other sources; private where the pod has a group."""
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"serviceAccountToken": {"path": "vault/token", "audience": "vault", "expirationSeconds": 600}},
        {"configMap": {"name": "conf", "items": [{"key": "a", "path": "ca.crt"}]}},
    ]
    volume = {"name": "t", "projected": {"sources": sources, "defaultMode": 0o644}}
    ca, plain, vault = File("ca.crt", b"A"), File("token", b"api 3607"), File("vault/token", b"vault 600")
    assert resolve(volume) == (FilesVolume("t", (ca, plain, vault), secret=True),)
    (grouped,) = resolve(volume, securityContext={"fsGroup": 7})
    assert isinstance(grouped, FilesVolume)
    assert [file.mode for file in grouped.files] == [0o644, 0o600, 0o600]


def test_no_token_no_volume() -> None:
    """The pod waits, and its Event says why."""

    def refuse(audience: str, seconds: int) -> str:
        raise not_found("serviceaccounts", "robot")

    source = {"serviceAccountToken": {"path": "token"}}
    pod = {"metadata": {}, "spec": {"volumes": [{"name": "t", "projected": {"sources": [source]}}]}}
    text = 'MountVolume.SetUp failed for volume "t" : failed to fetch token: serviceaccounts "robot" not found'
    with pytest.raises(RuntimeFailure, match=text):
        resolve_volumes(Sources(pod, OBJECTS, Place(), refuse))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMap": {"name": "gone"}}, 'configmap "gone" not found'),
        ({"secret": {"secretName": "gone"}}, 'secret "gone" not found'),
        (
            {"configMap": {"name": "conf", "items": [{"key": "x", "path": "x"}]}},
            "configmap references non-existent config key: x",
        ),
        (
            {"secret": {"secretName": "cert", "items": [{"key": "x", "path": "x"}]}},
            "secret references non-existent secret key: x",
        ),
        ({"nfs": {"server": "s", "path": "/"}}, "volume type nfs is not supported by kube-actors"),
        (
            {"projected": {"sources": [{"clusterTrustBundle": {"path": "t"}}]}},
            "projected source clusterTrustBundle is not supported by kube-actors",
        ),
        (
            {"configMap": {"name": "conf", "items": [{"key": "a", "path": "../../etc/passwd"}]}},
            "invalid path '../../etc/passwd': it must be relative and stay inside the volume",
        ),
    ],
)
def test_what_cannot_be_mounted(source: dict[str, Any], message: str) -> None:
    """The event's text names the volume and the reason."""
    assert failure({"name": "v", **source}) == f'MountVolume.SetUp failed for volume "v" : {message}'


def test_mounts() -> None:
    """Read-only and sub-paths, expanded from the container's variables."""
    container = {
        "volumeMounts": [
            {"name": "a", "mountPath": "/a", "readOnly": True},
            {"name": "b", "mountPath": "/b", "subPath": "x/y"},
            {"name": "c", "mountPath": "/c", "subPathExpr": "pods/$(POD)"},
        ]
    }
    assert resolve_mounts(container, Environment((), {"POD": "web-0"})) == (
        Mount("a", "/a", read_only=True),
        Mount("b", "/b", sub_path="x/y"),
        Mount("c", "/c", sub_path="pods/web-0"),
    )


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        ({"subPathExpr": "$(NOPE)"}, 'missing value for "NOPE"'),
        ({"subPathExpr": "$(UP)"}, "unable to provision SubPath `../x`: must not contain '..'"),
        ({"subPath": "/etc"}, "error SubPath `/etc` must not be an absolute path"),
    ],
)
def test_sub_paths_that_cannot_be(mount: dict[str, Any], message: str) -> None:
    """An unknown variable, or a path that leaves the volume, is a CreateContainerConfigError."""
    container = {"volumeMounts": [{"name": "a", "mountPath": "/a", **mount}]}
    with pytest.raises(RuntimeFailure) as caught:
        resolve_mounts(container, Environment((), {"UP": "../x"}))
    assert caught.value.reason == "CreateContainerConfigError"
    assert caught.value.message == message


def test_changed_files() -> None:
    """Only what a running pod has to be given again."""
    volumes = ({"name": "c", "configMap": {"name": "conf"}}, {"name": "s", "secret": {"secretName": "cert"}})
    before = resolve(*volumes, {"name": "e", "emptyDir": {}})
    edited = Objects(config_maps={"conf": {"data": {"a": "new"}}}, secrets=OBJECTS.secrets)
    after = resolve(*volumes, {"name": "e", "emptyDir": {}}, objects=edited)
    assert changed_files(before, before) == ()
    assert changed_files(before, after) == (FilesVolume("c", (File("a", b"new"),)),)


def test_a_volume_that_cannot_be_read_any_more_stays_as_it_was() -> None:
    """And keeps none of the others from being read again."""
    items = {"name": "conf", "items": [{"key": "b", "path": "b"}]}
    volumes = [{"name": "gone", "configMap": items}, {"name": "new", "configMap": {"name": "conf"}}]
    pod = {"metadata": {"name": "web-0"}, "spec": {"containers": [], "volumes": volumes}}
    before = resolve_volumes(Sources(pod, OBJECTS, Place("10.1.2.3"), token))
    edited = Objects(config_maps={"conf": {"data": {"a": "new"}}})
    after, failures = refreshed_volumes(before, Sources(pod, edited, Place("10.1.2.3"), token))
    assert after == (before[0], FilesVolume("new", (File("a", b"new"),)))
    assert [failure.message.partition(" : ")[2] for failure in failures] == [
        "configmap references non-existent config key: b"
    ]


def test_a_token_belongs_to_the_only_user() -> None:
    """Where all containers run as the same user, nobody else may read it."""
    volume = {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    (alone,) = resolve(volume, securityContext={"runAsUser": 1000})
    assert alone == FilesVolume("t", (File("token", b"api 3600", 0o600, 1000),), secret=True)
    others = [{"name": "a", "securityContext": {"runAsUser": 7}}, {"name": "b"}]
    (shared,) = resolve(volume, securityContext={"runAsUser": 1000}, containers=others)
    assert shared == FilesVolume("t", (File("token", b"api 3600"),), secret=True)
