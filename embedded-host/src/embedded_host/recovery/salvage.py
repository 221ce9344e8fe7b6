"""All tables of a damaged file, as far as they can be read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from embedded_host.recovery.pages import Pages
from embedded_host.recovery.records import INNER_INDEX, LEAF_INDEX, LEAF_TABLE, Page, Value, parse_page, read_page
from embedded_host.recovery.rows import INDEXES, TABLES, WITH_ROWID, Index, Name, Row, Table
from embedded_host.recovery.trees import Gap, Key, Tree
from embedded_host.store.migration import SCHEMA_VERSION, create_as_of


@dataclass
class Found:
    """Of one table."""

    table: Table
    tree: Tree
    rows: dict[Key, Row] = field(default_factory=dict)
    """By key, with the columns as ``table`` names them."""
    unreadable: int = 0
    """Rows that were found and cannot have been written like that."""
    strays: set[Key] = field(default_factory=set)
    """Of ``rows``, those that stood in pages to which nothing leads any more."""

    def may_miss(self, instance: int) -> bool:
        """Whether rows of an instance may be lost. Where the key does not say whose a row is, any gap is everybody's."""
        if self.table.columns[0] == "id":
            return bool(self.tree.gaps)
        return self.tree.may_miss(instance)


@dataclass
class Salvage:
    version: int
    """Of the schema: as the file's header says, or as its tables look if that cannot be."""
    is_newer: bool
    """By its header it is from a newer version, and its tables are others than this one's."""
    tables: dict[str, Found]
    named: dict[int, Name]
    problems: list[str]
    """What is wrong with the file as such."""
    lost_commits: int
    later: dict[tuple[str, str], str]
    """Instances by hub and id, with the status that they had in commits that are lost."""
    names_are_whole: bool
    """The indexes could be read to their ends: an instance that they do not name is none."""

    @property
    def is_sound(self) -> bool:
        return not self.problems and not any(t.tree.gaps or t.unreadable for t in self.tables.values())


def salvage(path: Path) -> Salvage:
    """Raises OSError if the file cannot be read at all."""
    pages = Pages(path)
    try:
        return _Reading(pages).all()
    finally:
        pages.close()


class _Reading:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._problems: list[str] = []
        self._roots: dict[str, int] = {}
        self._schema_is_whole = False
        self._texts: dict[str, str] = {}
        self._free: set[int] | None = None
        """Free pages; None if their list cannot be followed to its end."""

    def all(self) -> Salvage:
        pages = self._pages
        if pages.log_problem:
            self._problems.append(pages.log_problem)
        header_version = self._header()
        self._schema()
        version, is_newer = self._version(header_version)
        found = {name: self._table(table) for name, table in TABLES.items() if self._expected(name, version)}
        named, names_are_whole, index_pages = self._names()
        # An index that does not name what the table has may leave out others, too.
        names_are_whole = names_are_whole and all(key[0] in named for key in found["instances"].tree.rows)
        self._strays(found, index_pages)
        for each in found.values():
            self._make_rows(each)
        if self._free is None:
            self._problems.append("the list of free pages is damaged")
        return Salvage(
            version, is_newer, found, named, self._problems, pages.lost_commits, self._later(), names_are_whole
        )

    # -- the file as such ----------------------------------------------------------------------------

    def _header(self) -> int:
        """The schema's version as it says."""
        header = self._pages.header()
        if len(header) < 100:
            self._problems.append("the file's first page is missing")
            return SCHEMA_VERSION
        if header[:16] != b"SQLite format 3\0" or header[20] or int.from_bytes(header[56:60], "big") != 1:
            self._problems.append("the file's header is damaged")
        count = int.from_bytes(header[28:32], "big")
        if count > self._pages.count:
            self._problems.append(f"the file has lost {count - self._pages.count} of its {count} pages at its end")
        self._free = self._free_pages(*(int.from_bytes(header[at : at + 4], "big") for at in (32, 36)))
        return int.from_bytes(header[60:64], "big")

    def _free_pages(self, trunk: int, count: int) -> set[int] | None:
        """None if the list cannot be followed to its end."""
        free: set[int] = set()
        while trunk:
            data = self._pages.page(trunk)
            if data is None or trunk in free:
                return None
            free.add(trunk)
            following, leaves = (int.from_bytes(data[at : at + 4], "big") for at in (0, 4))
            if leaves > len(data) // 4 - 2:
                return None
            for at in range(8, 8 + 4 * leaves, 4):
                free.add(int.from_bytes(data[at : at + 4], "big"))
            trunk = following
        return free if len(free) == count else None

    def _version(self, said: int) -> tuple[int, bool]:
        if 1 <= said <= SCHEMA_VERSION:
            return said, False
        versions = range(SCHEMA_VERSION, 0, -1)
        version = next((v for v in versions if self._texts == _usual_texts(v)), None)
        if version is None and said > SCHEMA_VERSION and self._schema_is_whole:
            return SCHEMA_VERSION, True
        self._problems.append("the file's header is damaged: there is no schema with the version that it says")
        return version or SCHEMA_VERSION, False

    def _schema(self) -> None:
        """Where each table begins: as the file says, else as in a new file."""
        tree = Tree(0)
        tree.walk(self._pages, 1)
        self._schema_is_whole = not tree.gaps
        for values in tree.rows.values():
            if len(values) == 5 and isinstance(values[1], str) and isinstance(values[3], int):
                self._roots[values[1]] = values[3]
                self._texts[values[1]] = _bare(values[4])
        if tree.gaps:
            self._problems.append("the list of tables is damaged")
            for name, root in _usual_roots(SCHEMA_VERSION).items():
                if root not in self._roots.values():
                    self._roots.setdefault(name, root)

    def _expected(self, name: str, version: int) -> bool:
        return name in self._roots or name in _usual_roots(version)

    # -- tables --------------------------------------------------------------------------------------

    def _table(self, table: Table) -> Found:
        root = self._roots.get(table.name)
        if table.name in WITH_ROWID and root is not None:
            page = read_page(self._pages, root)
            if page is not None and page.kind not in (INNER_INDEX, LEAF_INDEX):
                table = WITH_ROWID[table.name]
        tree = Tree(
            table.key_columns,
            folds=table.name == "timers",
            accepts=lambda cell: table.row(cell.rowid, cell.values) is not None,
        )
        if root is None:
            tree.gaps.append(Gap((), (float("inf"),)))
        else:
            tree.walk(self._pages, root)
        return Found(table, tree)

    def _make_rows(self, found: Found) -> None:
        for key, values in list(found.tree.rows.items()):
            row = found.table.row(None if found.table.key_columns else key[0], values)
            if row is None:
                found.unreadable += 1
                del found.tree.rows[key]
                # Its neighbours are where they were: what is missing is this row.
                found.tree.gaps.append(_only(key))
            else:
                found.rows[key] = row

    def _names(self) -> tuple[dict[int, Name], bool, set[int]]:
        named: dict[int, Name] = {}
        whole, seen = True, set[int]()
        keys: list[set[int]] = []
        for index in INDEXES:
            root = self._roots.get(index.name)
            rows, its_whole = self._index(index, root, seen)
            keys.append({row.key for row in rows})
            whole = whole and its_whole and len(keys[-1]) == len(rows) and keys[-1] == keys[0]
            for row in rows:
                before = named.get(row.key, row)
                other = row.id if row.id != before.id else None
                named[row.key] = before._replace(status=before.status or row.status, other_id=other)
        return named, whole, seen

    def _index(self, index: Index, root: int | None, seen: set[int]) -> tuple[list[Name], bool]:
        if root is None:
            return [], False
        found, whole, waiting = [], True, [root]
        while waiting:
            number = waiting.pop()
            page = read_page(self._pages, number) if number not in seen else None
            if page is None or page.kind not in (INNER_INDEX, LEAF_INDEX):
                whole = False
                continue
            seen.add(number)
            whole = whole and page.is_whole and None not in page.cells
            for cell in page.cells:
                if cell is not None and len(cell.values) == len(index.checks):
                    seen.update(cell.overflow)
                    if all(check(value) for check, value in zip(index.checks, cell.values, strict=True)):
                        found.append(index.of(cell.values))
                    else:
                        whole = False
            waiting += [child for child in (*page.children, page.last_child) if child is not None]
        return found, whole

    # -- pages to which nothing leads ----------------------------------------------------------------

    def _strays(self, found: dict[str, Found], others: set[int]) -> None:
        """What stands in them, where it fills a gap: their parent could not be read."""
        if not any(each.tree.gaps for each in found.values()):
            return
        known = set(others).union(*(each.tree.pages for each in found.values()), self._free or ())
        for number in range(2, self._pages.count + 1):
            if number in known:
                continue
            page = read_page(self._pages, number)
            if page is not None:
                for key, values, each in self._belonging(page, found):
                    if key not in each.tree.rows and each.tree.is_missing(key):
                        each.tree.rows[key] = values
                        each.strays.add(key)

    def _belonging(self, page: Page, found: dict[str, Found]) -> Iterator[tuple[Key, tuple[Value, ...], Found]]:
        for cell in page.cells:
            if cell is None or not cell.values:
                continue
            for each in found.values():
                if page.kind not in each.tree.kinds:
                    continue
                key = each.tree.key(cell)
                if key is not None and each.table.row(cell.rowid, cell.values) is not None:
                    yield key, cell.values, each
                    break

    # -- what is lost with the log -------------------------------------------------------------------

    def _later(self) -> dict[tuple[str, str], str]:
        later: dict[tuple[str, str], str] = {}
        lost = self._pages.with_lost_commits()
        for data in lost.ahead.values():
            page = parse_page(lost, data)
            if page is None or page.kind != LEAF_TABLE:
                continue
            for cell in page.cells:
                row = TABLES["instances"].row(cell.rowid, cell.values) if cell is not None else None
                if row is not None:
                    later[row[1].lower(), row[2]] = row[4]
        return later


def _only(key: Key) -> Gap:
    """Nothing but the row with this key."""
    *first, last = key
    if isinstance(last, int):
        return Gap((*first, last - 0.5), (*first, last + 0.5))
    return Gap(tuple(first), (*first, chr(0x10FFFF)))


@lru_cache
def _usual(version: int) -> tuple[tuple[str, int, str], ...]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create_as_of(connection, version)
        return tuple(connection.execute("SELECT name, rootpage, sql FROM sqlite_master"))


def _usual_roots(version: int) -> dict[str, int]:
    return {name: root for name, root, _ in _usual(version)}


def _usual_texts(version: int) -> dict[str, str]:
    return {name: _bare(text) for name, _, text in _usual(version)}


def _bare(text: Value) -> str:
    """A definition without comments and blanks."""
    return re.sub(r"--[^\n]*|\s", "", str(text or ""))
