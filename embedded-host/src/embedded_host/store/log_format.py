"""The write-ahead log as SQLite lays it out (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).

A head, then frames: each a page, with its number, and behind the last page of a commit the size of the file after it. Checksums
run through from the head on, so that one that is wrong ends what can be read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

HEAD, FRAME_HEAD = 32, 24
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""By it the byte order of what is summed."""

Sum = tuple[int, int]


class Head(NamedTuple):
    order: str
    page_size: int
    salts: tuple[int, int]
    sum: Sum


class Frame(NamedTuple):
    page: int
    after_commit: int
    """The file's size in pages, in the last frame of a commit; else 0."""
    salts: tuple[int, int]
    sum: Sum
    first: bytes
    """What is summed of its head."""

    @property
    def ends_a_commit(self) -> bool:
        return bool(self.page and self.after_commit)


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def size_of(file: Path) -> int:
    """0 for one that is not there."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def read_head(file: BinaryIO) -> Head | None:
    """None if it is damaged: SQLite then takes the log for empty."""
    data = file.read(HEAD)
    if len(data) < HEAD:
        return None
    magic, _, page_size, _, *salts, first, second = struct.unpack(">8I", data)
    order = _MAGIC.get(magic)
    if order is None or page_size not in (512 << n for n in range(8)):
        return None
    if summed(data[:24], order, (0, 0)) != (first, second):
        return None
    return Head(order, page_size, (salts[0], salts[1]), (first, second))


def frames(file: BinaryIO, head: Head, size: int, first: int = 0) -> Iterator[Frame]:
    """The heads of all whole frames, whatever their worth. ``file`` may be moved meanwhile."""
    step = FRAME_HEAD + head.page_size
    for number in range(first, (size - HEAD) // step):
        file.seek(HEAD + number * step)
        data = file.read(FRAME_HEAD)
        page, after_commit, *rest = struct.unpack(">6I", data)
        yield Frame(page, after_commit, (rest[0], rest[1]), (rest[2], rest[3]), data[:8])


def summed(data: bytes, order: str, start: Sum) -> Sum:
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for at in range(0, len(words), 2):
        first = (first + words[at] + second) & 0xFFFFFFFF
        second = (second + words[at + 1] + first) & 0xFFFFFFFF
    return first, second
