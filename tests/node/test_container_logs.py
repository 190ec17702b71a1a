"""Logs read back: parts, tails, times, rotation."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from kube_actors.node.agent.logs import LogFile
from kube_actors.node.container_logs import POLL_SECONDS, LogOptions, read_log


def record(second: int, text: str, *, stream: str = "stdout", tag: str = "F") -> str:
    """A record of the CRI format."""
    return f"2026-01-01T00:00:{second:02d}.000000000Z {stream} {tag} {text}\n"


async def read(path: Path, options: LogOptions = LogOptions()) -> bytes:  # noqa: B008 - frozen
    """Everything the options ask for, of a container that has ended."""
    return b"".join([piece async for piece in read_log(str(path), options, lambda: True)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two rotated files and the current one, with lines of both streams and one in parts across a rotation."""
    (tmp_path / "0.log.2").write_text(record(1, "one") + record(2, "two", stream="stderr"))
    (tmp_path / "0.log.1").write_text(record(3, "three") + record(4, "fo", tag="P"))
    (tmp_path / "0.log").write_text(record(5, "ur") + record(6, "") + record(7, "six", tag="P"))
    return tmp_path / "0.log"


async def test_everything_in_order(log: Path) -> None:
    """Oldest file first, parts joined, empty lines kept, and no newline where the container printed none."""
    assert await read(log) == b"one\ntwo\nthree\nfour\n\nsix"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (0, b""),
        (1, b"six"),
        (2, b"\nsix"),
        (3, b"four\n\nsix"),
        (4, b"three\nfour\n\nsix"),
        (6, b"one\ntwo\nthree\nfour\n\nsix"),
        (99, b"one\ntwo\nthree\nfour\n\nsix"),
    ],
)
async def test_tail_counts_lines_not_records(log: Path, lines: int, text: bytes) -> None:
    """The tail reaches over rotated files, and a line in parts counts once."""
    assert await read(log, LogOptions(tail_lines=lines)) == text


async def test_tail_of_many_blocks(tmp_path: Path) -> None:
    """Far more than one block is searched from the end."""
    (tmp_path / "0.log").write_text("".join(record(n % 60, f"{n} " + "x" * (n % 500)) for n in range(5000)))
    text = await read(tmp_path / "0.log", LogOptions(tail_lines=3000))
    assert [int(line.split(b" ")[0]) for line in text.splitlines()] == list(range(2000, 5000))


async def test_since(log: Path) -> None:
    """Records of that instant and later."""
    assert await read(log, LogOptions(since=1767225605.0)) == b"ur\n\nsix"


async def test_timestamps_prefix_and_stream(log: Path) -> None:
    """Once per line, not per part; the prefix comes first; one stream alone."""
    options = LogOptions(timestamps=True, prefix=b"[web] ", tail_lines=3)
    assert await read(log, options) == (
        b"[web] 2026-01-01T00:00:04.000000000Z four\n"
        b"[web] 2026-01-01T00:00:06.000000000Z \n"
        b"[web] 2026-01-01T00:00:07.000000000Z six"
    )
    assert await read(log, LogOptions(stream="stderr")) == b"two\n"


async def test_limit_bytes(log: Path) -> None:
    """Cut exactly, also in the middle of a line."""
    assert await read(log, LogOptions(limit_bytes=9)) == b"one\ntwo\nt"
    assert await read(log, LogOptions(limit_bytes=0)) == b""


async def test_streams_that_interrupt_each_other(tmp_path: Path) -> None:
    """What the other stream says in the middle of a line stands on a line of its own."""
    log = tmp_path / "0.log"
    log.write_text(record(1, "50", tag="P") + record(2, "oops", stream="stderr") + record(3, "%"))
    assert await read(log) == b"50\noops\n%\n"


async def test_damaged_records_are_skipped(tmp_path: Path) -> None:
    """A log that a full disk has damaged is read as far as it makes sense."""
    log = tmp_path / "0.log"
    log.write_text(record(1, "a") + "garbage\n\n" + record(2, "b") + "2026-01-01T00:00:03Z stdout F unfinis")
    assert await read(log) == b"a\nb\n"


async def test_missing_log(tmp_path: Path) -> None:
    """There is no log before the container has one."""
    with pytest.raises(FileNotFoundError):
        await read(tmp_path / "0.log")


async def follow(path: Path, ended: Callable[[], bool], into: list[bytes]) -> None:
    """Collect what a follower sees."""
    async for piece in read_log(str(path), LogOptions(follow=True, tail_lines=0), ended):
        into.append(piece)


async def test_follow_until_ended(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """New lines come as they are written; after the end the rest is still read."""
    log, seen, ended = tmp_path / "0.log", list[bytes](), False
    log.write_text(record(1, "old"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, log, lambda: ended, seen)
        await trio.sleep(POLL_SECONDS / 2)
        with log.open("a") as file:
            file.write(record(2, "new")[:-5])
            file.flush()
            await trio.sleep(POLL_SECONDS * 2)
            assert seen == []
            file.write(record(2, "new")[-5:])
        await trio.sleep(POLL_SECONDS * 2)
        assert seen == [b"new\n"]
        with log.open("a") as file:
            file.write(record(3, "last"))
        ended = True
    assert seen == [b"new\n", b"last\n"]


async def test_follow_over_rotations(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """A follower that reads between rotations of a fast writer loses and doubles nothing, as long as files last."""
    path, seen, ended = tmp_path / "0.log", list[bytes](), False
    log = LogFile(str(path), 500, 50)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, path, lambda: ended, seen)
        await trio.sleep(POLL_SECONDS / 2)
        for number in range(300):
            log.write(record(number % 60, f"line {number}").encode())
            if number % 37 == 0:
                await trio.sleep(POLL_SECONDS)
        ended = True
    log.close()
    assert b"".join(seen).decode().splitlines() == [f"line {number}" for number in range(300)]


async def test_follow_when_the_file_was_deleted(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """Whoever is so slow that its file was rotated away goes on with the oldest that is left."""
    path, seen, ended = tmp_path / "0.log", list[bytes](), False
    log = LogFile(str(path), 60, 2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, path, lambda: ended, seen)
        await trio.sleep(POLL_SECONDS / 2)
        for number in range(10):
            log.write(record(number, f"line {number}").encode())
        ended = True
    log.close()
    assert b"".join(seen) == b"line 0\nline 8\nline 9\n"


async def test_reading_leaves_no_descriptor(log: Path) -> None:
    """Also when the reader leaves early."""
    before = len(os.listdir("/proc/self/fd"))
    for options in (LogOptions(), LogOptions(tail_lines=3), LogOptions(limit_bytes=1), LogOptions(tail_lines=0)):
        await read(log, options)
    assert len(os.listdir("/proc/self/fd")) == before
