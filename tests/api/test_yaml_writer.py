"""YAML as kubectl writes it."""

from kube_actors.api.codecs.yaml import dump, dump_all


def test_style() -> None:
    """Sorted keys, lists not indented, quotes only where a word would be read as something else."""
    body = {
        "kind": "Pod",
        "apiVersion": "v1",
        "spec": {
            "containers": [{"name": "c", "args": ["yes", "1", "a: b", "", "- x", "plain text"], "tty": True}],
            "volumes": [],
            "nodeSelector": {},
            "priority": None,
            "ratio": 0.5,
        },
        "metadata": {
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "annotations": {"text": "one\ntwo\n", "a10": "x", "a2": "x", "A": "x", "0": "x"},
        },
    }
    assert (
        dump(body)
        == """apiVersion: v1
kind: Pod
metadata:
  annotations:
    "0": x
    A: x
    a2: x
    a10: x
    text: |
      one
      two
  creationTimestamp: "2026-01-02T03:04:05Z"
spec:
  containers:
  - args:
    - "yes"
    - "1"
    - 'a: b'
    - ""
    - '- x'
    - plain text
    name: c
    tty: true
  nodeSelector: {}
  priority: null
  ratio: 0.5
  volumes: []
"""
    )


def test_long_lines_are_folded_at_eighty() -> None:
    """As kubectl shows a long message."""
    text = "message: " + "word " * 30
    lines = dump({"message": ("word " * 30).strip()}).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 85
    assert " ".join(line.strip() for line in lines) == text.strip()


def test_several_documents() -> None:
    """A mark between them, none before or after."""
    assert dump_all([{"a": 1}, {"b": 2}]) == "a: 1\n---\nb: 2\n"
