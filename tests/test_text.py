"""Text made harmless for terminals, and words that were nearly right."""

from __future__ import annotations

import pytest

from kube_actors.text import did_you_mean, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ümläut 名", "plain ümläut 名"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "\\e[31mred\\e[0m"),
        ("\x1b]0;title\x07", "\\e]0;title\\x07"),
        ("over\rwritten\x08", "over\\rwritten\\x08"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_nothing_steers_the_terminal(text: str, shown: str) -> None:
    """Controls, C1 controls, marks that reorder, and half characters are written out; all else stays."""
    assert visible(text) == shown
    visible(text).encode()


def test_one_line_stays_one_line() -> None:
    """A name with a line break in it cannot fake a second line."""
    assert one_line("a\nerror: b\tc\u2028d") == "a\\nerror: b\\tc\\u2028d"


def test_did_you_mean() -> None:
    """The nearest word whatever its case; nothing when nothing is near."""
    assert did_you_mean("Replcas", ["replicas", "selector"]) == 'did you mean "replicas"?'
    assert did_you_mean("xyz", ["replicas", "selector"]) is None
