"""The command ``logs``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest

from embedded_host.cli.logs import _followed, _newest
from embedded_host.store.log_lines import LOG_LINES, LogLinesFile, StoredLine
from embedded_worker.log_levels import INFORMATION, WARNING
from embedded_worker.protocol import LogLine
from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.support.polling import eventually
from tests.support.running_host import RunningHost


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = LogLinesFile(tmp_path / LOG_LINES, "Hub", 1_000_000)
    now = time.time_ns() // 1000
    file.write(
        [
            LogLine(now, INFORMATION, "Function.Echo.User", "a\n\x1b[31m", "Echo", "id", "i-1"),
            LogLine(now, WARNING, "Function", "of a thread"),
        ]
    )
    file.close()
    return tmp_path


def test_lines_of_the_file_are_printed_without_control_characters(folder: Path) -> None:
    called = call("logs", "--state", folder)
    first, second, third = called.out.splitlines()
    assert first.endswith("Z INFO Echo (i-1): a")
    assert second == "\\x1b[31m"
    assert third.endswith("Z WARNING of a thread")
    assert called.err == f"Logs: {folder / LOG_LINES}\n"


def test_options_select_lines(folder: Path) -> None:
    def texts(*options: str) -> list[str]:
        out = call("logs", "--state", folder, "--json", *options).out
        return [json.loads(line)["message"] for line in out.splitlines()]

    assert texts("--id", "i-1") == ["a\n\x1b[31m"]
    assert texts("--function", "echo", "--level", "Warning") == []
    assert texts("--level", "warning") == texts("--top", "1") == ["of a thread"]


def test_a_folder_without_a_file_is_an_error(tmp_path: Path) -> None:
    called = call("logs", "--state", tmp_path)
    assert called.code == 1
    assert "There is no log file in" in called.err
    assert "[EH502]" in called.err


def test_follow_reads_the_lines_after_the_last_one() -> None:
    requested: list[int | None] = []

    def read(
        *, after: int | None = None, before: int | None = None, limit: int
    ) -> list[StoredLine]:
        requested.append(after)
        if len(requested) == 3:
            raise KeyboardInterrupt
        return [StoredLine((after or 6) + 1, LogLine(0, 2, "c", "x"))]

    with pytest.raises(KeyboardInterrupt):
        list(_followed(read, [StoredLine(6, LogLine(0, 2, "c", "x"))]))
    assert requested == [6, 7, 8]


@pytest.mark.parametrize(
    ("top", "limits"), [(999, [1000]), (1000, [1000, 1]), (2500, [1000, 1000, 501])]
)
def test_many_lines_are_read_in_pages(top: int, limits: list[int]) -> None:
    stored = [StoredLine(id, LogLine(0, 2, "c", "x")) for id in range(1, 2502)]
    requested: list[int] = []

    def read(
        *, after: int | None = None, before: int | None = None, limit: int
    ) -> list[StoredLine]:
        requested.append(limit)
        return [line for line in stored if before is None or line.id < before][-limit:]

    assert _newest(read, top) == (stored[-top:], True)
    assert requested == limits
    assert _newest(read, 2501) == (stored, False)
    assert _newest(read, 9000) == (stored, False)


def test_omitted_lines_and_an_empty_selection_are_reported(folder: Path) -> None:
    def errors(*options: str) -> list[str]:
        return call("logs", "--state", folder, *options).err.splitlines()[1:]

    assert errors() == errors("--top", "2") == errors("--top", "5000") == []
    assert errors("--top", "1") == ["The newest line; --top N prints more."]
    assert errors("--id", "nope\x07") == ["There are no log lines of the instance 'nope\\x07'."]
    assert errors("--function", "Echo", "--level", "Error") == [
        "There are no log lines of level Error or higher of the function 'Echo'."
    ]


@pytest.mark.process
def test_a_host_returns_the_lines_of_an_instance(host: RunningHost, call_host: CallHost) -> None:
    id = f"logs-{uuid4()}"
    host.end(host.start("Chain", instance_id=id))

    def lines() -> list[dict[str, str]]:
        out = call_host("logs", "--id", id, "--json").out
        return [json.loads(line) for line in out.splitlines()]

    eventually(lambda: len(lines()) >= 14, "the lines of the turns and of the activities", 20)
    assert {line["instanceId"] for line in lines()} == {id}
    assert any(line["message"].startswith("Executing 'Functions.") for line in lines())
