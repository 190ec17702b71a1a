"""Environments and command lines, as Kubernetes makes them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kube_actors.node.environment import DEFAULT_PATH, container_argv, container_environment
from kube_actors.node.expansion import expand
from kube_actors.node.objects import Objects, Place, References, references
from kube_actors.node.runtime.base import Image, ImageKind, RuntimeFailure

IMAGE = Image("web", ImageKind.ROOTFS, command=("/bin/web",), args=("--default",), env=(("LANG", "C"), ("A", "image")))
NOTHING = Objects()
PLACE = Place("10.1.2.3", "192.168.0.1", "web-0", cpu_milli=4000, memory_bytes=8 << 30)


def pod_of(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod with one container."""
    metadata = {"name": "web-0", "namespace": "shop", "uid": "u-1", "labels": {"app": "web", "b": 'say "hi"\n'}}
    return {"metadata": metadata, "spec": {"containers": [{"name": "web", **container}], "nodeName": "node-1", **spec}}


def variables(container: dict[str, Any], objects: Objects = NOTHING, **spec: Any) -> dict[str, str]:
    """What the container finds, without what every container of a root filesystem image finds."""
    pod = pod_of(container, **spec)
    found = dict(container_environment(pod, pod["spec"]["containers"][0], IMAGE, objects, PLACE).variables)
    given = {"HOSTNAME": "web-0", "PATH": DEFAULT_PATH, "LANG": "C", "A": "image"}
    return {name: value for name, value in found.items() if given.get(name) != value}


def failure(container: dict[str, Any], objects: Objects = NOTHING) -> RuntimeFailure:
    """How the container is refused."""
    with pytest.raises(RuntimeFailure) as caught:
        variables(container, objects)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("a$(A)b$(B)", "a1b2"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(NOPE)", "$(NOPE)"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
        ("$(A$(B))", "$(A$(B))"),
    ],
)
def test_expand(text: str, expanded: str) -> None:
    """References, escapes and what is left alone."""
    assert expand(text, {"A": "1", "B": "2"}) == expanded


def test_values_refer_to_what_stands_before() -> None:
    """Only earlier variables are known; later ones stay as they are written."""
    env = [
        {"name": "FIRST", "value": "$(SECOND)"},
        {"name": "SECOND", "value": "2"},
        {"name": "THIRD", "value": "$(SECOND)$(LANG)"},
        {"name": "EMPTY"},
    ]
    assert variables({"env": env}) == {"FIRST": "$(SECOND)", "SECOND": "2", "THIRD": "2$(LANG)", "EMPTY": ""}


def test_image_variables_are_underneath() -> None:
    """The pod's variables win over the image's."""
    assert variables({"env": [{"name": "A", "value": "pod"}]}) == {"A": "pod"}


def test_an_engine_keeps_its_images_path() -> None:
    """No PATH is put over what an engine's image says itself."""
    pod = pod_of({})
    image = Image("nginx", ImageKind.ENGINE)
    environment = container_environment(pod, pod["spec"]["containers"][0], image, Objects(), PLACE)
    assert environment.variables == (("HOSTNAME", "web-0"),)


def test_env_from_in_order_with_prefix() -> None:
    """Later sources win, `env` wins over all of them, and may refer to them."""
    objects = Objects(
        config_maps={"one": {"data": {"A": "1", "B": "1"}}, "two": {"data": {"B": "2"}, "binaryData": {"X": "AA=="}}},
        secrets={"s": {"data": {"KEY": base64.b64encode(b"hush").decode()}}},
    )
    container = {
        "envFrom": [
            {"configMapRef": {"name": "one"}},
            {"configMapRef": {"name": "two"}},
            {"prefix": "S_", "secretRef": {"name": "s"}},
            {"configMapRef": {"name": "gone", "optional": True}},
        ],
        "env": [{"name": "C", "value": "$(B)-$(S_KEY)"}],
    }
    assert variables(container, objects) == {"A": "1", "B": "2", "S_KEY": "hush", "C": "2-hush"}


def test_keys_that_are_no_variable_names_are_skipped_with_a_warning() -> None:
    """As Kubernetes: an event's text names them."""
    pod = pod_of({"envFrom": [{"configMapRef": {"name": "c"}}]})
    objects = Objects(config_maps={"c": {"data": {"a=b": "1", "ok.key": "2"}}})
    environment = container_environment(pod, pod["spec"]["containers"][0], IMAGE, objects, PLACE)
    assert ("ok.key", "2") in environment.variables
    assert environment.warnings == (
        "Keys [a=b] from the EnvFrom configmap shop/c were skipped "
        "since they are considered invalid environment variable names.",
    )


@pytest.mark.parametrize(
    ("value_from", "message"),
    [
        ({"configMapKeyRef": {"name": "gone", "key": "k"}}, 'configmap "gone" not found'),
        ({"configMapKeyRef": {"name": "here", "key": "k"}}, "couldn't find key k in ConfigMap shop/here"),
        ({"secretKeyRef": {"name": "gone", "key": "k"}}, 'secret "gone" not found'),
        ({"secretKeyRef": {"name": "here", "key": "k"}}, "couldn't find key k in Secret shop/here"),
        ({"fieldRef": {"fieldPath": "spec.color"}}, "unsupported fieldPath: spec.color"),
        ({"resourceFieldRef": {"resource": "limits.joy"}}, "unsupported container resource : limits.joy"),
        ({"resourceFieldRef": {"resource": "limits.cpu", "containerName": "x"}}, "container x not found"),
    ],
)
def test_missing_sources_in_kubernetes_words(value_from: dict[str, Any], message: str) -> None:
    """Each is a CreateContainerConfigError."""
    objects = Objects(config_maps={"here": {"data": {}}}, secrets={"here": {}})
    refused = failure({"env": [{"name": "X", "valueFrom": value_from}]}, objects)
    assert (refused.reason, refused.message) == ("CreateContainerConfigError", message)


def test_missing_env_from_source() -> None:
    """The same for `envFrom`."""
    assert failure({"envFrom": [{"secretRef": {"name": "s"}}]}).message == 'secret "s" not found'


def test_optional_keys_are_left_out() -> None:
    """An optional key that is missing makes no variable at all."""
    source = {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}
    assert variables({"env": [{"name": "X", "valueFrom": source}]}) == {}


def test_fields_and_resources() -> None:
    """What the pod may ask about itself; limits that are not set are the node's allocatable amounts."""
    fields = {
        "NAME": "metadata.name",
        "NS": "metadata.namespace",
        "UID": "metadata.uid",
        "APP": "metadata.labels['app']",
        "NONE": "metadata.annotations['x']",
        "NODE": "spec.nodeName",
        "IP": "status.podIP",
        "IPS": "status.podIPs",
        "HOST": "status.hostIP",
    }
    env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
    resources = {
        "CPU": {"resource": "requests.cpu"},
        "MILLI": {"resource": "requests.cpu", "divisor": "1m"},
        "MEM": {"resource": "limits.memory"},
        "MIB": {"resource": "requests.memory", "divisor": "1Mi"},
        "ALL": {"resource": "limits.cpu", "divisor": "0"},
    }
    env += [{"name": name, "valueFrom": {"resourceFieldRef": ref}} for name, ref in resources.items()]
    requests = {"requests": {"cpu": "1250m", "memory": "100M"}}
    assert variables({"env": env, "resources": requests}) == {
        "NAME": "web-0",
        "NS": "shop",
        "UID": "u-1",
        "APP": "web",
        "NONE": "",
        "NODE": "node-1",
        "IP": "10.1.2.3",
        "IPS": "10.1.2.3",
        "HOST": "192.168.0.1",
        "CPU": "2",
        "MILLI": "1250",
        "MEM": str(8 << 30),
        "MIB": "96",
        "ALL": "4",
    }


def test_limits_of_the_pod_as_a_whole() -> None:
    """They stand in for limits that the container does not set; requests are the container's own."""
    asked = {"CPU": "limits.cpu", "MEM": "limits.memory", "REQ": "requests.cpu"}
    env = [{"name": name, "valueFrom": {"resourceFieldRef": {"resource": asks}}} for name, asks in asked.items()]
    whole = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "2"}}
    found = variables({"env": env, "resources": {"limits": {"memory": "512Mi"}}}, resources=whole)
    assert found == {"CPU": "2", "MEM": str(512 << 20), "REQ": "0"}


def service(name: str, namespace: str, address: str, *ports: dict[str, Any]) -> dict[str, Any]:
    """A Service body."""
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": address, "ports": list(ports)}}


SERVICES = Objects(
    services=[
        service("kubernetes", "default", "10.96.0.1", {"name": "https", "port": 443, "protocol": "TCP"}),
        service("my-db", "shop", "10.96.0.9", {"port": 5432}, {"name": "dns-udp", "port": 53, "protocol": "UDP"}),
        service("headless", "shop", "None", {"port": 80}),
        service("other", "default", "10.96.0.8", {"port": 80}),
    ]
)


def test_service_variables() -> None:
    """Services of the pod's namespace and `kubernetes`, in both spellings; headless services have none."""
    assert variables({}, SERVICES) == {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
        "MY_DB_SERVICE_HOST": "10.96.0.9",
        "MY_DB_SERVICE_PORT": "5432",
        "MY_DB_SERVICE_PORT_DNS_UDP": "53",
        "MY_DB_PORT": "tcp://10.96.0.9:5432",
        "MY_DB_PORT_5432_TCP": "tcp://10.96.0.9:5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp",
        "MY_DB_PORT_5432_TCP_PORT": "5432",
        "MY_DB_PORT_5432_TCP_ADDR": "10.96.0.9",
        "MY_DB_PORT_53_UDP": "udp://10.96.0.9:53",
        "MY_DB_PORT_53_UDP_PROTO": "udp",
        "MY_DB_PORT_53_UDP_PORT": "53",
        "MY_DB_PORT_53_UDP_ADDR": "10.96.0.9",
    }


def test_service_links_switched_off() -> None:
    """Only `kubernetes` is left, and values may refer to it; the pod's own variables win."""
    env = [{"name": "API", "value": "$(KUBERNETES_SERVICE_HOST)"}, {"name": "KUBERNETES_PORT", "value": "mine"}]
    found = variables({"env": env}, SERVICES, enableServiceLinks=False)
    assert (found["API"], found["KUBERNETES_PORT"]) == ("10.96.0.1", "mine")
    assert not any(name.startswith("MY_DB") for name in found)


@pytest.mark.parametrize(
    ("container", "argv"),
    [
        ({}, ("/bin/web", "--default")),
        ({"args": ["-v"]}, ("/bin/web", "-v")),
        ({"command": ["sh"]}, ("sh",)),
        ({"command": ["sh", "-c"], "args": ["echo $(X) $$(X) $(LANG)"]}, ("sh", "-c", "echo 1 $(X) $(LANG)")),
    ],
)
def test_argv(container: dict[str, Any], argv: tuple[str, ...]) -> None:
    """How command and args replace the image's, with references expanded; an image's variables are not known."""
    pod = pod_of({"env": [{"name": "X", "value": "1"}], **container})
    own = pod["spec"]["containers"][0]
    assert container_argv(own, IMAGE, container_environment(pod, own, IMAGE, Objects(), PLACE)) == argv


def test_references_finds_every_name() -> None:
    """Init containers, envFrom, env, volumes and projections."""
    container = {
        "envFrom": [{"configMapRef": {"name": "c1"}}, {"secretRef": {"name": "s1"}}],
        "env": [
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c2", "key": "k"}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s2", "key": "k"}}},
        ],
    }
    volumes = [
        {"name": "a", "configMap": {"name": "c3"}},
        {"name": "b", "secret": {"secretName": "s3"}},
        {"name": "c", "projected": {"sources": [{"configMap": {"name": "c4"}}, {"secret": {"name": "s4"}}]}},
    ]
    init = [{"name": "i", "envFrom": [{"configMapRef": {"name": "c5"}}]}]
    found = references(pod_of(container, volumes=volumes, initContainers=init))
    assert found == References(frozenset({"c1", "c2", "c3", "c4", "c5"}), frozenset({"s1", "s2", "s3", "s4"}))
