"""The line protocol, both directions.

A line that starts with `{` is JSON, any other was typed by a person. A request is
`{"id": 1, "argv": ["get", "pods"], "tty": false, "columns": 80, "directory": "/home/me"}`; `"stdin"` in it is all of
its input. Answers: `{"id": 1, "stream": "stdout", "data": "..."}` (`data_base64` for bytes that are no UTF-8), at last
`{"id": 1, "exit": 0}`. While it runs the client may send, with the same id, `stdin` or `stdin_base64`, `eof`, `cancel`
and `resize: [rows, columns]`; the server says `{"id": 1, "input": 1048576}` when it takes so many more bytes of input,
and `{"id": 1, "raw": true}` when a remote terminal begins.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import attrs

from kube_actors.api.codecs import json
from kube_actors.records import frozen
from kube_actors.verbs.errors import UsageError

LINE_LIMIT = 1 << 20
"""Bytes a line may have."""
CHUNK = 64 << 10
"""Bytes of output or input in one line, before encoding."""
INPUT_CREDIT = 1 << 20
"""Bytes of input the server takes ahead of the command that reads it, from a client that counts."""

Id = int | str


@frozen
class Request:
    """A command to run. `stdin` None: input comes in lines of its own."""

    id: Id
    argv: tuple[str, ...]
    stdin: bytes | None = None
    tty: bool = False
    columns: int = 80
    directory: str | None = None


@frozen
class Input:
    """More input for a running command."""

    id: Id
    data: bytes = attrs.field(repr=False)


@frozen
class EndOfInput:
    """No more input for a running command."""

    id: Id


@frozen
class Cancel:
    """A running command is no longer wanted."""

    id: Id


@frozen
class Resize:
    """The terminal has another size."""

    id: Id
    rows: int
    columns: int


Said = Request | Input | EndOfInput | Cancel | Resize


def read_line(line: bytes) -> Said:
    """What a client says in a line of JSON. UsageError when it is not of this protocol."""
    try:
        body = json.parse(line)
    except ValueError as error:
        raise UsageError(f"the line is not JSON: {error}") from None
    if not isinstance(body, dict) or not _is_id(body.get("id")):
        raise UsageError('a line needs an "id" that is a number or a text')
    if "argv" in body:
        return _request(body)
    id: Id = body["id"]
    match body:
        case {"stdin": str(text)}:
            return Input(id, text.encode())
        case {"stdin_base64": str(text)}:
            return Input(id, _bytes(text))
        case {"eof": True}:
            return EndOfInput(id)
        case {"cancel": True}:
            return Cancel(id)
        case {"resize": [int(rows), int(columns)]} if 0 < rows < 1 << 16 and 0 < columns < 1 << 16:
            return Resize(id, rows, columns)
    raise UsageError('a line is a request with "argv", or has "stdin", "stdin_base64", "eof", "cancel" or "resize"')


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _request(body: dict[str, Any]) -> Request:
    argv, stdin, columns = body["argv"], body.get("stdin"), body.get("columns", 80)
    directory = body.get("directory")
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
        raise UsageError('"argv" is a list of texts')
    if not isinstance(stdin, (str, type(None))) or not isinstance(directory, (str, type(None))):
        raise UsageError('"stdin" and "directory" are texts')
    if not isinstance(columns, int) or not 0 < columns < 1 << 16:
        raise UsageError('"columns" is a number of characters')
    data = None if stdin is None else stdin.encode()
    return Request(body["id"], tuple(argv), data, bool(body.get("tty")), columns, directory)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError('"stdin_base64" is not base64') from None


def line_of(body: dict[str, Any]) -> bytes:
    """A line of JSON."""
    return json.dumps(body) + b"\n"


def output_line(id: Id, stream: str, data: bytes) -> bytes:
    """Output, as text where it is text."""
    try:
        return line_of({"id": id, "stream": stream, "data": data.decode()})
    except UnicodeDecodeError:
        return line_of({"id": id, "stream": stream, "data_base64": base64.b64encode(data).decode()})


def input_line(id: Id, data: bytes) -> bytes:
    """Input, as text where it is text."""
    try:
        return line_of({"id": id, "stdin": data.decode()})
    except UnicodeDecodeError:
        return line_of({"id": id, "stdin_base64": base64.b64encode(data).decode()})


def output_of(body: dict[str, Any]) -> bytes:
    """The bytes of a line of output."""
    if "data" in body:
        return str(body["data"]).encode()
    return base64.b64decode(body["data_base64"])


def pieces(data: bytes) -> list[bytes]:
    """The data in pieces that fit a line, cut between characters where it is UTF-8."""
    found = []
    while len(data) > CHUNK:
        end = CHUNK
        while end > CHUNK - 4 and data[end] & 0xC0 == 0x80:
            end -= 1
        found.append(data[:end])
        data = data[end:]
    return [*found, data] if data else found
