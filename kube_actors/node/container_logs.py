"""Reading a container's log: CRI records on disk, over rotated files, back to the lines the container printed.

`<path>` is the file being written, `<path>.1` the newest of the older ones, `<path>.2` older, and so on. Reading stays
right while files are renamed: a file once opened is read to its end, and the next one is found by identity.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from io import FileIO
from typing import Literal

import trio

from kube_actors.node.log_lines import LineJoiner, Record, TailCounter, parse_record
from kube_actors.records import frozen

BLOCK = 64 * 1024
POLL_SECONDS = 0.1


@frozen
class LogOptions:
    """What of a log is wanted, as in Kubernetes' PodLogOptions.

    `since` is epoch seconds; `limit_bytes` counts what is handed out; `stream` None is both; `prefix` stands before
    every line, ahead of its timestamp.
    """

    follow: bool = False
    tail_lines: int | None = None
    since: float | None = None
    timestamps: bool = False
    limit_bytes: int | None = None
    stream: Literal["stdout", "stderr"] | None = None
    prefix: bytes = b""


async def read_log(path: str, options: LogOptions, ended: Callable[[], bool]) -> AsyncGenerator[bytes, None]:
    """The log's lines in pieces of about 64 KiB. With `follow` it goes on until `ended` (the container has exited and
    its log is complete) and everything has been read. FileNotFoundError when there is no such log."""
    joiner = LineJoiner(options.prefix, options.timestamps, options.stream)
    left = options.limit_bytes
    with _LogFiles(path) as files:
        if options.tail_lines is not None:
            files.seek_tail(options.tail_lines)
        async with contextlib.aclosing(_batches(files, options.follow, ended)) as batches:
            async for records in batches:
                text = b"".join(joiner.join(record) for record in _since(records, options.since))[:left]
                if text:
                    yield text
                if left is not None and (left := left - len(text)) == 0:
                    return


async def _batches(files: _LogFiles, follow: bool, ended: Callable[[], bool]) -> AsyncGenerator[list[Record], None]:
    while True:
        over = not follow or ended()  # asked before reading: what was written until then is still read
        for lines in files.read():
            yield [record for line in lines if (record := parse_record(line)) is not None]
            await trio.lowlevel.checkpoint()
        if over:
            return
        await trio.sleep(POLL_SECONDS)


def _since(records: list[Record], since: float | None) -> list[Record]:
    """Records not older than `since`. They compare as text to the microsecond, however many digits follow."""
    if since is None:
        return records
    microseconds = round(since * 1e6)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(microseconds // 1_000_000))
    earliest = f"{whole}.{microseconds % 1_000_000:06d}".encode()
    return [record for record in records if record.time[: len(earliest)] >= earliest]


class _LogFiles:
    """The files of one log, read in order from the oldest; a file is known by its device and inode."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._cut = b""
        files = _open_files(path)
        if not files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._file = _keep(files, 0)

    def __enter__(self) -> _LogFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def seek_tail(self, lines: int) -> None:
        """Go to where the last `lines` lines begin; a line that was cut into records counts once."""
        files = _open_files(self._path)
        counter = TailCounter(lines)
        for index in reversed(range(len(files))):
            offset = _tail_offset(files[index], counter)
            if offset or not index:
                self._file.close()
                self._file = _keep(files, index)
                self._file.seek(offset)
                return

    def read(self) -> Iterator[list[bytes]]:
        """Lines of whole records that are there now, file after file."""
        while True:
            yield from self._rest_of_file()
            following = self._following()
            if following is None:
                return
            yield from self._rest_of_file()  # what was written before the file was renamed
            self._file.close()
            self._file, self._cut = following, b""

    def _rest_of_file(self) -> Iterator[list[bytes]]:
        while block := self._file.read(BLOCK):
            *lines, self._cut = (self._cut + block).split(b"\n")
            yield lines

    def _following(self) -> FileIO | None:
        """The file after the one being read; the oldest there is when that one was deleted."""
        if _same_file(self._path, self._file):
            return None
        files = _open_files(self._path)
        here = _identity(self._file)
        identities = [_identity(file) for file in files]
        index = identities.index(here) + 1 if here in identities else 0
        if index < len(files):
            return _keep(files, index)
        for file in files:  # the next one has not been created yet
            file.close()
        return None


def _open_files(path: str) -> list[FileIO]:
    """The log's files, oldest first, each once. They are opened from the newest on, in the direction in which they are
    renamed, so that none is overlooked."""
    directory, name = os.path.split(path)
    pattern = re.compile(re.escape(name) + r"\.(\d+)")
    try:
        numbers = [int(match[1]) for entry in os.listdir(directory or ".") if (match := pattern.fullmatch(entry))]
    except FileNotFoundError:
        return []
    files: dict[tuple[int, int], FileIO] = {}
    for number in range(max(numbers, default=0) + 2):
        with contextlib.suppress(FileNotFoundError):
            file = FileIO(f"{path}.{number}" if number else path)
            if files.setdefault(_identity(file), file) is not file:
                file.close()
    return list(files.values())[::-1]


def _keep(files: list[FileIO], index: int) -> FileIO:
    """One of the files, the others closed."""
    for other, file in enumerate(files):
        if other != index:
            file.close()
    return files[index]


def _identity(file: FileIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def _same_file(path: str, file: FileIO) -> bool:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return False
    return (status.st_dev, status.st_ino) == _identity(file)


def _tail_offset(file: FileIO, counter: TailCounter) -> int:
    """Where the lines that `counter` still wants begin in this file; 0 when it wants all of it and maybe more."""
    position = file.seek(0, os.SEEK_END)
    after = b""  # the end of a record whose beginning is in the block before
    while position:
        start = max(0, position - BLOCK)
        file.seek(start)
        data = file.read(position - start) + after
        end = start + len(data)
        *lines, unfinished = data.split(b"\n")
        end -= len(unfinished)  # a record that is just being written
        first = 1 if start else 0
        for line in reversed(lines[first:]):
            if not counter.belongs(parse_record(line)):
                return end
            end -= len(line) + 1
        after = data[: end - start]
        position = start
    return 0
