"""What the query of a write asks for beside the write itself, checked as Kubernetes checks it."""

from __future__ import annotations

from typing import Final, Literal

from kube_actors.errors import Cause, invalid
from kube_actors.kinds import causes
from kube_actors.records import frozen
from kube_actors.server.call import MAX_FIELD_MANAGER, Call

Validation = Literal["Strict", "Warn", "Ignore"]
VALIDATIONS: Final[dict[str, Validation]] = {"": "Warn", "Strict": "Strict", "Warn": "Warn", "Ignore": "Ignore"}
OPTIONS_GROUP: Final = "meta.k8s.io"


@frozen
class WriteOptions:
    """`dry_run`: do everything but store. `validation`: what becomes of unknown and repeated fields. `force`: an apply
    takes over fields that others own."""

    dry_run: bool
    validation: Validation
    force: bool


_PLAIN: Final = WriteOptions(dry_run=False, validation="Warn", force=False)


def read_options(call: Call, kind: str, *, applies: bool = False) -> WriteOptions:
    """The options of a write; `kind` is what Kubernetes calls them (`CreateOptions`). ApiError 422 with every cause.

    `applies`: the write is a server-side apply, which must name its field manager.
    """
    request = call.request
    if not request.query and not applies:
        return _PLAIN
    dry_run = request.query.get("dryRun", ())
    found = check_dry_run(dry_run) + _check_field_manager(request.parameter("fieldManager"))
    if applies and not request.parameter("fieldManager"):
        found.append(causes.required("fieldManager", "is required for apply patch"))
    if kind == "PatchOptions" and not applies and "force" in request.query:
        found.append(causes.forbidden("force", "may not be specified for non-apply patch"))
    validation = request.parameter("fieldValidation")
    if validation not in VALIDATIONS:
        found.append(causes.not_supported("fieldValidation", validation, VALIDATIONS))
    if found:
        raise invalid(kind, "", found, group=OPTIONS_GROUP)
    return WriteOptions(bool(dry_run), VALIDATIONS[validation], request.flag("force"))


def check_dry_run(values: tuple[str, ...] | list[str]) -> list[Cause]:
    """Only `All` can be asked for."""
    if all(value == "All" for value in values):
        return []
    return [causes.not_supported("dryRun", list(values), ("All",))]


def _check_field_manager(name: str) -> list[Cause]:
    found = []
    if len(name.encode()) > MAX_FIELD_MANAGER:
        found.append(causes.too_long("fieldManager", MAX_FIELD_MANAGER))
    for position, character in enumerate(name):
        if not character.isprintable():
            why = f"invalid character U+{ord(character):04X} (at position {position})"
            found.append(causes.invalid("fieldManager", name, why))
    return found
