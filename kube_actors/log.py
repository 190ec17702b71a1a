"""Log lines of a running cluster, without a say in where they go.

Where structlog has been set up (by the command line, or by the program a cluster is embedded in) it takes them; else
they are records of the standard library's `logging`, under the name of their module.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

_set_up: list[Callable[[], None]] = []


def before_first_line(set_up: Callable[[], None]) -> None:
    """Have logging set up, and structlog imported, when there is something to say: a start has nothing to say."""
    _set_up[:] = [set_up]


def set_up() -> None:
    """Set logging up now, if that waits for the first line: for when there is time."""
    if _set_up:
        _set_up.pop()()


class Log:
    """The log of a module: an event is a sentence, and facts by name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def info(self, event: str, **facts: Any) -> None:
        """Something worth knowing."""
        self._say("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Something a person may want to mend."""
        self._say("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        """Something that failed."""
        self._say("error", event, facts)

    def _say(self, level: str, event: str, facts: dict[str, Any]) -> None:
        set_up()
        structlog = sys.modules.get("structlog")  # who has set it up has imported it; importing it costs 0.1 s
        if structlog is not None and structlog.is_configured():
            getattr(structlog.get_logger(self._name), level)(event, **facts)
            return
        told = " ".join(f"{name}={value}" for name, value in facts.items())
        getattr(logging.getLogger(self._name), level)("%s", f"{event} {told}" if told else event)
