"""What a cluster can be made of, and what is said about what it cannot be made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kube_actors import ClusterConfig, InputError, NodeConfig
from kube_actors.embed.opening import Opening, Wish, prepare
from kube_actors.embed.sources import Source
from kube_actors.testing.builders import deployment, pod, service

CLUSTER = """\
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: shop}
spec:
  nodes:
  - {name: node, count: 3, runtime: simulated}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: app}]}
"""


def named(opening: Opening) -> list[str]:
    """Kinds and names of the manifests."""
    return [f"{each.body['kind']} {each.body['metadata']['name']}" for each in opening.manifests]


def problems(wish: Wish) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(InputError) as caught:
        prepare(wish)
    return [str(each) for each in caught.value.problems]


def test_files_texts_objects_and_lists_of_them_are_one_source(tmp_path: Path) -> None:
    """In the order in which they are given."""
    (tmp_path / "cluster.yaml").write_text(CLUSTER)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "pod.yaml").write_text(POD)
    items = {"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]}
    written = [deployment("shop"), service("shop")]
    source: list[Source] = [str(tmp_path / "cluster.yaml"), tmp_path / "more", written, items]
    opening = prepare(Wish(source))
    assert opening.config.name == "shop"
    assert [node.name for node in opening.config.nodes] == ["node-1", "node-2", "node-3"]
    assert named(opening) == ["Pod web", "Deployment shop", "Service shop", "Pod a", "Pod b"]


def test_text_is_told_from_a_path_by_its_form() -> None:
    """More than one line, or JSON."""
    assert named(prepare(Wish(POD))) == ["Pod web"]
    text = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}'
    assert named(prepare(Wish(text))) == ["Namespace shop"]


def test_a_config_of_ones_own_is_a_source() -> None:
    """Alone, or with manifests beside it."""
    config = ClusterConfig(name="mine", nodes=(NodeConfig("one", runtime="simulated"),))
    opening = prepare(Wish([config, pod("web")], name="yours", seed=7, state_dir="/nowhere"))
    assert (opening.config.name, opening.config.seed, opening.config.nodes) == ("yours", 7, config.nodes)
    assert opening.state is not None
    assert opening.state.root == Path("/nowhere/yours")


def test_an_object_of_the_program_is_not_changed() -> None:
    """Manifests are often shared between tests."""
    body = pod("web")
    manifest = prepare(Wish(body)).manifests[0].body
    manifest["metadata"]["name"] = "other"
    assert body == pod("web")


@pytest.mark.parametrize(
    ("wish", "nodes"),
    [
        (Wish(), [("node-1", "process")]),
        (Wish(virtual=True), [("node-1", "simulated")]),
        (Wish(nodes=2, runtime="simulated"), [("node-1", "simulated"), ("node-2", "simulated")]),
        (Wish(nodes=0), []),
    ],
)
def test_without_a_cluster_document_there_are_default_nodes(wish: Wish, nodes: list[tuple[str, str]]) -> None:
    """One that runs processes, or simulated pods in virtual time."""
    assert [(node.name, node.runtime) for node in prepare(wish).config.nodes] == nodes


def test_state_that_goes_with_the_block_lets_no_pod_run_on() -> None:
    """Nobody could ever take it over."""
    source = CLUSTER + "  on_runtime_exit: keep\n"
    assert prepare(Wish(source)).config.on_runtime_exit == "end"
    assert prepare(Wish(source, state_dir="/nowhere")).config.on_runtime_exit == "keep"


def test_every_problem_comes_at_once_with_its_place(tmp_path: Path) -> None:
    """Files and texts by line, objects by name and path."""
    file = tmp_path / "pod.yaml"
    file.write_text(POD.replace("image:", "imag:"))
    wrong: dict[str, Any] = deployment("shop", replicas=-1)
    assert problems(Wish([file, wrong, POD.replace("v1", "v9"), 5])) == [  # type: ignore[list-item]
        "cannot make a cluster of 'int' (a path, YAML text, an object, a ClusterConfig or a list of these)",
        f'{file}:4:33 $.spec.containers[0].imag: unknown field "spec.containers[0].imag" (did you mean "image"?)',
        "<Deployment shop> $.spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        '<text>:1:1 $.apiVersion: no matches for kind "Pod" in version "v9" (Pod is in v1)',
    ]


def test_what_is_no_json_is_said_so() -> None:
    """A set, a function, a class: nothing a manifest can hold."""
    assert problems(Wish(pod("web", hostname={1, 2})))[0].startswith("<Pod web>: cannot be written as JSON: ")


def test_wishes_that_cannot_be_granted() -> None:
    """Each in a sentence, with what would be right."""
    assert problems(Wish(CLUSTER, nodes=2)) == [
        "the Cluster document says which nodes there are (leave out nodes= and runtime=, or write them there)"
    ]
    assert problems(Wish(nodes=1, virtual=True, runtime="process")) == [
        "node 'node-1' runs real pods (process), which cannot live in virtual time "
        "(write `runtime: simulated`, or leave out virtual=True)"
    ]
    assert problems(Wish(name="Not a name")) == [
        "'Not a name' is not a name for a cluster (lower-case letters, digits and '-', at most 63)"
    ]
    assert problems(Wish([CLUSTER, ClusterConfig()]))[0].startswith(
        "<text>:1:1: there can be only one Cluster document"
    )
    assert "No such file" in problems(Wish("no-such-file.yaml"))[0]
