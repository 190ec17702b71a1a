"""Logging of a running cluster: structlog to stderr, one line per event, for people or as JSON."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from functools import partial
from typing import Any, Final, TextIO

from kube_actors.log import before_first_line
from kube_actors.text import one_line

LEVELS: Final = ("debug", "info", "warning", "error")
_COLOURS: Final = {"debug": "2", "info": "36", "warning": "33", "error": "31", "critical": "31"}
Event = MutableMapping[str, Any]


def import_structlog() -> Any:
    """structlog without rich, which it would import for tracebacks we print ourselves: 75 ms of every start."""
    if "structlog" not in sys.modules and "rich" not in sys.modules:
        sys.modules["rich"] = None  # type: ignore[assignment]  # import rich fails while this stands
        try:
            return importlib.import_module("structlog")
        finally:
            del sys.modules["rich"]
    return importlib.import_module("structlog")


def set_up_logs(level: str, form: str) -> None:
    """Send every log line at `level` or above to stderr, from the first one on. `form` is `console` or `json`."""
    before_first_line(partial(_configure, level, form))


def _configure(level: str, form: str) -> None:
    structlog = import_structlog()
    render = _as_json if form == "json" else _for_people(_wants_colour(sys.stderr))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso", utc=True),
            _with_traceback,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: _Stderr(),
        cache_logger_on_first_use=True,
    )


class _Stderr:
    """Writes to whatever stderr is now: a live view puts itself in its place. A closed one is nobody's problem."""

    def msg(self, line: str) -> None:
        try:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            return

    log = debug = info = warning = error = critical = exception = fatal = msg


def _wants_colour(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _with_traceback(_logger: Any, _method: str, event: Event) -> Event:
    """`exc_info` as text."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["traceback"] = "".join(traceback.format_exception(error))
    return event


def _as_json(_logger: Any, _method: str, event: Event) -> str:
    from kube_actors.api.codecs.json import dumps_line

    ordered = {"time": event.pop("timestamp"), "level": event.pop("level"), "event": str(event.pop("event"))}
    return dumps_line({**ordered, **event}, default=str).decode().rstrip("\n")


def _for_people(colour: bool) -> Any:
    def render(_logger: Any, _method: str, event: Event) -> str:
        time, level = str(event.pop("timestamp"))[11:19], str(event.pop("level"))
        message, trace = one_line(str(event.pop("event"))), event.pop("traceback", "")
        label = f"\x1b[{_COLOURS.get(level, '0')}m{level}\x1b[0m" if colour else level
        line = " ".join([f"{time} {label} {message}", *_pairs(event)])
        return f"{line}\n{_indented(trace)}" if trace else line

    return render


def _pairs(event: Mapping[str, Any]) -> list[str]:
    return [f"{key}={_shown(value)}" for key, value in event.items()]


def _shown(value: Any) -> str:
    text = one_line(str(value))
    return repr(text) if not text or any(character in text for character in ' "=') else text


def _indented(trace: str) -> str:
    return "\n".join(f"    {one_line(line)}" for line in trace.rstrip().splitlines())
