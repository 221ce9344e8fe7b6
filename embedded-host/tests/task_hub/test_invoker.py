"""Calls whose worker ends, and their retries."""

from __future__ import annotations

import logging

import pytest

from embedded_host.engine.failures import UserError
from embedded_host.task_hub.invoker import WorkerLostError, run_call


class Calls:
    """Raises ``losses`` one after the other, then returns a result."""

    def __init__(self, *losses: WorkerLostError) -> None:
        self.losses = list(losses)
        self.alone: list[bool] = []

    async def __call__(self, alone: bool) -> str:
        self.alone.append(alone)
        if self.losses:
            raise self.losses.pop(0)
        return "result"


async def test_a_call_that_lost_its_worker_is_retried_alone() -> None:
    calls = Calls(WorkerLostError("gone", concurrent_calls=2))
    assert await run_call(calls, "the activity 'A'") == "result"
    assert calls.alone == [False, True]


async def test_the_third_lost_worker_fails_the_call_with_its_reason() -> None:
    calls = Calls(
        WorkerLostError("one", concurrent_calls=1), WorkerLostError("two"), WorkerLostError("three")
    )
    failed = await run_call(calls, "the activity 'A'")
    assert failed == UserError(
        "WorkerLost", "the worker process ended 3 times while it ran the activity 'A': three"
    )
    assert calls.alone == [False, True, True]


async def test_a_loss_caused_by_another_call_is_not_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls(
        *[WorkerLostError("another took too long", caused_by_another_call=True) for _ in range(5)]
    )
    assert await run_call(calls, "the entity 'E'") == "result"
    assert calls.alone == [False] * 6
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_the_log_names_the_concurrent_calls(caplog: pytest.LogCaptureFixture) -> None:
    await run_call(
        Calls(
            WorkerLostError("it exited with code 3", concurrent_calls=2),
            WorkerLostError("signal 9"),
        ),
        "the activity 'A'",
    )
    assert [record.getMessage() for record in caplog.records] == [
        "The worker process ended while it ran the activity 'A' and 2 other calls: it exited with "
        "code 3. Attempt 1 of 3 failed; the next attempt runs alone. [EH325]",
        "The worker process ended while it ran the activity 'A': signal 9. Attempt 2 of 3 failed. "
        "[EH325]",
    ]
