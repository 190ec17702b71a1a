"""Adding a cluster to the kubeconfig a person has already.

Only entries of our own name are added or replaced, and `current-context` is set; everything else stays as it was,
comments and order included.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kube_actors.access.private_files import write_private
from kube_actors.api.codecs import yaml
from kube_actors.api.codecs.libyaml import TextRefused, edited
from kube_actors.errors import InputError, Problem
from kube_actors.records import frozen
from kube_actors.state import home_directory

LISTS: Final = {"clusters": "cluster", "contexts": "context", "users": "user"}
LOCK_SECONDS: Final = 5.0
"""How long we wait for another program that writes the file; kubectl locks it in the same way, for milliseconds."""
LOCK_RETRY: Final = 0.05
_REPLACED: Final = ("certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify", "server")

Config = dict[str, Any]


@frozen
class Merged:
    """What became of the file: `backup` is a copy from before, None when there was no file or nothing to change."""

    path: Path
    context: str
    changed: bool
    backup: Path | None


def target() -> Path:
    """The file that is merged into: the first of `$KUBECONFIG`, else `~/.kube/config`."""
    listed = [each for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    return Path(listed[0]).absolute() if listed else home_directory() / ".kube" / "config"


def merge_into(path: Path, own_text: str, own_path: Path) -> Merged:
    """Merge the cluster's kubeconfig into `path`, which is made when it is missing; mode 0600 then and after.

    InputError when the file is none, cannot be written, or is being written by another program all the time.
    """
    own = _config(own_text, own_path)
    context: str = own["current-context"]
    if path.resolve() == own_path.resolve():
        why = "is the cluster's own kubeconfig: there is nothing to merge"
        raise InputError([Problem(why, file=str(path), hint="unset KUBECONFIG to merge into ~/.kube/config")])
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path):
            real = path.resolve()  # a link into somebody's collection of settings stays one
            before = real.read_text(encoding="utf-8") if real.exists() else None
            after = own_text if before is None else _merged_text(before, own_text, own_path, path)
            if before == after:
                return Merged(path, context, False, None)
            backup = None
            if before is not None:
                backup = real.with_name(f"{real.name}.before-{context}")
                write_private(backup, before.encode())
            write_private(real, after.encode())
    except UnicodeDecodeError:
        raise InputError([Problem("is not UTF-8", file=str(path))]) from None
    except OSError as error:
        raise InputError([Problem(f"cannot be merged into: {error.strerror}", file=str(path))]) from None
    return Merged(path, context, True, backup)


def merge(config: Config, own: Config) -> None:
    """Put the entries of `own` into `config`, in place: whichever have the same name are replaced."""
    for name, inner in LISTS.items():
        entries = config.get(name)
        if not entries:
            entries = config[name] = []
        for entry in own[name]:
            _put(entries, entry, inner)
    config["current-context"] = own["current-context"]


def _put(entries: list[Config], entry: Config, inner: str) -> None:
    for there in entries:
        if there.get("name") != entry["name"]:
            continue
        if inner == "user" or not isinstance(there.get(inner), dict):
            there[inner] = dict(entry[inner])
            return
        if inner == "cluster":
            for field in _REPLACED:
                there[inner].pop(field, None)
        there[inner].update(entry[inner])  # a namespace somebody has set in the context stays
        return
    entries.append({"name": entry["name"], inner: dict(entry[inner])})


def _merged_text(text: str, own_text: str, own_path: Path, path: Path) -> str:
    """The text after the merge; should the comments not come through unharmed, all values do, without them."""
    if not yaml.load_documents(text, str(path)):
        return text + own_text
    wanted, own = _config(text, path), _config(own_text, own_path)
    merge(wanted, own)
    try:
        after = edited(text, lambda config: merge(config, own))
        if _config(after, path) == wanted:
            return after
    except (TextRefused, InputError):
        pass
    return yaml.dump(wanted)


def _config(text: str, path: Path) -> Config:
    """A kubeconfig. InputError for anything else."""
    documents = yaml.load_documents(text, str(path))
    config: Config = documents[0].body
    problems = []
    if len(documents) > 1:
        problems.append(documents[1].problem("a kubeconfig is one document"))
    if config.get("kind", "Config") != "Config":
        problems.append(documents[0].problem("is not a kubeconfig", "$.kind", "kind: Config"))
    for name in LISTS:
        entries = config.get(name)
        if entries is not None and not (isinstance(entries, list) and all(isinstance(each, dict) for each in entries)):
            problems.append(documents[0].problem("expected a list of objects", f"$.{name}"))
    if problems:
        raise InputError(problems)
    return config


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Nobody who keeps to client-go's way of locking writes the file meanwhile: `config.lock` beside it."""
    lock = path.with_name(f"{path.name}.lock")
    give_up = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > give_up:
                hint = f"if none runs, remove {lock}"
                message = "another program is writing this file"
                raise InputError([Problem(message, file=str(path), hint=hint)]) from None
            time.sleep(LOCK_RETRY)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
