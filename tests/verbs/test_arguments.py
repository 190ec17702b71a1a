"""Command lines are read as kubectl reads them, and mistakes are told with what was probably meant."""

from __future__ import annotations

import attrs
import pytest

from kube_actors.verbs.arguments import (
    duration,
    flags_of,
    number,
    parse,
    read_duration,
    split_line,
    switch,
    text,
    texts,
)
from kube_actors.verbs.errors import UsageError


@attrs.frozen(slots=False)
class Common:
    """Flags that several commands have."""

    namespace: str = text("n", help="where")


@attrs.frozen(slots=False)
class Options(Common):
    """A command's own."""

    output: str = text("o", help="how", choices=("", "json", "yaml"))
    watch: bool = switch("w", help="follow")
    wait: bool = switch(help="wait", default=True)
    tail: int | None = number(help="lines")
    timeout: float | None = duration(help="how long", default=30.0)
    filename: tuple[str, ...] = texts("f", help="files")
    cascade: str = text(help="dependents", default="none", bare="background")
    for_: str = text(help="what")
    stdin: bool = switch("i", help="input")
    tty: bool = switch("t", help="terminal")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--output json", {"output": "json"}),
        ("--output=json", {"output": "json"}),
        ("-o json", {"output": "json"}),
        ("-ojson", {"output": "json"}),
        ("-o=json", {"output": "json"}),
        ("-w --wait=false", {"watch": True, "wait": False}),
        ("--watch=true", {"watch": True}),
        ("-it", {"stdin": True, "tty": True}),
        ("-itojson", {"stdin": True, "tty": True, "output": "json"}),
        ("--tail -1", {"tail": -1}),
        ("--tail=5 --timeout 1m30s", {"tail": 5, "timeout": 90.0}),
        ("-f a.yaml --filename=b -f -", {"filename": ("a.yaml", "b", "-")}),
        ("--cascade", {"cascade": "background"}),
        ("--cascade=orphan", {"cascade": "orphan"}),
        ("--for=condition=Ready=false", {"for_": "condition=Ready=false"}),
        ("-n one -n two", {"namespace": "two"}),
    ],
)
def test_forms_of_flags(line: str, expected: dict[str, object]) -> None:
    """Every way in which kubectl's users write flags."""
    assert parse(Options, line.split()).options == Options(**expected)  # type: ignore[arg-type]


def test_words_and_flags_mix() -> None:
    """Flags may stand anywhere before `--`; after it nothing is a flag."""
    parsed = parse(Options, ["pod", "-w", "web", "--", "ls", "-l", "--"])
    assert parsed.words == ("pod", "web", "ls", "-l", "--")
    assert parsed.after_dashes == 3
    assert parsed.options.watch
    assert parse(Options, ["pod"]).after_dashes is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--outptu json", 'unknown flag: --outptu (did you mean "output"?)'),
        ("-z", "unknown shorthand flag: 'z' in -z"),
        ("--output", "flag needs an argument: --output"),
        ("-o", "flag needs an argument: -o"),
        ("--tail ten", 'invalid argument "ten" for "--tail" flag: a whole number is wanted'),
        ("--watch=maybe", 'invalid argument "maybe" for "--watch" flag: true or false is wanted'),
        ("--timeout 5x", 'invalid argument "5x" for "--timeout" flag: a duration such as 90s or 1h30m is wanted'),
        ("-o jsno", 'invalid argument "jsno" for "--output" flag: did you mean "json"?'),
    ],
)
def test_mistakes(line: str, message: str) -> None:
    """One sentence: what is wrong, and what would be right."""
    with pytest.raises(UsageError) as raised:
        parse(Options, line.split())
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("0", 0), ("2", 2), ("1.5", 1.5), ("90s", 90), ("1h30m", 5400), ("250ms", 0.25), ("-1s", -1), ("1m0.5s", 60.5)],
)
def test_durations(written: str, seconds: float) -> None:
    """Go's durations, and plain seconds."""
    assert read_duration(written) == seconds


def test_inherited_flags_come_first() -> None:
    """Help lists what commands have in common before their own flags."""
    assert [flag.name for flag in flags_of(Options)][:2] == ["namespace", "output"]
    assert "for" in {flag.name for flag in flags_of(Options)}


def test_a_typed_line_is_quoted_as_in_a_shell() -> None:
    """Quotations keep blanks together; one that never ends is told."""
    assert split_line("exec web -- sh -c 'echo \"a b\"'") == ["exec", "web", "--", "sh", "-c", 'echo "a b"']
    with pytest.raises(UsageError, match="no closing quotation"):
        split_line("get 'pods")
