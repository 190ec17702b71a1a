"""The interactive prompt: completion by the cluster itself, a history, and objects typed over several lines."""

from __future__ import annotations

import io
import itertools
import os
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kube_actors.console.terminal import INTERRUPTED, Unreachable, run_once
from kube_actors.text import one_line
from kube_actors.verbs.arguments import split_line
from kube_actors.verbs.errors import UsageError

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History

LEAVING = ("exit", "quit")
END_OF_INPUT = "."
WELCOME = 'Type "help" for the commands, "exit" to leave.'


def run_prompt(path: Path, *, history: Path) -> int:
    """Read and run commands until the person leaves; answers the exit code. Unreachable when no cluster answers.

    `history` is a file that only its owner can read.
    """
    run_once(path, ["complete", "--", ""], stdout=io.BytesIO())  # so that nobody types at a cluster that is not there
    session = _prompt_session(path, history)
    print(WELCOME)
    while True:
        try:
            line = session.prompt("> ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if line in LEAVING:
            return 0
        if line and _run(path, line, session) is None:
            return 1


def _run(path: Path, line: str, session: PromptSession[str]) -> int | None:
    """Run a typed line; None when the cluster is gone."""
    try:
        argv = split_line(line)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        if reads_typed_input(argv):
            with _typed_input(session) as text:
                return run_once(path, argv, stdin=text)
        return run_once(path, argv)
    except (KeyboardInterrupt, EOFError):
        return INTERRUPTED
    except Unreachable as error:
        print(f"error: {error}", file=sys.stderr)
        return None


def reads_typed_input(argv: list[str]) -> bool:
    """Whether the command takes objects that are typed now: `apply -f -`."""
    short = any(one in ("-f", "--filename") and two == "-" for one, two in itertools.pairwise(argv))
    return argv[:1] in (["apply"], ["delete"]) and (short or "-f-" in argv or "--filename=-" in argv)


def _typed_input(session: PromptSession[str]) -> BinaryIO:
    """The lines up to one with only a dot, as a file. EOFError and KeyboardInterrupt give it up."""
    print(f"(a line with only {END_OF_INPUT!r} ends the input)")
    lines = []
    while (line := session.prompt("... ")).strip() != END_OF_INPUT:
        lines.append(line)
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the caller closes it)
    file.write("".join(f"{line}\n" for line in lines).encode())
    file.seek(0)
    return file


def _prompt_session(path: Path, history: Path) -> PromptSession[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import ThreadedCompleter

    return PromptSession(
        history=private_history(history),
        completer=ThreadedCompleter(cluster_completer(path)),
        complete_while_typing=False,
    )


def private_history(file: Path) -> History:
    """A history that is kept in `file`, which nobody else can read whatever the umask."""
    from prompt_toolkit.history import FileHistory

    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)
    return FileHistory(str(file))


def cluster_completer(path: Path) -> Completer:
    """A completer that asks the cluster."""
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

    class ClusterCompleter(Completer):
        def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
            words = words_before_cursor(document.text_before_cursor)
            for word, about in candidates(path, words):
                yield Completion(word, start_position=-len(words[-1]), display_meta=about)

    return ClusterCompleter()


def words_before_cursor(text: str) -> list[str]:
    """The words so far; the last is the one being typed, empty after a blank."""
    try:
        words = shlex.split(text)
    except ValueError:  # a quotation that is not closed yet
        words = text.split()
    return [*words, ""] if not text or text[-1].isspace() else words


def candidates(path: Path, words: list[str]) -> list[tuple[str, str]]:
    """(what the last word may become, a few words about it); nothing when the cluster does not answer."""
    printed = io.BytesIO()
    try:
        run_once(path, ["complete", "--", *words], stdin=io.BytesIO(), stdout=printed, stderr=io.BytesIO())
    except (Unreachable, OSError):
        return []
    lines = printed.getvalue().decode("utf-8", "replace").splitlines()
    return [(one_line(word), one_line(about)) for word, _, about in (line.partition("\t") for line in lines)]
