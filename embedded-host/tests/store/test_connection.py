from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.connection import connect, set_busy_timeout


def test_statements_outside_a_transaction_are_committed(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "a.db")) as one, closing(connect(tmp_path / "a.db")) as other:
        one.execute("CREATE TABLE t (x)")
        one.execute("INSERT INTO t VALUES (1)")
        assert other.execute("SELECT x FROM t").fetchall() == [(1,)]


def test_any_thread_may_use_a_connection() -> None:
    with closing(connect(":memory:")) as connection:
        rows: list[object] = []
        thread = threading.Thread(target=lambda: rows.extend(connection.execute("SELECT 1")))
        thread.start()
        thread.join()
        assert rows == [(1,)]


def test_a_read_only_connection_does_not_create_the_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "none ü.db", parameters="mode=ro").execute("SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_the_busy_timeout_is_set_in_milliseconds() -> None:
    with closing(connect(":memory:", timeout=5)) as connection:
        set_busy_timeout(connection, 0.02)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (20,)
