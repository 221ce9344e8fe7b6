"""A table's rows, from its root down, and the places between rows where some may be missing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from embedded_host.recovery.pages import Pages
from embedded_host.recovery.records import (
    INNER_INDEX,
    INNER_TABLE,
    LEAF_INDEX,
    LEAF_TABLE,
    Cell,
    Page,
    Value,
    read_page,
)

Key = tuple[Any, ...]
LOWEST: Key = ()
_INFINITY = float("inf")
HIGHEST: Key = (_INFINITY,)
_DEPTH = 40


class Gap(NamedTuple):
    """Rows whose keys are greater than ``low`` and less than ``high`` may be missing."""

    low: Key
    high: Key


@dataclass
class Tree:
    """``key_columns``: how many of a row's values are its key, of a table without rowid; 0 for one with. ``folds``: texts in
    it are compared without regard to case."""

    key_columns: int
    folds: bool = False
    accepts: Callable[[Cell], bool] = lambda _: True
    """Whether a row may be one of this table. A page of which none is has come from elsewhere."""
    rows: dict[Key, tuple[Value, ...]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    pages: set[int] = field(default_factory=set)
    """Its own, with those of long values."""

    @property
    def kinds(self) -> tuple[int, int]:
        """Of pages inside, and of leaves."""
        return (INNER_INDEX, LEAF_INDEX) if self.key_columns else (INNER_TABLE, LEAF_TABLE)

    def key(self, cell: Cell) -> Key | None:
        """None for one that this tree cannot have."""
        if not self.key_columns:
            return None if cell.rowid is None else (cell.rowid,)
        key = cell.values[: self.key_columns]
        if len(key) < self.key_columns or not all(isinstance(part, int | str) for part in key):
            return None
        return tuple(part.lower() if self.folds and isinstance(part, str) else part for part in key)

    def walk(self, pages: Pages, number: int, low: Key = LOWEST, high: Key = HIGHEST, depth: int = 0) -> None:
        page = read_page(pages, number) if number not in self.pages and depth < _DEPTH else None
        if page is None or page.kind not in self.kinds:
            self.gaps.append(Gap(low, high))
            return
        keys = self._keys(page, low, high)
        if page.kind != INNER_TABLE and page.cells and not self._is_ours(page, keys):
            self.gaps.append(Gap(low, high))
            return
        self.pages.add(number)
        if not page.is_whole:
            self.gaps.append(Gap(low, high))
        before = low
        for at, (cell, key) in enumerate(zip(page.cells, keys, strict=True)):
            child = page.children[at]
            if key is None:
                after = next((k for k in keys[at + 1 :] if k is not None), high)
                if child is not None:
                    self.walk(pages, child, before, after, depth + 1)
                if page.kind != INNER_TABLE:
                    self.gaps.append(Gap(before, after))
                continue
            assert cell is not None
            if child is not None:
                # In a table's tree the key is that of the last row below.
                self.walk(pages, child, before, (*key, 0) if page.kind == INNER_TABLE else key, depth + 1)
            if page.kind != INNER_TABLE:
                self.rows[key] = cell.values
                self.pages.update(cell.overflow)
            before = key
        if page.last_child is not None:
            self.walk(pages, page.last_child, before, high, depth + 1)

    def _is_ours(self, page: Page, keys: list[Key | None]) -> bool:
        cells = zip(page.cells, keys, strict=True)
        return any(key is not None and cell is not None and self.accepts(cell) for cell, key in cells)

    def _keys(self, page: Page, low: Key, high: Key) -> list[Key | None]:
        """None for a cell that cannot be read, or is not where its key belongs."""
        keys = [None if cell is None else self.key(cell) for cell in page.cells]
        inside = [at for at, key in enumerate(keys) if key is not None and less(low, key) and less(key, high)]
        kept = set(longest_rise([keys[at] for at in inside], inside))
        return [key if at in kept else None for at, key in enumerate(keys)]

    def may_miss(self, first: Any) -> bool:
        """Whether rows may be missing whose keys begin with ``first``."""
        return any(less(gap.low, (first, *HIGHEST)) and less((first,), gap.high) for gap in self.gaps)

    def is_missing(self, key: Key) -> bool:
        """Whether a row with this key fills a gap."""
        return any(less(gap.low, key) and less(key, gap.high) for gap in self.gaps)


def less(one: Key, other: Key) -> bool:
    """In the order of SQLite: numbers before texts, a beginning before what goes on; infinity is behind all."""
    return rank(one) < rank(other)


def rank(key: Key) -> list[tuple[int, Any]]:
    return [(1, part.encode()) if isinstance(part, str) else (2, 0) if part == _INFINITY else (0, part) for part in key]


def longest_rise(keys: Sequence[Any], places: Sequence[int]) -> list[int]:
    """The places of the longest subsequence of keys that rises: one wrong key costs itself, not those behind it."""
    ranks = [rank(key) for key in keys]
    if all(a < b for a, b in pairwise(ranks)):
        return list(places)
    tops: list[Any] = []
    ends: list[int] = []
    before: list[int | None] = []
    for at, value in enumerate(ranks):
        place = bisect_left(tops, value)
        before.append(ends[place - 1] if place else None)
        if place == len(tops):
            tops.append(value)
            ends.append(at)
        else:
            tops[place], ends[place] = value, at
    found: list[int] = []
    last: int | None = ends[-1] if ends else None
    while last is not None:
        found.append(places[last])
        last = before[last]
    return found[::-1]
