"""The queue of log lines and its thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.store import log_store
from embedded_host.store.log_lines import LogQuery, read_lines
from embedded_host.store.log_store import LogStore
from embedded_worker.log_output import now
from embedded_worker.protocol import LogLine
from tests.support.polling import eventually

MB = 1_000_000


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_store, "INTERVAL", 0.01)
    monkeypatch.setattr(log_store, "ORDERING", 1000)


def line(text: str, time: int | None = None) -> LogLine:
    return LogLine(now() if time is None else time, 2, "c", text)


def texts(path: Path) -> list[str]:
    return [stored.line.text for stored in read_lines(path, LogQuery())]


def test_lines_are_written_soon_and_in_the_order_of_time(tmp_path: Path) -> None:
    path, began = tmp_path / "logs.db", now()
    store = LogStore(path, "Hub", MB)
    store.add([line("second", began + 2), line("third", began + 3)])
    store.add([line("first", began + 1)])
    eventually(lambda: texts(path) == ["first", "second", "third"], "the lines", 10)
    store.close()


def test_the_last_lines_are_written_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "logs.db"
    store = LogStore(path, "Hub", MB)
    store.add([line("a", now() + 3_600_000_000)])
    store.close()
    assert texts(path) == ["a"]


def test_lines_above_the_limit_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_store, "MAX_LINES", 2)
    path, later = tmp_path / "logs.db", now() + 3_600_000_000
    store = LogStore(path, "Hub", MB)
    store.add([line("a", later), line("b", later)], dropped=4)
    store.add([line("c", later)])
    store.close()
    stored = texts(path)
    assert stored[:2] == ["a", "b"]
    assert stored[2].startswith("5 log lines were not stored here")


def test_a_file_that_cannot_be_written_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs.db").mkdir()
    store = LogStore(tmp_path / "logs.db", "Hub", MB)
    eventually(lambda: "[EH347]" in caplog.text, "the error", 10)
    store.add([line("a")])
    store.close()
    assert caplog.text.count("[EH347]") == 1
