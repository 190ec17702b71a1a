"""Label and field selectors."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.selectors import NOTHING, FieldSelector, LabelSelector, Operator, Requirement, SelectorError

LABELS = {"app": "web", "tier": "front", "n": "5", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("none!=x", True),
        ("app in (web, db)", True),
        ("app in (db)", False),
        ("app notin (db)", True),
        ("none notin (db)", True),
        ("none in (db)", False),
        ("app", True),
        ("none", False),
        ("!none", True),
        ("!app", False),
        ("! none", True),
        ("empty=", True),
        ("empty", True),
        ("empty in ()", True),
        ("empty in (a,)", True),
        ("app=", False),
        ("n>4", True),
        ("n>5", False),
        ("n<6", True),
        ("app>1", False),
        ("none>1", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        (" app = web , tier in ( front ) ", True),
        ("app in(web),tier", True),
        ("in=x", False),
        ("in in (in)", False),
    ],
)
def test_string_form(text: str, matches: bool) -> None:
    """The whole grammar against one set of labels; an absent label is not equal to anything."""
    assert LabelSelector.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a=(b)", "unable to parse requirement: found '(', expected: identifier"),
        ("a!b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"),
        (")", "found ')', expected: !, identifier, or 'end of string'"),
    ],
)
def test_syntax_errors(text: str, message: str) -> None:
    """What a person reads after a slip."""
    with pytest.raises(SelectorError) as caught:
        LabelSelector.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("-a=b", 'key: Invalid value: "-a": name part must consist of'),
        ("a/b/c", 'Invalid value: "a/b/c": a valid label key must consist of'),
        ("a=-b", 'Invalid value: "-b": a valid label must be an empty string or consist of'),
        ("a=" + "x" * 64, "must be no more than 63 bytes"),
        ("a>x", "for 'Gt', 'Lt' operators, the value must be an integer"),
    ],
)
def test_keys_and_values_are_checked(text: str, part: str) -> None:
    """A selector that could never match anything is an error."""
    with pytest.raises(SelectorError) as caught:
        LabelSelector.parse(text)
    assert part in str(caught.value)


def test_object_form() -> None:
    """matchLabels and matchExpressions together, every operator."""
    selector = LabelSelector.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front", "back"]},
                {"key": "app", "operator": "NotIn", "values": ["db"]},
                {"key": "n", "operator": "Exists"},
                {"key": "old", "operator": "DoesNotExist", "values": []},
            ],
        }
    )
    assert selector.matches(LABELS)
    assert not selector.matches({**LABELS, "old": ""})
    assert str(selector) == "app=web,app notin (db),n,!old,tier in (back,front)"


def test_no_selector_and_an_empty_one() -> None:
    """None selects nothing, `{}` everything: the difference between mistakes and intent."""
    assert LabelSelector.from_object(None) == NOTHING
    assert not NOTHING.matches({})
    assert not NOTHING.empty
    assert LabelSelector.from_object({}).matches({})
    assert LabelSelector.from_object({}).empty
    assert LabelSelector.from_object({"matchLabels": None, "matchExpressions": None}).empty


@pytest.mark.parametrize(
    ("selector", "field", "message"),
    [
        (
            {"matchExpressions": [{"key": "a", "operator": "in"}]},
            "matchExpressions[0].operator",
            '"in" is not a valid label selector operator',
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "In"}]},
            "matchExpressions[0].values",
            "Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            "matchExpressions[0].values",
            "Invalid value: [b]: values set must be empty for exists and does not exist",
        ),
    ],
)
def test_object_form_errors(selector: dict[str, Any], field: str, message: str) -> None:
    """The field and Kubernetes' sentence."""
    with pytest.raises(SelectorError) as caught:
        LabelSelector.from_object(selector)
    assert (caught.value.field, str(caught.value)) == (field, message)


def test_from_labels_takes_labels_as_they_are() -> None:
    """A Service's selector is not validated again."""
    selector = LabelSelector.from_labels({"b": "2", "a": "1"})
    assert str(selector) == "a=1,b=2"
    assert selector.requirements[0].exact_value == "1"
    assert Requirement("a", Operator.IN, ("x", "y")).exact_value is None


KEYS = st.sampled_from(["a", "app", "example.com/x", "in", "notin", "tier"])
VALUES = st.sampled_from(["", "1", "22", "web", "A_b.c", "in"])


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    """Any requirement that is allowed."""
    operator = draw(st.sampled_from(Operator))
    if operator in (Operator.EXISTS, Operator.DOES_NOT_EXIST):
        return Requirement(draw(KEYS), operator)
    if operator in (Operator.GREATER, Operator.LESS):
        return Requirement(draw(KEYS), operator, (str(draw(st.integers(0, 30))),))
    exact = operator in (Operator.EQUALS, Operator.NOT_EQUALS)
    values = draw(st.lists(VALUES, min_size=1, max_size=1 if exact else 3))
    return Requirement(draw(KEYS), operator, tuple(values))


@given(st.lists(requirements(), max_size=4), st.dictionaries(KEYS, VALUES))
def test_round_trip(parts: list[Requirement], labels: dict[str, str]) -> None:
    """What is written is read back, and means the same."""
    selector = LabelSelector(tuple(sorted(parts, key=lambda each: each.key)))
    again = LabelSelector.parse(str(selector))
    assert again == selector
    assert again.matches(labels) == all(part.matches(labels) for part in parts)


@given(st.text(alphabet="ab=!(),<> in", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text breaks the parser, and what it reads it can write."""
    try:
        selector = LabelSelector.parse(text)
    except SelectorError:
        return
    assert LabelSelector.parse(str(selector)) == selector


POD = {
    "metadata": {"name": "a", "namespace": "n"},
    "spec": {"hostNetwork": True, "priority": 3},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("status.phase=Running", True),
        ("status.phase==Running", True),
        ("status.phase!=Running", False),
        ("metadata.name=a,metadata.namespace=n", True),
        ("metadata.name=a,metadata.namespace=m", False),
        ("spec.nodeName=", True),
        ("spec.nodeName!=", False),
        ("spec.hostNetwork=true", True),
        ("spec.priority=3", True),
        ("spec.nodeName.deeper!=x", True),
        (",metadata.name=a,", True),
    ],
)
def test_field_selectors(text: str, matches: bool) -> None:
    """Fields compare as text; an absent one is empty."""
    assert FieldSelector.parse(text).matches(POD) is matches


def test_field_selector_terms() -> None:
    """What it demands, and how it is written."""
    selector = FieldSelector.parse("status.phase!=Failed,metadata.name==a")
    assert str(selector) == "metadata.name=a,status.phase!=Failed"
    assert selector.required("metadata.name") == "a"
    assert selector.required("status.phase") is None


@pytest.mark.parametrize(
    ("text", "value"), [(r"a=b\,c", "b,c"), (r"a=b\=c", "b=c"), (r"a=\\", "\\"), (r"a=b\\\,c", r"b\,c"), ("a=", "")]
)
def test_field_selector_escapes(text: str, value: str) -> None:
    """A backslash makes comma, equals sign and backslash part of a value."""
    selector = FieldSelector.parse(f"{text},b!=x")
    assert selector.required("a") == value
    assert str(selector) == f"{text},b!=x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=b=c", "invalid field selector: unescaped character in value: ="),
        (r"a=\b", r"invalid field selector: invalid escape sequence: \b"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_field_selector_values(text: str, message: str) -> None:
    """What stands unescaped in a value, or is escaped without need, is refused."""
    with pytest.raises(SelectorError) as caught:
        FieldSelector.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["a", "a>1"])
def test_field_selector_errors(text: str) -> None:
    """A part without an operator is refused in Kubernetes' words."""
    with pytest.raises(SelectorError) as caught:
        FieldSelector.parse(f"x=y,{text}")
    assert str(caught.value) == f"invalid selector: 'x=y,{text}'; can't understand '{text}'"
