"""Messages as JSON that depends on nothing but the messages."""

from __future__ import annotations

import io
import json
import math
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest

from kube_actors.cli.trace_file import TraceWriter, trace_file
from kube_actors.errors import InputError
from kube_actors.kernel import TraceKind, TraceRecord
from kube_actors.records import frozen

ROOT = Path("/tmp/state/shop.abc")


class Colour(Enum):
    """An enumeration."""

    RED = 1


class Name(NamedTuple):
    """A named tuple."""

    first: str
    last: str


@frozen
class Message:
    """A message as actors send them."""

    text: str
    items: tuple[Any, ...] = ()
    secret: str = attrs.field(default="", repr=False)


class Opaque:
    """Something whose text would have an address in it."""


def written(message: Any) -> Any:
    """A message as it stands in the file."""
    stream = io.BytesIO()
    TraceWriter(stream, ROOT).write(TraceRecord(0.5, "/a", "/b", TraceKind.ASK, message))
    return json.loads(stream.getvalue())["message"]


def test_a_line() -> None:
    """Time, who, to whom, how, and what."""
    stream = io.BytesIO()
    TraceWriter(stream, ROOT).write(TraceRecord(1.25, "/a", "/b", TraceKind.TELL, Message("hi")))
    assert stream.getvalue() == (
        b'{"time":"1970-01-01T00:00:01.250000Z","from":"/a","to":"/b","kind":"tell",'
        b'"message":{"type":"Message","text":"hi","items":[]}}\n'
    )


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (math.inf, "inf"),
        (Colour.RED, "RED"),
        (Name("a", "b"), {"first": "a", "last": "b"}),
        (frozenset({"b", "a", "c"}), ["a", "b", "c"]),
        ({"k": (1, 2)}, {"k": [1, 2]}),
        (b"bytes \xff", "bytes \\xff"),
        ("half \ud800", "half \\ud800"),
        (ROOT / "logs" / "x", "$STATE/logs/x"),
        (f"cannot open {ROOT}/x", "cannot open $STATE/x"),
        (ValueError(f"in {ROOT}"), {"error": "ValueError", "message": "in $STATE"}),
        (Opaque(), {"type": "Opaque"}),
        (
            Message("m", (Message("n", secret="s"),)),
            {"type": "Message", "text": "m", "items": [{"type": "Message", "text": "n", "items": []}]},
        ),
    ],
)
def test_values(value: Any, plain: Any) -> None:
    """Nothing of this machine or this process is in them, sets are sorted, and what is not shown stays out."""
    assert written(value) == plain


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Is told before anything starts."""
    with (
        pytest.raises(InputError, match="the trace cannot be written: No such file"),
        trace_file(str(tmp_path / "a/b")),
    ):
        pass


def test_the_file_is_private(tmp_path: Path) -> None:
    """Messages hold what Secrets hold."""
    with trace_file(str(tmp_path / "trace")) as stream:
        stream.write(b"x")
    assert (tmp_path / "trace").read_bytes() == b"x"
    assert (tmp_path / "trace").stat().st_mode & 0o777 == 0o600
