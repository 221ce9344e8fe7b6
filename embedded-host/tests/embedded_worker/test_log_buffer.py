"""The batches of log lines that a worker sends."""

from __future__ import annotations

import threading

import pytest

from embedded_worker import log_buffer
from embedded_worker.log_buffer import MAX_TEXT, LogBuffer
from embedded_worker.protocol import LogLine, LogReport


class Sent:
    """A buffer, the reports that it has sent, and the number of its batches."""

    def __init__(self) -> None:
        self.reports: list[LogReport] = []
        self.batches = 0
        self.accepts = True
        self.buffer = LogBuffer(self._count, self._send)

    def _count(self) -> None:
        self.batches += 1

    def _send(self, report: LogReport) -> bool:
        if self.accepts:
            self.reports.append(report)
        return self.accepts

    def texts(self) -> list[str]:
        return [line.text for report in self.reports for line in report.lines]


def line(text: object) -> LogLine:
    return LogLine(0, 2, "c", str(text))


def test_lines_are_sent_in_one_batch() -> None:
    sent = Sent()
    for number in range(3):
        sent.buffer.add(line(number))
    assert (sent.batches, sent.reports) == (1, [])
    sent.buffer.flush()
    sent.buffer.flush()
    assert sent.reports == [LogReport([line(0), line(1), line(2)])]
    sent.buffer.add(line(3))
    assert sent.batches == 2


def test_a_full_batch_counts_further_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_buffer, "MAX_LINES", 2)
    sent = Sent()
    for number in range(5):
        sent.buffer.add(line(number))
    sent.buffer.flush()
    assert sent.reports == [LogReport([line(0), line(1)], dropped=3)]


def test_lines_wait_for_a_connection_that_accepts_no_data() -> None:
    sent = Sent()
    sent.accepts = False
    sent.buffer.add(line(1))
    sent.buffer.flush()
    assert (sent.batches, sent.reports) == (2, [])
    sent.buffer.add(line(2))
    sent.accepts = True
    sent.buffer.flush()
    assert sent.texts() == ["1", "2"]


def test_a_long_text_is_cut() -> None:
    sent = Sent()
    sent.buffer.add(line("x" * (MAX_TEXT + 7)))
    sent.buffer.flush()
    assert sent.texts() == ["x" * MAX_TEXT + "… (7 more characters)"]


def test_any_thread_may_add_lines() -> None:
    sent = Sent()

    def work() -> None:
        for number in range(500):
            sent.buffer.add(line(number))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.buffer.flush()
    assert len(sent.texts()) == 2000
    assert sent.batches == 1
