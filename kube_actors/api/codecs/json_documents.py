"""JSON texts in a file: one, or several in a row, with the place of what is wrong."""

from __future__ import annotations

import json as standard_json
import re
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.records import frozen

_BLANK: Final = re.compile(r"[ \t\r\n]*")
# What only JSON (or JSON-like flow style) begins with; `{a: 1}` is left to the YAML reader.
_SURELY_JSON: Final = re.compile(r'[ \t\r\n]*(?:\{[ \t\r\n]*"|\[[ \t\r\n]*\{[ \t\r\n]*")')


class JsonTrouble(Exception):
    """A text that is not JSON. `line` and `column` count from 0; `surely_json` says it was not meant as YAML."""

    def __init__(self, message: str, text: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.line, self.column = _place(text, at)
        self.surely_json = _SURELY_JSON.match(text) is not None


@frozen
class JsonDocument:
    """One JSON text: its value, its stretch of the file, where that begins, and the paths of repeated keys."""

    value: Any
    start: int
    end: int
    line: int
    column: int
    duplicates: tuple[str, ...]


def read_json_documents(text: str) -> list[JsonDocument]:
    """Every JSON text in the file; JsonTrouble where one is wrong."""
    decoder = standard_json.JSONDecoder()
    documents = []
    at = _skip_blank(text, 0)
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except standard_json.JSONDecodeError as error:
            raise JsonTrouble(f"invalid JSON: {error.msg}", text, error.pos) from None
        except RecursionError:
            raise JsonTrouble(f"nested deeper than {json.MAX_DEPTH} levels", text, at) from None
        documents.append(_document(text, at, end))
        at = _skip_blank(text, end)
    return documents


def _document(text: str, start: int, end: int) -> JsonDocument:
    stretch = text[start:end]
    try:
        value = json.parse(stretch)
    except standard_json.JSONDecodeError as error:
        raise JsonTrouble(f"invalid JSON: {error.msg}", text, start + error.pos) from None
    except ValueError as error:
        raise JsonTrouble(str(error), text, start) from None
    line, column = _place(text, start)
    return JsonDocument(value, start, end, line, column, tuple(json.duplicate_fields(stretch)))


def _skip_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return at if match is None else match.end()


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1)
