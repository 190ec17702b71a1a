"""Reading files, directories and stdin, with every problem at once."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from kube_actors.config.files import read_files, scan_files
from kube_actors.errors import InputError, Problem

CLUSTER = """\
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata:
  name: shop
spec:
  nodes:
  - name: node
    count: 2
    runtime: simulated
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
"""


def config_map(name: str) -> str:
    """A manifest."""
    return CONFIG_MAP.format(name=name)


def problems_of(*paths: object, stdin: bytes = b"") -> tuple[Problem, ...]:
    """What reading complains about."""
    with pytest.raises(InputError) as caught:
        read_files([str(path) for path in paths], io.BytesIO(stdin))
    return caught.value.problems


def test_a_cluster_document_and_manifests(tmp_path: Path) -> None:
    """The Cluster document becomes the configuration; what follows are the manifests."""
    path = tmp_path / "cluster.yaml"
    path.write_text(f"{CLUSTER}---\n{config_map('one')}---\n{config_map('two')}")
    file = read_files([str(path)])
    assert file.config is not None
    assert [node.name for node in file.config.nodes] == ["node-1", "node-2"]
    assert [(each.body["metadata"]["name"], each.file) for each in file.manifests] == [
        ("one", str(path)),
        ("two", str(path)),
    ]


def test_manifests_alone(tmp_path: Path) -> None:
    """Without a Cluster document there is no configuration."""
    path = tmp_path / "plain.yaml"
    path.write_text(config_map("one"))
    assert read_files([str(path)]).config is None


def test_json_and_lists(tmp_path: Path) -> None:
    """JSON is read as well, and each item of a List is a manifest."""
    path = tmp_path / "list.json"
    items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}} for name in ("one", "two")]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    assert [each.body["metadata"]["name"] for each in read_files([str(path)]).manifests] == ["one", "two"]


def test_a_directory_is_read_in_order(tmp_path: Path) -> None:
    """The .yaml, .yml and .json files of a directory, sorted; hidden ones and others are left out."""
    for name in ("b.yml", "a.yaml", ".hidden.yaml", "notes.txt"):
        (tmp_path / name).write_text(config_map(name.strip(".").partition(".")[0]))
    assert [each.body["metadata"]["name"] for each in read_files([str(tmp_path)]).manifests] == ["a", "b"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    """Also when one of the two names is its directory."""
    path = tmp_path / "a.yaml"
    path.write_text(config_map("one"))
    assert len(read_files([str(path), str(tmp_path)]).manifests) == 1


def test_stdin() -> None:
    """`-` is stdin, and problems in it say so."""
    assert len(read_files(["-"], io.BytesIO(config_map("one").encode())).manifests) == 1
    assert str(problems_of("-", stdin=b"a: [")[0]).startswith("<stdin>:")


def test_every_problem_of_every_file_at_once(tmp_path: Path) -> None:
    """A missing file, a syntax error and a wrong Cluster document are told together, with their places."""
    broken, cluster, missing = tmp_path / "broken.yaml", tmp_path / "cluster.yaml", tmp_path / "clutser.yaml"
    broken.write_text("a: b\n c: d\n")
    cluster.write_text(CLUSTER.replace("simulated", "simulatd").replace("name: shop", "name: Shop"))
    found = problems_of(missing, broken, cluster)
    assert [(problem.file, problem.line) for problem in found] == [
        (str(missing), None),
        (str(broken), 2),
        (str(cluster), 4),
        (str(cluster), 9),
    ]
    assert found[0].hint == 'did you mean "cluster.yaml"?'
    assert found[3].hint == 'did you mean "simulated"?'


def test_an_empty_file_and_an_empty_directory(tmp_path: Path) -> None:
    """Neither is what somebody meant."""
    (tmp_path / "empty.yaml").write_text("# nothing\n---\n")
    assert "no object" in problems_of(tmp_path / "empty.yaml")[0].message
    (tmp_path / "directory").mkdir()
    assert "no .yaml" in problems_of(tmp_path / "directory")[0].message


def test_one_cluster_document_only(tmp_path: Path) -> None:
    """The second one is named with its place, and where the first one is."""
    path = tmp_path / "two.yaml"
    path.write_text(f"{CLUSTER}---\n{CLUSTER}")
    (problem,) = problems_of(path)
    assert problem.line == 11
    assert problem.hint == f"the first is at {path}:1"


@pytest.mark.parametrize(
    ("line", "path", "hint"),
    [
        ("apiVersion: kube-actors.dev/v2", "$.apiVersion", "write kube-actors.dev/v1alpha1"),
        ("kind: Clustr", "$.kind", "write Cluster"),
    ],
)
def test_a_cluster_document_of_another_kind_or_version(tmp_path: Path, line: str, path: str, hint: str) -> None:
    """What speaks of kube-actors but is not known is refused, not taken for a manifest."""
    file = tmp_path / "cluster.yaml"
    word = line.partition(":")[0]
    file.write_text("\n".join(line if each.startswith(f"{word}:") else each for each in CLUSTER.splitlines()))
    (problem,) = problems_of(file)
    assert (problem.path, problem.hint) == (path, hint)


def test_relative_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root filesystem is found beside the file that names it, wherever we are; in stdin, from where we are."""
    (tmp_path / "images" / "web").mkdir(parents=True)
    text = f"{CLUSTER}  images:\n    web: images/web\n"
    (tmp_path / "cluster.yaml").write_text(text)
    config = read_files([str(tmp_path / "cluster.yaml")]).config
    assert config is not None
    assert config.images["web"].rootfs == str(tmp_path / "images" / "web")
    monkeypatch.chdir(tmp_path / "images")
    (problem,) = problems_of("-", stdin=text.encode())
    assert problem.message == f"there is no directory {tmp_path}/images/images/web"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Says why, and hints at nothing when the file is there."""
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path = tmp_path / "secret.yaml"
    path.write_text(CLUSTER)
    path.chmod(0)
    (problem,) = problems_of(path)
    assert (problem.message, problem.hint) == ("cannot be read: Permission denied", None)


def test_scanning_keeps_what_can_be_read(tmp_path: Path) -> None:
    """Problems of the files are told with those of the objects, so reading does not end at the first."""
    broken, good = tmp_path / "broken.yaml", tmp_path / "good.yaml"
    broken.write_text("a: [")
    good.write_text(config_map("one"))
    file = scan_files([str(broken), str(good)])
    assert [each.body["metadata"]["name"] for each in file.manifests] == ["one"]
    assert not file.whole
    assert [problem.file for problem in file.problems] == [str(broken)]
