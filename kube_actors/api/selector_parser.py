"""The string form of label selectors, by the grammar and with the error messages of Kubernetes.

    selector    = requirement { "," requirement }
    requirement = "!" key | key [ comparison value | ( "in" | "notin" ) "(" value { "," value } ")" ]
    comparison  = "=" | "==" | "!=" | ">" | "<"

Values may be empty: `a in (x,,y)`, `a=`.
"""

from __future__ import annotations

import re
from typing import Final

from kube_actors.api.label_requirements import Operator, Requirement, SelectorError, checked

_TOKEN: Final = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+)")
_SPECIAL: Final = frozenset(("=", "==", "!=", "!", "(", ")", ",", "<", ">"))
_BINARY: Final = "in, notin, =, ==, !=, gt, lt"


def parse_requirements(text: str) -> list[Requirement]:
    """The requirements in the order they stand; SelectorError when the text is not a selector."""
    return _Parser(text).selector()


class _Parser:
    """Recursive descent over the tokens; the empty token is the end."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(text), ""]
        self._at = 0

    def _next(self) -> str:
        token = self._tokens[self._at]
        if token:
            self._at += 1
        return token

    @property
    def _peek(self) -> str:
        return self._tokens[self._at]

    def selector(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while self._peek:
            if self._peek in _SPECIAL and self._peek != "!":
                raise SelectorError(f"found '{self._peek}', expected: !, identifier, or 'end of string'")
            requirements.append(self._requirement())
            separator = self._next()
            if separator not in ("", ","):
                raise SelectorError(f"found '{separator}', expected: ',' or 'end of string'")
            if separator and (not self._peek or (self._peek in _SPECIAL and self._peek != "!")):
                raise SelectorError(f"found '{self._peek}', expected: identifier after ','")
        return requirements

    def _requirement(self) -> Requirement:
        try:
            return self._unchecked_requirement()
        except SelectorError as error:
            where = f"{error.field}: " if error.field else ""
            raise SelectorError(f"unable to parse requirement: {where}{error}") from None

    def _unchecked_requirement(self) -> Requirement:
        negated = self._peek == "!"
        if negated:
            self._next()
        key = self._identifier()
        if negated:
            return checked(key, Operator.DOES_NOT_EXIST, ())
        if self._peek in ("", ","):
            return checked(key, Operator.EXISTS, ())
        match self._next():
            case "in":
                return checked(key, Operator.IN, self._values())
            case "notin":
                return checked(key, Operator.NOT_IN, self._values())
            case "=" | "==":
                return checked(key, Operator.EQUALS, (self._exact_value(),))
            case "!=":
                return checked(key, Operator.NOT_EQUALS, (self._exact_value(),))
            case ">":
                return checked(key, Operator.GREATER, (self._exact_value(),))
            case "<":
                return checked(key, Operator.LESS, (self._exact_value(),))
            case other:
                raise SelectorError(f"found '{other}', expected: {_BINARY}")

    def _identifier(self) -> str:
        token = self._next()
        if not token or token in _SPECIAL:
            raise SelectorError(f"found '{token}', expected: identifier")
        return token

    def _exact_value(self) -> str:
        return "" if self._peek in ("", ",") else self._identifier()

    def _values(self) -> list[str]:
        """`(x,,y)`: between two separators without a value stands the empty string."""
        if (token := self._next()) != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        values: list[str] = []
        while True:
            value = ""
            if self._peek not in (",", ")"):
                value = self._next()
                if not value or value in _SPECIAL:
                    raise SelectorError(f"found '{value}', expected: ',', ')' or identifier")
            values.append(value)
            separator = self._next()
            if separator == ")":
                return values
            if separator != ",":
                raise SelectorError(f"found '{separator}', expected: ',' or ')'")
