"""Histories with retried calls of SDK 2.x."""

from __future__ import annotations

from datetime import datetime, timezone

from embedded_host.engine import history as h
from embedded_host.management.retried_calls import repeated_key

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
TASK = h.task_scheduled(NOW, 1, "Flaky", None)
CHILD = h.sub_orchestration_created(NOW, 1, "Child", "c", None, None)


def test_the_key_of_a_second_attempt_has_the_type_and_the_id() -> None:
    timer = h.timer_created(NOW, 2, NOW)
    assert repeated_key([TASK, timer, TASK]) == "TaskScheduled_1"
    assert repeated_key([CHILD, timer, CHILD]) == "SubOrchestrationInstanceCreated_1"


def test_different_calls_have_different_keys() -> None:
    assert repeated_key([TASK, h.task_scheduled(NOW, 2, "Flaky", None), CHILD]) is None
