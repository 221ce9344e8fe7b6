"""Asking a worker for what may end it."""

from __future__ import annotations

import logging

import pytest

from embedded_host.engine.failures import UserError
from embedded_host.task_hub.invoker import WorkerLostError, run_call


class Calls:
    """Raises what it is given, one after the other, then answers."""

    def __init__(self, *losses: WorkerLostError) -> None:
        self.losses = list(losses)
        self.alone: list[bool] = []

    async def __call__(self, alone: bool) -> str:
        self.alone.append(alone)
        if self.losses:
            raise self.losses.pop(0)
        return "answer"


async def test_a_call_that_lost_its_worker_is_repeated_alone() -> None:
    calls = Calls(WorkerLostError("gone", concurrent_calls=2))
    assert await run_call(calls, "the activity 'A'") == "answer"
    assert calls.alone == [False, True]


async def test_the_third_loss_fails_it_with_the_last_reason() -> None:
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
    assert await run_call(calls, "the entity 'E'") == "answer"
    assert calls.alone == [False] * 6
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_the_log_names_the_concurrent_calls(caplog: pytest.LogCaptureFixture) -> None:
    await run_call(
        Calls(
            WorkerLostError("it exited with code 3", concurrent_calls=2), WorkerLostError("again")
        ),
        "the activity 'A'",
    )
    assert [record.getMessage() for record in caplog.records] == [
        "The worker was lost while it ran the activity 'A' and 2 other calls (it exited with code 3); 1 of 3 tries, the next one "
        "by itself. [EH325]",
        "The worker was lost while it ran the activity 'A' (again); 2 of 3 tries. [EH325]",
    ]
