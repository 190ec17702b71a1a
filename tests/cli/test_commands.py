"""What every command has: help with an example, suggestions, exit statuses, messages in one place."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from kube_actors.cli import about, main
from kube_actors.errors import InputError, KubeActorsError, Problem

from .running import Place

COMMANDS = ("run", "apply", "validate", "console", "status", "stop", "reset", "doctor", "version", "completion")
HEAVY = {"trio", "structlog", "rich", "orjson", "ruamel", "cattrs", "asyncio", "prompt_toolkit", "kube_actors.cluster"}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` of every command ends with how it is used."""
    assert main.run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example" in text
    assert f"kube-actors {command}" in text.partition("Example")[2]


def test_help_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    """The program's own help lists every command with what it does, uncut."""
    assert main.run(["--help"]) == 0
    text = capsys.readouterr().out
    lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("  ") and line.split()}
    assert all(command in lines and lines[command].endswith(".") for command in COMMANDS)
    assert "..." not in text.partition("Commands:")[2]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str) -> None:
    """What makes `--help` quick: it needs click and our own few modules only."""
    program = (
        "import sys; from kube_actors.cli.main import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    )
    arguments = [command, "--help"] if command else ["--help"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stderr.split())


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Names the nearest one."""
    assert main.run(["aply", "-f", "x"]) == 2
    assert "there is no command 'aply' (did you mean \"apply\"?)" in capsys.readouterr().err


def test_an_unknown_option(capsys: pytest.CaptureFixture[str]) -> None:
    """Names the nearest one."""
    assert main.run(["run", "--epheral", "x"]) == 2
    assert "--ephemeral" in capsys.readouterr().err


def test_a_missing_argument() -> None:
    """Is bad input."""
    assert main.run(["run"]) == 2
    assert main.run(["apply"]) == 2


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InputError([Problem("wrong", "a.yaml", 3, 1, "$.x", "right")]), 2, "error: a.yaml:3:1 $.x: wrong (right)\n"),
        (ExceptionGroup("", [InputError([Problem("wrong")]), InputError([Problem("wrong")])]), 2, "error: wrong\n"),
        (KubeActorsError("not \x1b[1mthere"), 1, "error: not \\e[1mthere\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_messages(
    error: BaseException, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its exit status, also out of nurseries, and nothing in them reaches the terminal raw."""

    def fail(*_args: object, **_settings: object) -> None:
        raise error

    monkeypatch.setattr(main.command, "main", fail)
    assert main.run([]) == status
    assert capsys.readouterr().err == said


def test_defects_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we did not raise on purpose is not hidden behind a message."""

    def fail(*_args: object, **_settings: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main.command, "main", fail)
    with pytest.raises(ZeroDivisionError):
        main.run([])


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is the package's, and can be read by a program."""
    project = tomllib.loads((Path(__file__).parent.parent.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == about.VERSION
    assert main.run(["version"]) == 0
    assert main.run(["version", "-o", "json"]) == 0
    text, json = capsys.readouterr().out.splitlines()
    assert text.startswith(f"kube-actors {about.VERSION} (Kubernetes v1.36")
    assert json.startswith(f'{{"version": "{about.VERSION}"')


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef kube-actors"), ("fish", "complete --no-files")]
)
def test_completion_scripts(shell: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each shell gets its own; nothing is run to make it."""
    assert main.run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert word in script
    assert "_KUBE_ACTORS_COMPLETE" in script


def test_completion_knows_commands_options_and_clusters(place: Place) -> None:
    """What a shell asks for when TAB is pressed."""
    (place.home / "quickstart").mkdir(parents=True)
    complete = ShellComplete(main.command, {}, "kube-actors", "_KUBE_ACTORS_COMPLETE")

    def offered(arguments: list[str], word: str) -> list[str]:
        return [item.value for item in complete.get_completions(arguments, word)]

    assert offered([], "st") == ["status", "stop"]
    assert offered(["run"], "--v") == ["--virtual"]
    assert offered(["stop", "--state-dir", str(place.home), "--name"], "q") == ["quickstart"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_empty_ones(closed: str, place: Place) -> None:
    """Started with nothing to read or write (`>&-`), a command works, and no other file is printed into."""
    file = place.file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "a.yaml")
    line = f"{sys.executable} -m kube_actors validate {file} {closed}"
    done = subprocess.run(["sh", "-c", line], env=place.environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if ">&-" in closed.replace("2>&-", "") else "valid: 1 object\n")
