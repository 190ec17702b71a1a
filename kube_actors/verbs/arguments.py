"""Command lines as kubectl reads them: an attrs class says which flags there are, and receives their values.

    @frozen(slots=False)
    class GetOptions:
        output: str = text("o", help="table, wide, json, yaml or name")
        watch: bool = switch("w", help="follow changes")

    parsed = parse(GetOptions, ["pods", "-owide", "--watch"])     # parsed.options.watch, parsed.words == ("pods",)

Forms: `--flag=value`, `--flag value`, `--switch`, `--switch=false`, `-o value`, `-ovalue`, `-o=value`, `-it`; after
`--` nothing is a flag. A trailing underscore of a name is dropped (`for_` is `--for`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import attrs

from kube_actors.records import frozen
from kube_actors.text import did_you_mean
from kube_actors.verbs.errors import UsageError

O = TypeVar("O")  # noqa: E741  (the options class)

_FLAG = "flag"
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@frozen
class Flag:
    """One flag. `read` makes a value of its text; `bare` is its value when none is written, if that may be.

    `many` flags may be repeated, and their values add up.
    """

    name: str
    short: str
    help: str
    read: Callable[[str], Any]
    bare: str | None = None
    many: bool = False
    choices: tuple[str, ...] = ()


@frozen
class Parsed(Generic[O]):
    """`words` are what is no flag; `after_dashes` is how many of the last of them stood after `--` (None: no `--`)."""

    options: O
    words: tuple[str, ...]
    after_dashes: int | None = None


def text(short: str = "", *, help: str, default: str = "", bare: str | None = None, choices: Sequence[str] = ()) -> Any:
    """A flag with a text."""
    return _field(short, help, str, default, bare, choices=tuple(choices))


def texts(short: str = "", *, help: str) -> Any:
    """A flag that may be repeated."""
    return _field(short, help, str, (), many=True)


def switch(short: str = "", *, help: str, default: bool = False) -> Any:
    """A flag that is on or off."""
    return _field(short, help, _read_switch, default, "true")


def number(short: str = "", *, help: str, default: int | None = None) -> Any:
    """A flag with a whole number."""
    return _field(short, help, _read_number, default)


def duration(short: str = "", *, help: str, default: float | None = None) -> Any:
    """A flag with a span of time (`90s`, `1h30m`, plain seconds); its value is in seconds."""
    return _field(short, help, read_duration, default)


def _field(
    short: str,
    help: str,
    read: Callable[[str], Any],
    default: Any,
    bare: str | None = None,
    *,
    many: bool = False,
    choices: tuple[str, ...] = (),
) -> Any:
    return attrs.field(default=default, metadata={_FLAG: Flag("", short, help, read, bare, many, choices)})


def flags_of(options: type[Any]) -> tuple[Flag, ...]:
    """The flags of an options class, in order."""
    return tuple(
        attrs.evolve(field.metadata[_FLAG], name=field.name.rstrip("_").replace("_", "-"))
        for field in attrs.fields(options)
    )


def read_duration(text: str) -> float:
    """Seconds of `1h30m`, `90s`, `250ms` or a plain number. ValueError when it is none."""
    sign = -1 if text.startswith("-") else 1
    text = text.removeprefix("-")
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return sign * float(text)
    if not _DURATION.fullmatch(text):
        raise ValueError("a duration such as 90s or 1h30m is wanted")
    return sign * sum(float(amount) * _UNITS[unit] for amount, unit in _DURATION_PART.findall(text))


def parse(options: type[O], argv: Iterable[str]) -> Parsed[O]:
    """Read a command line. UsageError says what is wrong with it, and what was probably meant."""
    reading = _Reading(flags_of(options))
    tokens = list(argv)
    after_dashes = None
    while tokens:
        token = tokens.pop(0)
        if token == "--":
            reading.words += tokens
            after_dashes = len(tokens)
            break
        if token.startswith("--"):
            reading.long(token[2:], tokens)
        elif token.startswith("-") and token != "-":
            reading.shorts(token, tokens)
        else:
            reading.words.append(token)
    names = {field.name.rstrip("_").replace("_", "-"): field.alias for field in attrs.fields(options)}  # type: ignore[arg-type]
    values = {names[name]: tuple(value) if isinstance(value, list) else value for name, value in reading.values.items()}
    return Parsed(options(**values), tuple(reading.words), after_dashes)


def split_line(line: str) -> list[str]:
    """The words of a typed line, quoted as in a shell. UsageError for a quotation that never ends."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"cannot read the line: {str(error).lower()}") from None


class _Reading:
    """The values met so far."""

    def __init__(self, flags: tuple[Flag, ...]) -> None:
        self.words: list[str] = []
        self.values: dict[str, Any] = {}
        self._by_name = {flag.name: flag for flag in flags}
        self._by_short = {flag.short: flag for flag in flags if flag.short}

    def long(self, written: str, tokens: list[str]) -> None:
        """`--name`, `--name=value`, or `--name` with its value next."""
        name, equals, value = written.partition("=")
        flag = self._by_name.get(name)
        if flag is None:
            raise UsageError(_unknown(f"unknown flag: --{name}", did_you_mean(name, self._by_name)))
        self._take(flag, f"--{name}", value if equals else None, tokens)

    def shorts(self, written: str, tokens: list[str]) -> None:
        """`-w`, `-it`, `-o wide`, `-owide`, `-o=wide`."""
        letters = written[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self._by_short.get(letter)
            if flag is None:
                raise UsageError(f"unknown shorthand flag: {letter!r} in {written}")
            value = None
            if letters.startswith("=") or (letters and flag.bare is None):
                value, letters = letters.removeprefix("="), ""
            self._take(flag, f"-{letter}", value, tokens)

    def _take(self, flag: Flag, written: str, value: str | None, tokens: list[str]) -> None:
        if value is None:
            value = flag.bare
        if value is None:
            if not tokens:
                raise UsageError(f"flag needs an argument: {written}")
            value = tokens.pop(0)
        try:
            read = flag.read(value)
        except ValueError as error:
            raise UsageError(f'invalid argument "{value}" for "--{flag.name}" flag: {error}') from None
        if flag.choices and read not in flag.choices:
            hint = did_you_mean(value, flag.choices) or f"one of {', '.join(flag.choices)} is wanted"
            raise UsageError(f'invalid argument "{value}" for "--{flag.name}" flag: {hint}')
        if flag.many:
            self.values.setdefault(flag.name, []).append(read)
        else:
            self.values[flag.name] = read


def _unknown(message: str, hint: str | None) -> str:
    return f"{message} ({hint})" if hint else message


def _read_switch(text: str) -> bool:
    words = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    if text.lower() not in words:
        raise ValueError("true or false is wanted")
    return words[text.lower()]


def _read_number(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise ValueError("a whole number is wanted")
    return int(text)
