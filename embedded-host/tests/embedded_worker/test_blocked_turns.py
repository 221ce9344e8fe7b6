"""Warnings about turns that block."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from embedded_worker import blocked_turns
from embedded_worker.blocked_turns import BlockedTurns
from tests.support.polling import eventually


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report every running turn at the next check."""
    monkeypatch.setattr(blocked_turns, "BLOCKED_AFTER", 0.0)
    monkeypatch.setattr(blocked_turns, "_INTERVAL", 0.005)


class Blocked:
    """A turn that waits in a thread, in a line of this file."""

    def __init__(self, watch: BlockedTurns, instance_id: str) -> None:
        self._continue = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(watch, instance_id))
        self._thread.start()

    def _run(self, watch: BlockedTurns, instance_id: str) -> None:
        watch.begin("Hello", instance_id, Path(__file__).parent)
        self._continue.wait(20)
        watch.end()

    def end(self) -> None:
        self._continue.set()
        self._thread.join()


@pytest.mark.usefixtures("quick")
def test_the_position_of_a_blocked_turn_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    watch = BlockedTurns()
    with caplog.at_level(logging.WARNING, "embedded_host.workers"):
        first = Blocked(watch, "a")
        eventually(lambda: len(caplog.messages) == 1, "the first is logged")
        second = Blocked(watch, "b")
        eventually(lambda: len(caplog.messages) == 2, "the second is logged")
        first.end()
        second.end()
        third = Blocked(watch, "c")  # the checks have stopped or are about to stop
        eventually(lambda: len(caplog.messages) == 3, "the third is logged")
        third.end()
    for instance_id, message in zip("abc", caplog.messages, strict=True):
        assert message.startswith(
            f"Orchestrator 'Hello' of instance '{instance_id}' has blocked for a second at"
        )
        assert f"{Path(__file__).name} line " in message
        assert "self._continue.wait(20)" in message


def test_a_turn_begins_if_the_system_refuses_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    watch = BlockedTurns()
    watch.begin("Hello", "a", Path(__file__).parent)
    watch.end()
    assert watch._turns == {}


def test_a_turn_that_returns_in_time_is_not_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocked_turns, "_INTERVAL", 0.005)
    watch = BlockedTurns()
    for _ in range(200):
        watch.begin("Hello", "a", Path(__file__).parent)
        watch.end()
    eventually(lambda: not watch._checking, "the checks have stopped")
    assert caplog.messages == []
