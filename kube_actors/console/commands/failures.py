"""Errors as one line each, and the exit code they mean: 1 not found or timed out, 2 bad input."""

from __future__ import annotations

from kube_actors.console.exchange import Exchange
from kube_actors.errors import ApiError, InputError, KubeActorsError
from kube_actors.verbs.errors import UsageError

FAILED = 1
BAD_INPUT = 2
_INPUT_CODES = frozenset({405, 422})


def exit_code(error: KubeActorsError) -> int:
    """What a command ends with that failed like this."""
    if isinstance(error, (UsageError, InputError)):
        return BAD_INPUT
    if isinstance(error, ApiError) and error.code in _INPUT_CODES:
        return BAD_INPUT
    return FAILED


def error_line(error: Exception) -> str:
    """The sentence people know from kubectl."""
    if isinstance(error, ApiError):
        if error.reason == "Invalid":
            return f'The {error.kind} "{error.name}" is invalid: {error.message.partition(" is invalid: ")[2]}'
        return f"Error from server ({error.reason}): {error.message}"
    return f"error: {error}"


async def print_api_error(exchange: Exchange, error: Exception) -> None:
    """Print an error of one object among several."""
    await exchange.err(error_line(error))


async def print_failure(exchange: Exchange, error: KubeActorsError) -> int:
    """Print why a command failed; answers its exit code."""
    if isinstance(error, InputError):
        for problem in error.problems:
            await exchange.err(f"error: {problem}")
    else:
        await exchange.err(error_line(error))
    return exit_code(error)
