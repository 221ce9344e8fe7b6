from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.recovery.pages import Pages
from embedded_host.recovery.records import UnreadableRecordError, record, varint
from embedded_host.recovery.trees import Tree, longest_rise

VALUES = [
    (None, 0, 1, -1, 127, -128, 128, 32767, -32769, 2**31, -(2**47), 2**62, -(2**63), 1.5),
    ("", "é\U0001f600", "x" * 4000, "y" * 100_000, b"", b"\x00\xff", b"z" * 9000, 7, 7, 7, 7, 7, 7, 7),
]


def test_values_are_read_as_sqlite_reads_them(tmp_path: Path) -> None:
    """Also those that are longer than a page, in a table and in an index."""
    path = tmp_path / "a.db"
    columns = ", ".join(f"c{n}" for n in range(14))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE t ({columns})")
        connection.execute(f"CREATE TABLE w (k INTEGER PRIMARY KEY, {columns}) WITHOUT ROWID")
        for key in range(300):
            values = VALUES[key % 2]
            connection.execute(f"INSERT INTO t VALUES ({','.join('?' * 14)})", values)
            connection.execute(f"INSERT INTO w VALUES ({','.join('?' * 15)})", (key, *values))
        connection.execute("DELETE FROM t WHERE rowid % 3 = 0")
        roots = dict(connection.execute("SELECT name, rootpage FROM sqlite_master"))
    pages = Pages(path)
    with closing(sqlite3.connect(path)) as connection:
        for name, key_columns in (("t", 0), ("w", 1)):
            tree = Tree(key_columns)
            tree.walk(pages, roots[name])
            assert tree.gaps == []
            key = "rowid" if name == "t" else "k"
            expected = {row[:1]: row[1:] for row in connection.execute(f"SELECT {key}, * FROM {name}")}
            assert tree.rows == expected
    pages.close()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x02\x01",
        b"\x02\x01\x05\x06",  # something behind the last value
        b"\x09\x01\x05",
        b"\x02\x0a",
        b"\x02\x0f\xff",
        b"\xff" * 9,
    ],
)
def test_what_sqlite_cannot_have_written(payload: bytes) -> None:
    with pytest.raises(UnreadableRecordError):
        record(payload)


def test_numbers() -> None:
    assert record(b"\x02\x01\x05") == (5,)
    assert varint(b"\x81\x00", 0) == (128, 2)
    assert varint(b"\xff" * 9, 0) == (-1, 9)
    with pytest.raises(UnreadableRecordError):
        varint(b"\x81", 0)


def test_one_wrong_key_costs_itself() -> None:
    keys = [(1,), (2,), (99,), (4,), (5,)]
    assert longest_rise(keys, range(5)) == [0, 1, 3, 4]
    assert longest_rise([], []) == []
