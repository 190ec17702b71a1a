"""Objects as YAML, JSON, names, JSONPath and columns of one's own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kube_actors.api.codecs import json, yaml
from kube_actors.api.registry import Registry
from kube_actors.records import frozen
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.jsonpath import JsonPathError, parse_path, parse_template, plain
from kube_actors.verbs.printing.columns import column_widths, table_line

Body = dict[str, Any]
FORMATS = ("wide", "yaml", "json", "name", "jsonpath=...", "custom-columns=...")


@frozen
class Format:
    """What `-o` asks for: `name` is the word, `argument` what follows its `=`."""

    name: str = ""
    argument: str = ""

    @property
    def is_table(self) -> bool:
        """Whether rows are wanted."""
        return self.name in ("", "wide")


def parse_format(text: str) -> Format:
    """Read the value of `-o`. UsageError for a format there is none of."""
    name, _, argument = text.partition("=")
    if name not in ("", "wide", "yaml", "json", "name", "jsonpath", "custom-columns"):
        allowed = ", ".join(FORMATS)
        raise UsageError(f'unable to match a printer suitable for the output format "{text}", allowed: {allowed}')
    if name in ("jsonpath", "custom-columns") and not argument:
        raise UsageError(f"{name} needs an expression, as in -o {_EXAMPLES[name]}")
    return Format(name, argument)


_EXAMPLES = {
    "jsonpath": "jsonpath='{.items[*].metadata.name}'",
    "custom-columns": "custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image",
}


def shown(body: Body, *, managed_fields: bool = False) -> Body:
    """The object as people want to see it: without managed fields unless they ask."""
    if managed_fields or "managedFields" not in body["metadata"]:
        return body
    return {**body, "metadata": {key: value for key, value in body["metadata"].items() if key != "managedFields"}}


def list_of(bodies: Sequence[Body]) -> Body:
    """Several objects as the `List` that kubectl prints."""
    return {"apiVersion": "v1", "items": list(bodies), "kind": "List", "metadata": {"resourceVersion": ""}}


def name_of(registry: Registry, body: Body) -> str:
    """`deployment.apps/web`."""
    resource = registry.by_kind(body["apiVersion"], body["kind"])
    kind = body["kind"].lower()
    group = body["apiVersion"].partition("/")[0] if "/" in body["apiVersion"] else ""
    if resource is not None:
        kind, group = resource.singular, resource.group
    return f"{kind}{'.' if group else ''}{group}/{body['metadata']['name']}"


def print_objects(form: Format, bodies: Iterable[Body], registry: Registry, *, single: bool) -> Iterator[str]:
    """The objects in one of the formats that are no tables, in pieces; `single` prints the only one by itself, not as
    a List. Bodies are taken as they are needed."""
    match form.name:
        case "yaml":
            return _yaml(bodies, single=single)
        case "json":
            return _json(bodies, single=single)
        case "name":
            return (f"{name_of(registry, body)}\n" for body in bodies)
        case "jsonpath":
            found = list(bodies)
            return iter([_jsonpath(form.argument, found[0] if single else list_of(found))])
    return iter([custom_columns(form.argument, list(bodies))])


def _yaml(bodies: Iterable[Body], *, single: bool) -> Iterator[str]:
    if single:
        yield from map(yaml.dump, bodies)
        return
    yield "apiVersion: v1\n"
    empty = True
    for body in bodies:
        yield f"{'items:' + chr(10) if empty else ''}{yaml.dump([body])}"
        empty = False
    yield f'{"items: []" + chr(10) if empty else ""}kind: List\nmetadata:\n  resourceVersion: ""\n'


def _json(bodies: Iterable[Body], *, single: bool) -> Iterator[str]:
    if single:
        yield from (f"{json.dumps_pretty(body)}\n" for body in bodies)
        return
    yield '{\n    "apiVersion": "v1",\n    "items": ['
    empty = True
    for body in bodies:
        yield ("" if empty else ",") + "\n" + textwrap.indent(json.dumps_pretty(body), " " * 8)
        empty = False
    end = "" if empty else "\n    "
    yield f'{end}],\n    "kind": "List",\n    "metadata": {{\n        "resourceVersion": ""\n    }}\n}}\n'


def _jsonpath(template: str, body: Body) -> str:
    try:
        return parse_template(template).render(body)
    except JsonPathError as error:
        raise UsageError(f"error parsing jsonpath {template}, {error}") from None


def custom_columns(specification: str, bodies: Sequence[Body], *, headers: bool = True) -> str:
    """`NAME:.metadata.name,IMAGES:.spec.containers[*].image` as a table; what is not there is `<none>`."""
    columns = []
    for part in specification.split(","):
        title, colon, path = part.partition(":")
        if not colon or not path:
            raise UsageError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        try:
            columns.append((title, parse_path(path)))
        except JsonPathError as error:
            raise UsageError(f"error parsing jsonpath {path}, {error}") from None
    rows = [tuple(title for title, _ in columns)] if headers else []
    rows += [tuple(",".join(map(plain, path.values(body))) or "<none>" for _, path in columns) for body in bodies]
    widths = column_widths(rows)
    return "".join(f"{table_line(row, widths)}\n" for row in rows)
