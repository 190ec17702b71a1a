"""Objects of any kind by its schema, and the harm that can be done to them. All from one source of randomness."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from kube_actors.api.codecs import json
from kube_actors.api.types import Kind, Node

JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 1.5, "", "x", "a/b", "-1", "50%", "1Gi", "YQ=="),
    *([], [None], [[]], [{}], [1], ["x"], {}, {"x": None}, {"a": {"b": []}}, {"name": "x"}),
    *([{"name": "x"}, {"name": "x"}], {"$patch": "delete"}, [{"$patch": "replace"}], {"$retainKeys": ["a"]}),
)
NAMES = ("foo", "name", "spec", "metadata", "kind", "$patch", "$setElementOrder/containers")
SCALARS: dict[Kind, Any] = {
    Kind.STRING: "web",
    Kind.INT32: 1,
    Kind.INT64: 30,
    Kind.BOOL: True,
    Kind.DOUBLE: 1.5,
    Kind.QUANTITY: "1",
    Kind.INT_OR_STRING: "50%",
    Kind.TIME: "2020-01-01T00:00:00Z",
    Kind.MICRO_TIME: "2020-01-01T00:00:00.000000Z",
    Kind.BYTES: "YQ==",
    Kind.ANY: {"a": 1},
}
DEEPEST = 6


def random_object(node: Node, source: random.Random) -> dict[str, Any]:
    """An object named `web` with some of its kind's fields, each of its type; whether it is valid is another matter."""
    body = _value(node, source, 0)
    return {**body, "metadata": {"name": "web", "labels": {"a": "b"}}}


def _value(node: Node, source: random.Random, depth: int) -> Any:
    if node.kind is Kind.OBJECT:
        required = () if node.object_type is None else node.object_type.declared
        likely = 0.0 if depth > DEEPEST else 0.5 if depth < 2 else 0.25
        return {
            name: _value(child, source, depth + 1)
            for name, child in node.fields.items()
            if (depth <= DEEPEST and name in required) or source.random() < likely
        }
    if node.items is not None:
        values = [_value(node.items, source, depth + 1) for _ in range(source.randint(0, 2))]
        return values if node.kind is Kind.LIST else dict(zip("ab", values, strict=False))
    return source.choice(node.enum) if node.enum else SCALARS[node.kind]


def damaged(body: Any, source: random.Random) -> Any:
    """A copy of the value with one to three things wrong."""
    copy = json.loads(json.dumps(body))
    for _ in range(source.randint(1, 3)):
        places = [place for place in _places(copy) if place]
        if not places:
            return _junk(source)
        *way, last = source.choice(places)
        container = copy
        for step in way:
            container = container[step]
        harm = source.random()
        if harm < 0.7:
            container[last] = _junk(source)
        elif harm < 0.85:
            del container[last]
        elif isinstance(container, dict):
            container[source.choice(NAMES)] = _junk(source)
        else:
            container.append(_junk(source))
    return copy


def random_operations(body: Any, source: random.Random) -> list[dict[str, Any]]:
    """A JSON patch of one to three operations at places that the body has."""
    pointers = ["".join(f"/{step}" for step in place) for place in _places(body)]
    names = ("add", "remove", "replace", "move", "copy", "test")
    return [
        {
            "op": source.choice(names),
            "path": source.choice(pointers),
            "from": source.choice(pointers),
            "value": _junk(source),
        }
        for _ in range(source.randint(1, 3))
    ]


def _junk(source: random.Random) -> Any:
    return json.loads(json.dumps(source.choice(JUNK)))


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield from _places(item, (*place, step))
