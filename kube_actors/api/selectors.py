"""Which objects are meant: by labels (`app=web,tier in (a,b),!old`) and by fields (`status.phase=Running`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from kube_actors.api.label_requirements import OBJECT_OPERATORS, Labels, Operator, Requirement, SelectorError, checked
from kube_actors.api.selector_parser import parse_requirements
from kube_actors.records import frozen

__all__ = [
    "NOTHING",
    "FieldSelector",
    "FieldTerm",
    "LabelSelector",
    "Operator",
    "Requirement",
    "SelectorError",
    "field_text",
    "printed_selector",
]


@frozen
class LabelSelector:
    """All its requirements together, sorted by key. Without any it matches everything; `NOTHING` matches nothing."""

    requirements: tuple[Requirement, ...] = ()
    matches_nothing: bool = False
    # Controllers match thousands of pods against selectors of plain equality: one comparison of dicts settles those.
    _exact: dict[str, str] = attrs.field(init=False, eq=False, repr=False)
    _others: tuple[Requirement, ...] = attrs.field(init=False, eq=False, repr=False)

    @_exact.default
    def _exact_values(self) -> dict[str, str]:
        return {one.key: one.exact_value for one in self.requirements if one.exact_value is not None}

    @_others.default
    def _not_exact(self) -> tuple[Requirement, ...]:
        # Of two different values wanted of one label, `_exact` holds one; the other must still be asked for.
        exact = self._exact
        return tuple(one for one in self.requirements if one.exact_value is None or exact[one.key] != one.exact_value)

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Read the string form: `a=b,c==d,e!=f,g in (h,i),j notin (k),l,!m,n>1,o<2`. SelectorError when it is wrong."""
        return cls(_sorted(parse_requirements(text)))

    @classmethod
    def from_labels(cls, labels: Labels) -> LabelSelector:
        """Exactly these labels, among others; nothing is validated (Service and ReplicationController selectors)."""
        return cls(_sorted(Requirement(key, Operator.EQUALS, (value,)) for key, value in labels.items()))

    @classmethod
    def from_object(cls, selector: Mapping[str, Any] | None) -> LabelSelector:
        """Read `{"matchLabels": …, "matchExpressions": …}`. No selector matches nothing, an empty one everything.

        SelectorError names the field, in Kubernetes' words.
        """
        if selector is None:
            return NOTHING
        requirements = []
        for key, value in (selector.get("matchLabels") or {}).items():
            requirements.append(checked(key, Operator.EQUALS, (value,), field="matchLabels"))
        for index, expression in enumerate(selector.get("matchExpressions") or ()):
            field = f"matchExpressions[{index}]"
            word = expression.get("operator", "")
            operator = OBJECT_OPERATORS.get(word)
            if operator is None:
                raise SelectorError(f'"{word}" is not a valid label selector operator', f"{field}.operator")
            key, values = expression.get("key", ""), expression.get("values") or ()
            requirements.append(checked(key, operator, values, field=field))
        return cls(_sorted(requirements))

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is meant."""
        if self.matches_nothing:
            return False
        if not self._exact.items() <= labels.items():
            return False
        return not self._others or all(requirement.matches(labels) for requirement in self._others)

    @property
    def empty(self) -> bool:
        """Whether it matches everything."""
        return not self.requirements and not self.matches_nothing

    def __str__(self) -> str:
        """The string form, which `parse` reads back; empty for `NOTHING`, which has none, as in Kubernetes."""
        return ",".join(map(str, self.requirements))


_FIELD_PARTS: Final = re.compile(r"(?:\\.|[^,\\]|\\\Z)+", re.DOTALL)
# The first operator counts; what comes after it is the value.
_FIELD_TERM: Final = re.compile(r"(.*?)(!=|==|=)(.*)", re.DOTALL)
NOTHING: Final = LabelSelector(matches_nothing=True)


def _sorted(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=lambda each: each.key))


@frozen
class FieldTerm:
    """One condition: the field (a dotted path), whether it must be equal, and the text it is compared with."""

    field: str
    equal: bool
    value: str

    def __str__(self) -> str:
        value = re.sub(r"([\\,=])", r"\\\1", self.value)
        return f"{self.field}{'=' if self.equal else '!='}{value}"


@frozen
class FieldSelector:
    """All its terms together. Which fields a kind can be selected by is for the kind to say (`terms`)."""

    terms: tuple[FieldTerm, ...] = ()

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        """Read `status.phase=Running,metadata.name!=x` (`==` is `=`). SelectorError when it is wrong.

        A backslash before a comma, an equals sign or another backslash makes it part of the value.
        """
        terms = []
        for part in sorted(_FIELD_PARTS.findall(text)):
            term = _FIELD_TERM.match(part)
            if term is None:
                raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
            field, operator, value = term.groups()
            terms.append(FieldTerm(field, operator != "!=", _unescaped(value)))
        return cls(tuple(terms))

    def matches(self, body: Mapping[str, Any]) -> bool:
        """Whether the object meets every term; an absent field counts as the empty string."""
        return self.matches_fields(lambda field: field_text(body, field))

    def matches_fields(self, read: Callable[[str], str]) -> bool:
        """The same with another way to read a field."""
        return all((read(term.field) == term.value) == term.equal for term in self.terms)

    def required(self, field: str) -> str | None:
        """The value that the selector demands of a field, if it demands one."""
        return next((term.value for term in self.terms if term.field == field and term.equal), None)

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


def _unescaped(value: str) -> str:
    """A value without its backslashes. SelectorError for a bare `=`, and for a backslash before anything else."""
    for piece in re.findall(r"\\.?|[^\\]", value, re.DOTALL):
        if piece == "=":
            raise SelectorError("invalid field selector: unescaped character in value: =")
        if piece[0] == "\\" and piece[1:] not in ("\\", ",", "="):
            raise SelectorError(f"invalid field selector: invalid escape sequence: {piece}")
    return re.sub(r"\\(.)", r"\1", value)


def field_text(body: Mapping[str, Any], field: str) -> str:
    """The value at a dotted path, as field selectors compare it: `true`, `3`, or empty when there is none."""
    value: Any = body
    for segment in field.split("."):
        value = value.get(segment) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""


def printed_selector(selector: Mapping[str, Any]) -> str:
    """`{"matchLabels": …, "matchExpressions": …}` as Go prints it; some texts of Kubernetes say selectors so."""
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{each.get('key', '')},Operator:{each.get('operator', '')},"
        f"Values:[{' '.join(each.get('values') or ())}],}},"
        for each in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
