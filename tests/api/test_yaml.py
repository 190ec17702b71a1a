"""YAML and JSON files: what is in them, where it stands, and what is wrong."""

import io
import json as standard_json
import sys
from typing import Any

import pytest
import ruamel.yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kube_actors.api.codecs import yaml
from kube_actors.errors import InputError

# Python 3.13 says it better.
TRAILING_COMMA = (
    "1:8: invalid JSON: Illegal trailing comma before end of object"
    if sys.version_info >= (3, 13)
    else "1:9: invalid JSON: Expecting property name enclosed in double quotes"
)


def bodies(text: str | bytes) -> list[Any]:
    """The objects in a text."""
    return [document.body for document in yaml.load_documents(text)]


def problems(text: str | bytes) -> list[str]:
    """What is wrong with a text, as a person reads it."""
    with pytest.raises(InputError) as caught:
        yaml.load_documents(text, "f.yaml")
    return str(caught.value).splitlines()


def test_streams_of_documents() -> None:
    """Empty documents, comments, end marks, a byte order mark and Windows line ends."""
    text = "\ufeff# comment\n---\na: 1\r\nb: two\r\n---\n# nothing\n---\n--- {c: [x, 'y', \"z\"]}\n...\n"
    assert bodies(text) == [{"a": 1, "b": "two"}, {"c": ["x", "y", "z"]}]
    assert bodies("") == []
    assert bodies("# only a comment") == []
    assert bodies(b"a: \xc3\xa9") == [{"a": "é"}]


def test_block_texts() -> None:
    """Literal and folded text, with and without the last line end."""
    assert bodies("a: |\n  x\n  y\nb: |-\n  x\nc: >\n  x\n  y\n") == [{"a": "x\ny\n", "b": "x", "c": "x y\n"}]


def test_quoted_words_are_text() -> None:
    """Quotes and tags say what a word is."""
    text = "a: 'yes'\nb: \"1\"\nc: !!str 1\nd: !!int '3'\ne: !!float 1\nf: !own x\ng: !!str\nh: !!timestamp 2026-01-02"
    assert bodies(text) == [{"a": "yes", "b": "1", "c": "1", "d": 3, "e": 1, "f": "x", "g": "", "h": "2026-01-02"}]


def test_keys_become_text() -> None:
    """Numbers and words as keys."""
    assert bodies("1: a\nyes: b\n1.5: c\n0x10: d") == [{"1": "a", "true": "b", "1.5": "c", "16": "d"}]


def test_aliases_are_copies() -> None:
    """No two places of an object share a part."""
    (body,) = bodies("a: &x {l: [1]}\nb: *x\nc: &y text\nd: *y")
    assert body == {"a": {"l": [1]}, "b": {"l": [1]}, "c": "text", "d": "text"}
    body["a"]["l"].append(2)
    assert body["b"] == {"l": [1]}


def test_merge_keys() -> None:
    """`<<` fills in what is not there; its own keys and earlier mappings win."""
    text = "base: &b {x: 1, v: 1}\nother: &o {v: 2, z: 2}\none: {<<: *b, v: 9}\ntwo: {z: 0, <<: [*b, *o]}\nthree: '<<'"
    (body,) = bodies(text)
    assert body["one"] == {"x": 1, "v": 9}
    assert body["two"] == {"x": 1, "v": 1, "z": 0}
    assert body["three"] == "<<"
    assert problems("a: {<<: 1}") == ["f.yaml:1:5: map merge requires map or sequence of maps as the value"]


def test_colons_in_flow_style() -> None:
    """A colon ends a name only before a blank, so images and addresses need no quotes between braces."""
    assert bodies("c: [{name: web, image: nginx:1.27}, {url: http://web:80/}]") == [
        {"c": [{"name": "web", "image": "nginx:1.27"}, {"url": "http://web:80/"}]}
    ]


def test_json_files() -> None:
    """One JSON text, several in a row, escapes that YAML does not know, tabs; and flow YAML that is no JSON."""
    assert bodies('{"a": "\\ud83d\\ude00\\/",\t"b": 1e3}') == [{"a": "😀/", "b": 1000.0}]
    assert bodies('{"a": 1}\n\n{"b": 2} {"c": null}') == [{"a": 1}, {"b": 2}, {"c": None}]
    assert bodies("{a: yes, b: [1]}") == [{"a": True, "b": [1]}]
    assert [each.body for each in yaml.load_values('[{"op": "add"}]')] == [[{"op": "add"}]]


def test_every_problem_of_a_file_at_once() -> None:
    """Reading goes on behind a key given twice, and behind a syntax error at the next document."""
    text = "a:\n\tb: 1\n---\nkind: X\na: 1\na: 2\nb: {c: 1, c: 2}\n---\n- 1\n---\na: b: c\n---\nx: .nan\n"
    assert problems(text) == [
        "f.yaml:2:1: found a tab: YAML is indented with spaces",
        'f.yaml:6:1: duplicate key "a"',
        'f.yaml:7:11: duplicate key "c"',
        "f.yaml:9:1: expected an object, found a list",
        "f.yaml:11:5: mapping values are not allowed in this context",
        "f.yaml:13:4: .nan is not a number that JSON can hold",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: [1,\nb: 2",
            "f.yaml:3:1: did not find expected ',' or ']' (while parsing a flow sequence that starts in line 1)",
        ),
        ("a: 'x", "f.yaml:1:6: found unexpected end of stream"),
        ("a: \x01", "f.yaml:1:4: control characters are not allowed"),
        (b"a: 1\nb: \xff", "f.yaml:2:4: the text is not valid UTF-8"),
        ("a: &x [*x]", "f.yaml:1:8: anchor 'x' value contains itself"),
        ("a: *y", "f.yaml:1:4: unknown anchor 'y' referenced"),
        ("? [1]\n: 2", "f.yaml:1:3: a list cannot be the key of a mapping"),
        ("~: 3", "f.yaml:1:1: null cannot be the key of a mapping"),
        ("a: !!int x", "f.yaml:1:4: cannot decode `x` as a !!int"),
        ("a: !!binary aGk=", "f.yaml:1:4: !!binary is not supported: write the base64 text without the tag"),
        ('{"a": 1,}', f"f.yaml:{TRAILING_COMMA}"),
        ('{"a": 1}\n {"a": {"b": 1,\n"b": 2}}', 'f.yaml:3:1 $.a.b: duplicate key "a.b"'),
        ("text", "f.yaml:1:1: expected an object, found text"),
        ("[" * 300, "f.yaml:1:201: nested deeper than 200 levels"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "f.yaml:1:1: nested deeper than 200 levels"),
    ],
)
def test_one_problem(text: str | bytes, expected: str) -> None:
    """What is wrong, with file, line and column."""
    assert problems(text) == [expected]


def test_alias_bombs_are_refused_before_they_go_off() -> None:
    """A hundred bytes that stand for a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (problem,) = problems("\n".join(lines))
    assert "refused as an alias bomb" in problem
    merges = ["b0: &b0 {" + ", ".join(f"k{i}: 1" for i in range(50)) + "}"]
    merges += [f"b{n}: &b{n} {{x: *b{n - 1}, y: *b{n - 1}, <<: *b{n - 1}}}" for n in range(1, 30)]
    assert "alias bomb" in problems("\n".join(merges))[0]


def test_a_file_of_nothing_but_errors_ends() -> None:
    """Reading does not go on for ever."""
    assert len(problems("a: b: c\n---\n" * 10_000)) == 20
    assert len(problems("--- [a: b: c\n")) == 1


TEXT = """# comment
apiVersion: v1
kind: Deployment
metadata:
  labels: {app.kubernetes.io/name: web, "a": b}
spec:
  containers:
  - name: c
    image: &i nginx
    args: [a,
      b]
  - {name: d, image: *i}
---
kind: Second
"""


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("$", (2, 1)),
        ("", (2, 1)),
        ("$.kind", (3, 1)),
        ("kind", (3, 1)),
        ("$.metadata.labels[app.kubernetes.io/name]", (5, 12)),
        ('metadata.labels["a"]', (5, 41)),
        ("metadata.labels.a", (5, 41)),
        ("spec.containers[0]", (8, 5)),
        ("spec.containers[0].image", (9, 5)),
        ("spec.containers[0].args[1]", (11, 7)),
        ("spec.containers[1].image", (12, 15)),
        ("spec.containers[1].ports[0].name", (12, 5)),
        ("spec.containers[7].name", (7, 3)),
        ("spec.replicas", (6, 1)),
        ("nothing.at.all[3]", (2, 1)),
    ],
)
def test_positions(path: str, position: tuple[int, int]) -> None:
    """A field stands where its name begins; what is missing, where it would belong."""
    assert yaml.load_documents(TEXT)[0].position(path) == position


def test_positions_of_later_documents() -> None:
    """Lines are those of the file, in every document, after errors too, and in JSON."""
    assert yaml.load_documents(TEXT)[1].position("kind") == (14, 1)
    one, two = yaml.load_documents('{"a": 1} {"b":\n {"c": "\\ud83d\\ude00", "d": 1}}')
    assert (one.position("a"), two.position("b"), two.position("b.d")) == ((1, 2), (1, 11), (2, 24))


def test_problem_of_a_document() -> None:
    """A reader's own complaints carry the place as well."""
    document = yaml.load_documents(TEXT, "f.yaml")[0]
    problem = document.problem('unknown field "spec.replica"', "spec.replica", hint='did you mean "replicas"?')
    assert str(problem) == 'f.yaml:6:1 $.spec.replica: unknown field "spec.replica" (did you mean "replicas"?)'
    assert str(document.problem("no")) == "f.yaml:2:1: no"


def test_lists_are_expanded() -> None:
    """Items of lists, of lists in lists and of typed lists, each with its own positions."""
    text = """kind: List
apiVersion: v1
items:
- kind: A
  spec:
    x: 1
- kind: PodList
  apiVersion: v1
  items:
  - metadata: {name: p}
---
kind: B
items: [1]
"""
    a, pod, b = yaml.expand_lists(yaml.load_documents(text, "f.yaml"))
    assert a.body == {"kind": "A", "spec": {"x": 1}}
    assert a.position("$.spec.x") == (6, 5)
    assert pod.body == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    assert pod.position("metadata.name") == (10, 16)
    assert pod.position() == (10, 5)
    assert b.body["items"] == [1]
    with pytest.raises(InputError) as caught:
        yaml.expand_lists(yaml.load_documents("kind: List\nitems:\n- 1\n-\n", "f.yaml"))
    assert str(caught.value).splitlines() == [
        "f.yaml:3:3: expected an object, found a number",
        "f.yaml:4:2: expected an object, found nothing",
    ]


NO_YAML = "\ufffe\uffff"
"""Characters that no YAML text may have as they are."""
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters=NO_YAML), max_size=12
) | st.sampled_from(
    ["yes", "0644", "1e3", "null", "- a", "a: b", "#", "x\ny\n", " lead", "trail ", "*a", "&b", "!c", "|", "2026-01-02"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | TEXTS
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)
OBJECTS = st.dictionaries(TEXTS, TREES, max_size=4)


@given(st.lists(OBJECTS, min_size=1, max_size=3))
def test_what_is_written_is_read_back(objects: list[dict[str, Any]]) -> None:
    """By us, several documents at a time."""
    assert bodies(yaml.dump_all(objects)) == objects


@settings(max_examples=40)
@given(OBJECTS)
def test_a_slow_reader_agrees(body: dict[str, Any]) -> None:
    """A reference loader in pure Python, with quotes where versions differ, sees the same object."""
    assume(
        "=" not in standard_json.dumps(body)
    )  # alone it is a value of YAML 1.1's own sort, which the loader cannot make
    loader = ruamel.yaml.YAML(typ="safe", pure=True)
    loader.version = (1, 1)
    assert loader.load(yaml.dump(body)) == body
    writer = ruamel.yaml.YAML(typ="rt", pure=True)
    writer.version = (1, 1)
    stream = io.StringIO()
    writer.dump(body, stream)
    assert bodies(stream.getvalue()) == [body]


@given(OBJECTS)
def test_json_is_read_the_same_through_either_door(body: dict[str, Any]) -> None:
    """Indented JSON as JSON, and as YAML behind a document mark."""
    text = standard_json.dumps(body, indent=2, ensure_ascii=False)
    assert bodies(text) == [body]
    assert bodies(f"---\n{text}") == [body]


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#?, \n\t%@<1.~", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but InputError, and every problem has a line."""
    try:
        documents = yaml.load_values(text)
    except InputError as error:
        refused = error
    else:
        for document in documents:
            assert document.position("a.b[0]") >= (1, 1)
            yaml.dump(document.body)
        return
    assert all(problem.line for problem in refused.problems)
