"""From the words of a request to the command that is meant, and from whatever happens to an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

from kube_actors.console.commands.catalogue import find_command
from kube_actors.console.commands.failures import FAILED, print_failure
from kube_actors.console.exchange import Exchange
from kube_actors.errors import KubeActorsError
from kube_actors.log import Log
from kube_actors.verbs.arguments import parse

log = Log(__name__)


async def run_command(exchange: Exchange, argv: Sequence[str]) -> int:
    """Run one command line; answers its exit code. Errors are printed, those nobody expected are logged as well."""
    try:
        command, rest = find_command(argv)
        return await command.run(exchange, parse(command.options, rest))
    except KubeActorsError as error:
        return await print_failure(exchange, error)
    except ExceptionGroup as group:
        expected, others = group.split(KubeActorsError)
        if others is not None:
            raise
        assert expected is not None
        return await print_failure(exchange, _first(expected))


def _first(group: ExceptionGroup[Any]) -> KubeActorsError:
    error: Any = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, KubeActorsError)
    return error


async def print_unexpected(exchange: Exchange, argv: Sequence[str], error: Exception) -> int:
    """Something is wrong with a command itself: the log gets all of it, the asker one line."""
    told = "".join(traceback.format_exception(error))
    log.error("a console command failed", command=" ".join(argv[:2]), traceback=told)
    await exchange.err(f"error: internal error: {type(error).__name__}: {error}")
    return FAILED
