"""YAML and JSON files: the objects in them, where each part stands, and every problem at once.

Words, numbers and tags are read as Kubernetes reads them (`scalars`). Stricter than Kubernetes in three points, each
reported with its place: a key given twice, aliases that repeat without end, and NaN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import attrs

from kube_actors.api.codecs import libyaml
from kube_actors.api.codecs.json_documents import JsonTrouble, read_json_documents
from kube_actors.api.codecs.positions import Position, find_position, index_positions
from kube_actors.api.codecs.yaml_builder import Builder
from kube_actors.api.codecs.yaml_writer import dump, dump_all
from kube_actors.errors import InputError, Problem
from kube_actors.records import define, frozen

__all__ = ["Document", "dump", "dump_all", "expand_lists", "load_documents", "load_values"]

_DOCUMENT_START: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
# How many documents of one file may fail before the rest is not looked at.
_MAX_REFUSALS: Final = 20
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


@define(eq=False)
class _Source:
    """A stretch of a file that is read as one YAML stream, and where in the file it begins (line, column from 0)."""

    text: str
    line: int
    column: int = 0
    _index: list[dict[str, Position]] | None = None

    def position(self, ordinal: int, path: str) -> Position:
        """The place of a path in the stretch's n-th document; that of the stretch when nothing nearer is known."""
        if self._index is None:
            # Escapes that JSON allows and libyaml does not are replaced by others of the same length.
            self._index = index_positions(_SURROGATE_ESCAPE.sub(r"\\u0041", self.text))
        found = find_position(self._index[ordinal], path) if ordinal < len(self._index) else None
        line, column = found or (1, 1)
        return line + self.line, column + (self.column if line == 1 else 0)


@frozen(eq=False)
class Document:
    """One document of a file. `body` is the reader's own to change; positions are those of the text as it was read."""

    body: Any
    file: str | None
    _source: _Source = attrs.field(repr=False)
    _ordinal: int = attrs.field(repr=False)
    _prefix: str = attrs.field(default="", repr=False)

    def position(self, path: str = "$") -> Position:
        """Line and column, from 1, of a path (`$.spec.replicas`); of the nearest part around it that exists."""
        relative = path.removeprefix("$").removeprefix(".")
        joint = "." if self._prefix and relative and not relative.startswith("[") else ""
        return self._source.position(self._ordinal, f"{self._prefix}{joint}{relative}")

    def problem(self, message: str, path: str = "$", hint: str | None = None) -> Problem:
        """A problem at a path of this document, with file, line and column."""
        line, column = self.position(path)
        shown = path if path.startswith("$") else f"$.{path}"
        return Problem(message, self.file, line, column, None if shown == "$" else shown, hint)

    def part(self, path: str, body: Any) -> Document:
        """A part of this document as a document of its own: `items[2]` of a list."""
        prefix = f"{self._prefix}.{path}" if self._prefix else path
        return Document(body, self.file, self._source, self._ordinal, prefix)


def load_documents(text: str | bytes, file: str | None = None) -> list[Document]:
    """The objects of a YAML stream, a JSON text, or several JSON texts in a row; empty documents are left out.

    InputError with every problem that can be found: after a syntax error reading goes on at the next `---`.
    """
    documents, problems = _read(text, file)
    for document in documents:
        if not isinstance(document.body, dict):
            problems.append(document.problem(f"expected an object, found {_described(document.body)}"))
    return _unless(problems, documents)


def load_values(text: str | bytes, file: str | None = None) -> list[Document]:
    """The same for documents that need not be objects (a JSON patch is a list)."""
    documents, problems = _read(text, file)
    return _unless(problems, documents)


def _unless(problems: list[Problem], documents: list[Document]) -> list[Document]:
    """The documents, unless there are problems: those in the order of the text then."""
    if problems:
        raise InputError(sorted(problems, key=lambda each: (each.line or 0, each.column or 0)))
    return documents


def _read(text: str | bytes, file: str | None) -> tuple[list[Document], list[Problem]]:
    if isinstance(text, bytes):
        text = _decoded(text, file)
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] in ("{", "["):
        read = _json_documents(text, file)
        if read is not None:
            return read
    return _yaml_documents(text, file)


def expand_lists(documents: Iterable[Document]) -> list[Document]:
    """Each item of a `List` (or `PodList`, …) as a document of its own, lists in lists included; others as they are.

    Items of a typed list may leave out `apiVersion` and `kind`, which the list then gives. InputError for an item that
    is no object.
    """
    expanded: list[Document] = []
    problems: list[Problem] = []
    for document in documents:
        _expand(document, expanded, problems)
    return _unless(problems, expanded)


def _decoded(text: bytes, file: str | None) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise InputError([Problem("the text is not valid UTF-8", file, line, column)]) from None


def _json_documents(text: str, file: str | None) -> tuple[list[Document], list[Problem]] | None:
    """The documents of a JSON text; None when it is YAML in flow style after all."""
    try:
        found = read_json_documents(text)
    except JsonTrouble as trouble:
        if not trouble.surely_json:
            return None
        return [], [Problem(trouble.message, file, trouble.line + 1, trouble.column + 1)]
    documents: list[Document] = []
    problems: list[Problem] = []
    for each in found:
        source = _Source(text[each.start : each.end], each.line, each.column)
        document = Document(each.value, file, source, 0)
        problems += [document.problem(f'duplicate key "{path}"', path) for path in each.duplicates]
        if each.value is not None:
            documents.append(document)
    return documents, problems


def _yaml_documents(text: str, file: str | None) -> tuple[list[Document], list[Problem]]:
    documents: list[Document] = []
    problems: list[Problem] = []
    refusals = 0
    start: int | None = 0
    while start is not None:
        line = text.count("\n", 0, start)
        source = _Source(text[start:], line)
        builder = Builder()
        start_of_next = None
        try:
            builder.build(source.text)
        except libyaml.TextRefused as refused:
            problems.append(Problem(refused.message, file, line + refused.line + 1, refused.column + 1))
            refusals += 1
            if refusals < _MAX_REFUSALS:
                start_of_next = _next_document(text, start, line + refused.line)
        problems += [Problem(each.message, file, line + each.line + 1, each.column + 1) for each in builder.troubles]
        for ordinal, value in enumerate(builder.documents):
            if value is not None:
                documents.append(Document(value, file, source, ordinal))
        start = start_of_next
    return documents, problems


def _next_document(text: str, start: int, line: int) -> int | None:
    """Where the first document begins that starts at this line (from 0) or later, after `start`."""
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if at == 0:
            return None
    match = _DOCUMENT_START.search(text, max(at, start + 1))
    return None if match is None else match.start()


def _expand(document: Document, expanded: list[Document], problems: list[Problem]) -> None:
    body = document.body
    items = body.get("items")
    kind = str(body.get("kind") or "")
    if not kind.endswith("List") or not isinstance(items, list):
        if kind == "List" and items is not None:
            problems.append(document.problem(f"expected a list, found {_described(items)}", "$.items"))
        elif kind != "List":
            expanded.append(document)
        return
    for index, item in enumerate(items):
        part = document.part(f"items[{index}]", item)
        if not isinstance(item, dict):
            problems.append(part.problem(f"expected an object, found {_described(item)}"))
            continue
        if kind != "List":
            item.setdefault("apiVersion", body.get("apiVersion"))
            item.setdefault("kind", kind.removesuffix("List"))
        _expand(part, expanded, problems)


def _described(value: Any) -> str:
    names = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "nothing")
