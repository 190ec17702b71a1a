"""JSON: canonical bytes and strict reading."""

import json as standard_json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError


def test_canonical_form() -> None:
    """Sorted, without blanks, UTF-8."""
    assert json.dumps({"b": [1, None], "a": {"z": "é", "y": True}}) == '{"a":{"y":true,"z":"é"},"b":[1,null]}'.encode()
    assert json.dumps_pretty({"b": "é", "a": []}) == '{\n    "a": [],\n    "b": "é"\n}'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{}x",
        b'{"a": NaN}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud83d"}',
        b"\xef\xbb\xbf{}",
        b"01",
    ],
)
def test_what_is_no_json(text: bytes) -> None:
    """Each is a 400, none an exception of the library."""
    with pytest.raises(ApiError) as caught:
        json.loads(text)
    assert caught.value.code == 400
    assert caught.value.message.startswith("the object provided is not valid JSON: ")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [json.MAX_DEPTH + 1, 100_000])
def test_depth_is_limited(opening: bytes, depth: int) -> None:
    """Neither a little too deep nor absurdly deep input gets in, or breaks anything."""
    closing = {b"[": b"]", b'{"a":': b"}"}[opening]
    with pytest.raises(ApiError) as caught:
        json.loads(opening * depth + b"1" + closing * depth)
    assert caught.value.code == 400


def test_allowed_depth_can_be_written_again() -> None:
    """What is read can be stored."""
    text = b"[" * json.MAX_DEPTH + b"]" * json.MAX_DEPTH
    assert json.dumps(json.loads(text)) == text


def test_repeated_keys() -> None:
    """The last counts, unless they are asked for: then all of them are named with their paths."""
    text = b'{"a": 1, "spec": {"b": [{"c": 1}, {"c": 1, "c": 2, "c": 3}]}, "a": 2}'
    assert json.loads(text) == {"a": 2, "spec": {"b": [{"c": 1}, {"c": 3}]}}
    with pytest.raises(ApiError) as caught:
        json.loads(text, unique_keys=True)
    assert caught.value.message == 'strict decoding error: duplicate field "spec.b[1].c", duplicate field "a"'
    assert json.loads(b'{"a": {"a": 1}}', unique_keys=True) == {"a": {"a": 1}}


def test_identical_is_stricter_than_equal() -> None:
    """A truth value is not a number, and a whole number is not a fraction."""
    assert json.identical({"a": [1]}, {"a": [1]})
    assert not json.identical({"a": True}, {"a": 1})
    assert not json.identical({"a": 1.0}, {"a": 1})


def values(numbers: st.SearchStrategy[int | float]) -> st.SearchStrategy[Any]:
    """Any JSON with these numbers."""
    return st.recursive(
        st.none() | st.booleans() | numbers | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )


NUMBERS = st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False, allow_infinity=False)


@given(values(NUMBERS))
def test_round_trip_and_agreement_with_the_standard_library(value: Any) -> None:
    """Canonical bytes are valid JSON for everybody, and equal values give equal bytes."""
    text = json.dumps(value)
    assert json.loads(text) == value
    assert json.loads(text, unique_keys=True) == value
    assert standard_json.loads(text) == value
    assert json.dumps(json.loads(text)) == text


@given(st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes raise anything but a 400, and nothing that is not a finite number comes out."""
    try:
        value = json.loads(data)
    except ApiError:
        return
    assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (b'{"a":1,"b":[{"c":2}]}', False),
        (b'{ "a" : 1,\n  "b" : [ { "c": 2 } ] }', False),
        (b'{"a": "<x:y>", "b:c": "\\u003cz\\u003e"}', False),
        (b'{"a":1,"a":2}', True),
        (b'{"a":"x","a":"\\u003A"}', True),
        (b'{"a":"x:","a":"y\\u003a:"}', True),
    ],
)
def test_repeated_keys_are_suspected_however_they_are_written(text: bytes, may: bool) -> None:
    """Blanks and escapes alone raise no suspicion; an escaped colon cannot hide a repeated key."""
    assert json.may_repeat_keys(text, json.parse(text)) is may
