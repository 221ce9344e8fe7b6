"""The pages of a state file as its last commit left them: the file, and over it what its log holds.

https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

from embedded_host.store.log_format import FRAME_HEAD, HEAD, frames, log_of, read_head, size_of, summed

PAGE_SIZE = 4096
"""Of every state file that the host makes."""
TREE_PAGES = (2, 5, 10, 13)
"""First bytes: inside and leaf, of an index (or a table without rowid) and of a table."""


class Pages:
    """``page`` gives one by its number, from 1; None where there is none."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        self._file = path.open("rb")
        self._size = size_of(path)
        self._log: BinaryIO | None = None
        self._in_log: dict[int, int] = {}
        """Page number to the place of its newest content in the log."""
        self.log_problem: str | None = None
        self._ahead: dict[int, int] = {}
        """The same for commits that were acknowledged and are lost: each page as the last of them left it."""
        self.lost_commits = 0
        self.head = self._file.read(100)
        self.size = self._page_size()
        self.count = -(-self._size // self.size)
        if size_of(log_of(path)) > 0:
            self._log = log_of(path).open("rb")
            self._read_log(self._log, size_of(log_of(path)))

    def close(self) -> None:
        self._file.close()
        if self._log is not None:
            self._log.close()

    def page(self, number: int) -> bytes | None:
        if not 1 <= number <= self.count:
            return None
        place = self._in_log.get(number)
        if place is not None:
            assert self._log is not None
            return self._at(self._log, place)
        return self._at(self._file, (number - 1) * self.size)

    def with_lost_commits(self) -> LostPages:
        """For looking at what is lost: nobody can say whether it is whole."""
        assert self._log is not None or not self._ahead
        found = {number: self._at(self._log, place) for number, place in self._ahead.items() if self._log is not None}
        return LostPages(self, {number: data for number, data in found.items() if data is not None})

    def header(self) -> bytes:
        """The file's first 100 bytes, by its last commit."""
        first = self.page(1)
        return first[:100] if first else b""

    def _at(self, file: BinaryIO, place: int) -> bytes | None:
        file.seek(place)
        data = file.read(self.size)
        return data if len(data) == self.size else None

    def _page_size(self) -> int:
        """As the log says, whose head has a checksum; else as the header does, unless more pages begin a tree with the usual."""
        with contextlib.suppress(OSError), log_of(self._path).open("rb") as log:
            if head := read_head(log):
                return head.page_size
        said = int.from_bytes(self.head[16:18], "big")
        sizes = [size for size in (said, PAGE_SIZE) if size in (512 << n for n in range(7))]
        return max(sizes, key=self._trees)

    def _trees(self, size: int) -> float:
        """The part of the first pages that begin a tree if they are of this size."""
        count = min(64, self._size // size)
        found = 0
        for number in range(1, count):
            self._file.seek(number * size)
            found += self._file.read(1)[0] in TREE_PAGES
        return found / max(1, count - 1)

    def _read_log(self, log: BinaryIO, size: int) -> None:
        head = read_head(log)
        if head is None:
            if size > HEAD:
                self.log_problem = "the log's head is damaged: nothing of the log can be read"
            return
        step, before, at_commit = FRAME_HEAD + self.size, head.sum, 0
        found = list(frames(log, head, size))
        pending: dict[int, int] = {}
        readable = 0
        for number, frame in enumerate(found):
            place = HEAD + number * step + FRAME_HEAD
            before = summed(frame.first + (self._at(log, place) or b""), head.order, before)
            if frame.salts != head.salts or not frame.page or before != frame.sum:
                break
            pending[frame.page] = place
            if frame.ends_a_commit:
                self._in_log.update(pending)
                pending.clear()
                at_commit, readable = frame.after_commit, number + 1
        if at_commit:
            self.count = at_commit
        behind = [
            (number, frame) for number, frame in enumerate(found) if number >= readable and frame.salts == head.salts
        ]
        self.lost_commits = sum(frame.ends_a_commit for _, frame in behind)
        if self.lost_commits:
            self._ahead = {frame.page: HEAD + number * step + FRAME_HEAD for number, frame in behind}
            stand = "1 commit stands" if self.lost_commits == 1 else f"{self.lost_commits} commits stand"
            self.log_problem = f"{stand} in the log behind the place where it is damaged"


class LostPages:
    """Pages as they would be with the commits that are lost."""

    def __init__(self, pages: Pages, ahead: dict[int, bytes]) -> None:
        self._pages, self.ahead = pages, ahead

    def page(self, number: int) -> bytes | None:
        return self.ahead.get(number) or self._pages.page(number)
