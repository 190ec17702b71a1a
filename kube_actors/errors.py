"""What can go wrong, by cause.

`ApiError` is an answer of the API: it becomes a Kubernetes `Status` wherever it meets a client.
`InputError` is a file or an argument a person has to mend: every problem of one input at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Final

from kube_actors.records import frozen

MOST_CAUSES: Final = 1000
"""Causes of one error that are told: an answer is not to be many times larger than what it answers."""


class KubeActorsError(Exception):
    """Base of every error this package raises on purpose."""


@frozen
class Cause:
    """One reason an object was refused: `reason` is the machine word (`FieldValueInvalid`), `field` its path."""

    reason: str
    message: str
    field: str = ""

    def dump(self) -> dict[str, str]:
        """The `meta/v1 StatusCause`."""
        told = {"reason": self.reason, "message": self.message}
        return {**told, "field": self.field} if self.field else told


class ApiError(KubeActorsError):
    """An answer of the API other than success; `reason` and `code` are those of Kubernetes' `Status`.

    A few errors have no reason: those for which Kubernetes has no word.
    """

    def __init__(
        self,
        reason: str,
        code: int,
        message: str,
        *,
        causes: Iterable[Cause] = (),
        kind: str = "",
        group: str = "",
        name: str = "",
        uid: str = "",
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code
        self.message = message
        self.causes = tuple(itertools.islice(causes, MOST_CAUSES))
        self.kind = kind
        self.group = group
        self.name = name
        self.uid = uid
        self.retry_after_seconds = retry_after_seconds

    def status(self) -> dict[str, Any]:
        """The `meta/v1 Status` object of this error."""
        named = {"name": self.name, "group": self.group, "kind": self.kind, "uid": self.uid}
        details: dict[str, Any] = {key: value for key, value in named.items() if value}
        if self.causes:
            details["causes"] = [cause.dump() for cause in self.causes]
        if self.retry_after_seconds is not None:
            details["retryAfterSeconds"] = self.retry_after_seconds
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            "code": self.code,
        }
        return {**body, "details": details} if details else body


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def not_found(resource: str, name: str, *, group: str = "") -> ApiError:
    """404 `NotFound`: `deployments.apps "web" not found`."""
    message = f'{_qualified(resource, group)} "{name}" not found'
    return ApiError("NotFound", 404, message, kind=resource, group=group, name=name)


def already_exists(resource: str, name: str, *, group: str = "") -> ApiError:
    """409 `AlreadyExists`."""
    message = f'{_qualified(resource, group)} "{name}" already exists'
    return ApiError("AlreadyExists", 409, message, kind=resource, group=group, name=name)


def conflict(resource: str, name: str, why: str, *, group: str = "", causes: Iterable[Cause] = ()) -> ApiError:
    """409 `Conflict`: somebody else wrote in between, or another field manager owns the field."""
    message = f'Operation cannot be fulfilled on {_qualified(resource, group)} "{name}": {why}'
    return ApiError("Conflict", 409, message, kind=resource, group=group, name=name, causes=causes)


def invalid(kind: str, name: str, causes: Iterable[Cause], *, group: str = "") -> ApiError:
    """422 `Invalid` with every cause; the message lists them as Kubernetes does."""
    causes = tuple(causes)
    more = len(causes) - MOST_CAUSES
    causes = causes[:MOST_CAUSES]
    parts = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes]
    if more > 0:
        parts.append(f"and {more} more")
    listed = parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"
    message = f'{_qualified(kind, group)} "{name}" is invalid: {listed}'
    return ApiError("Invalid", 422, message, kind=kind, group=group, name=name, causes=causes)


def bad_request(message: str, *, causes: Iterable[Cause] = ()) -> ApiError:
    """400 `BadRequest`."""
    return ApiError("BadRequest", 400, message, causes=causes)


def unnamed(message: str) -> ApiError:
    """500 without a reason: what Kubernetes answers where it foresaw no error of the client's."""
    return ApiError("", 500, message)


def forbidden(resource: str, name: str, why: str, *, group: str = "") -> ApiError:
    """403 `Forbidden`: of one object, or (without a name) of all."""
    what = f'{_qualified(resource, group)} "{name}"' if name else _qualified(resource, group)
    message = f"{what} is forbidden: {why}"
    return ApiError("Forbidden", 403, message, kind=resource, group=group, name=name)


def method_not_allowed(message: str) -> ApiError:
    """405 `MethodNotAllowed`."""
    return ApiError("MethodNotAllowed", 405, message)


def expired(message: str) -> ApiError:
    """410 `Expired`: the history before this revision is gone; list again."""
    return ApiError("Expired", 410, message)


def unavailable(message: str, *, retry_after_seconds: int = 1) -> ApiError:
    """503 `ServiceUnavailable`."""
    return ApiError("ServiceUnavailable", 503, message, retry_after_seconds=retry_after_seconds)


@frozen
class Problem:
    """One thing to mend in an input: what is wrong, where, and (hint) what would be right.

    `line` and `column` count from 1; `path` is `$.spec.replicas`.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
            if self.column is not None:
                place += f":{self.column}"
        where = " ".join(part for part in (place, self.path or "") if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class InputError(KubeActorsError):
    """An input that a person has to mend, with all its problems. The command line ends with status 2."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
