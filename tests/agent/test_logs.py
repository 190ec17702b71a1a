"""Log records and rotation."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.agent.logs import LINE_LIMIT, LineWriter, LogFile

NOON = 1_700_000_000 * 10**9 + 42
HEAD = b"2023-11-14T22:13:20.000000042Z stdout "


def writer() -> LineWriter:
    """A writer at a fixed time."""
    return LineWriter("stdout", lambda: NOON)


def test_lines_in_cri_format() -> None:
    """Time with nanoseconds, stream, F for a whole line."""
    assert writer().feed(b"one\ntwo\n") == HEAD + b"F one\n" + HEAD + b"F two\n"


def test_an_unfinished_line_waits_then_is_a_part() -> None:
    """Written as P after a while; its end is F."""
    lines = writer()
    assert (lines.feed(b"pro"), lines.unfinished) == (b"", True)
    assert lines.flush() == HEAD + b"P pro\n"
    assert lines.feed(b"mpt\n") == HEAD + b"F mpt\n"


def test_a_stream_may_end_in_the_middle_of_a_line() -> None:
    """What is left then is a part, as from the container runtimes: nobody printed an end of line."""
    lines = writer()
    lines.feed(b"bye")
    assert lines.flush() == HEAD + b"P bye\n"
    assert lines.flush() == b""


@given(st.lists(st.binary(max_size=60_000), max_size=6))
def test_nothing_is_lost_and_no_record_is_too_long(pieces: list[bytes]) -> None:
    """The parts put together are the stream; no part is longer than the limit."""
    lines = writer()
    out = b"".join([*(lines.feed(piece) for piece in pieces), lines.flush()])
    text = b""
    for record in out.split(b"\n")[:-1]:
        tag, _, content = record.removeprefix(HEAD).partition(b" ")
        assert len(content) <= LINE_LIMIT
        text += content + (b"\n" if tag == b"F" else b"")
    stream = b"".join(pieces)
    assert text == stream or text == stream + b"\n"


def test_rotation_keeps_so_many_files(tmp_path: Path) -> None:
    """The newest is the path itself, older ones are numbered; private whatever the umask."""
    log = LogFile(str(tmp_path / "pod" / "0.log"), max_size=10, max_files=3)
    for number in range(5):
        log.write(b"line %d\n" % number)
    log.close()
    files = {path.name: path.read_text() for path in (tmp_path / "pod").iterdir()}
    assert files == {"0.log": "line 4\n", "0.log.1": "line 3\n", "0.log.2": "line 2\n"}
    assert (tmp_path / "pod" / "0.log").stat().st_mode & 0o777 == 0o600


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    """Opened again (a new agent), it appends and remembers its size."""
    path = tmp_path / "0.log"
    for text in (b"12345\n", b"67890\n"):
        log = LogFile(str(path), max_size=10, max_files=2)
        log.write(text)
        log.close()
    assert (path.read_text(), (tmp_path / "0.log.1").read_text()) == ("67890\n", "12345\n")


def test_without_room_for_another_file_the_log_goes_on_in_the_one_there_is(tmp_path: Path) -> None:
    """Rotation that fails neither ends the container nor lets lines fall into what is opened after it."""
    path = tmp_path / "pod" / "0.log"
    log = LogFile(str(path), max_size=10, max_files=2)
    log.write(b"line 0\n")
    path.parent.rename(tmp_path / "gone")
    log.write(b"line 1\n")
    with (tmp_path / "other").open("wb"):
        log.write(b"line 2\n")
    assert (tmp_path / "other").read_bytes() == b""
    (tmp_path / "gone").rename(path.parent)
    log.write(b"line 3\n")
    log.close()
    assert [file.read_bytes() for file in (path.with_suffix(".log.1"), path)] == [
        b"line 0\nline 1\nline 2\n",
        b"line 3\n",
    ]
