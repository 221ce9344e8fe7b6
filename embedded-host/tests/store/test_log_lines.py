"""The file with log lines."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_host.store.interface import StateError
from embedded_host.store.log_lines import LOG_LINES, LogLinesFile, LogQuery, read_lines
from embedded_worker.log_levels import ERROR, INFORMATION
from embedded_worker.protocol import LogLine

MB = 1_000_000


def now() -> int:
    return time.time_ns() // 1000


def line(
    text: str, function: str = "F", instance: str = "i-1", level: int = INFORMATION
) -> LogLine:
    return LogLine(now(), level, f"Function.{function}.User", text, function, "the-id", instance)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / LOG_LINES


@pytest.fixture
def file(path: Path) -> Iterator[LogLinesFile]:
    yield (opened := LogLinesFile(path, "Hub", 64 * MB))
    opened.close()


def texts(path: Path, query: LogQuery) -> list[str]:
    return [stored.line.text for stored in read_lines(path, query)]


def test_lines_are_read_with_all_fields(file: LogLinesFile, path: Path) -> None:
    written = line("é")
    file.write([written])
    (stored,) = read_lines(path, LogQuery("hub"))
    assert stored.line == written


def test_a_query_selects_lines(file: LogLinesFile, path: Path) -> None:
    file.write([line("a"), line("b", "Other"), line("c", instance="i-2", level=ERROR), line("d")])
    assert texts(path, LogQuery(instance_id="i-1")) == ["a", "b", "d"]
    assert texts(path, LogQuery(function="other")) == ["b"]
    assert texts(path, LogQuery(level=ERROR)) == ["c"]
    assert texts(path, LogQuery(function="f", instance_id="i-2")) == ["c"]
    assert texts(path, LogQuery("Another")) == []


def test_the_newest_lines_are_returned_without_a_number(file: LogLinesFile, path: Path) -> None:
    file.write([line(text) for text in "abcd"])
    assert texts(path, LogQuery(limit=2)) == ["c", "d"]
    first = read_lines(path, LogQuery(limit=4))[0].id
    assert texts(path, LogQuery(after=first, limit=2)) == ["b", "c"]
    assert texts(path, LogQuery(before=first + 3, limit=2)) == ["b", "c"]


def test_lines_are_readable_after_the_host_has_stopped(path: Path) -> None:
    file = LogLinesFile(path, "Hub", MB)
    file.write([line("a")])
    file.close()
    assert texts(path, LogQuery()) == ["a"]
    assert [found.name for found in path.parent.iterdir()] == [LOG_LINES]


def test_old_lines_are_deleted(path: Path) -> None:
    file = LogLinesFile(path, "Hub", 64 * MB, max_age=60)
    file.write([line("old")._replace(time=now() - 61_000_000), line("new")])
    file.prune()
    assert texts(path, LogQuery()) == ["new"]
    file.write([])
    file.close()


def test_the_oldest_lines_of_a_large_file_are_deleted(path: Path) -> None:
    file = LogLinesFile(path, "Hub", MB)
    file.write([line(f"{number} {'x' * 1000}") for number in range(2000)])
    assert file.size > 2 * MB
    file.prune()
    assert file.size <= MB
    left = texts(path, LogQuery(limit=5000))
    assert 500 < len(left) < 1000
    assert left[-1].startswith("1999 ")
    file.close()


def test_a_file_of_another_version_or_a_damaged_file_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"no database" * 1000, b"\0" * 5000):
        path.write_bytes(content)
        file = LogLinesFile(path, "Hub", MB)
        file.write([line("a")])
        file.close()
        assert texts(path, LogQuery()) == ["a"]


def test_a_missing_file_has_no_lines(path: Path) -> None:
    assert read_lines(path, LogQuery()) == []


def test_an_unreadable_file_is_an_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StateError, match=r"cannot be read: .*\[EH347\]"):
        read_lines(path, LogQuery())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX permissions")
def test_only_the_owner_may_read_the_file(file: LogLinesFile, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
