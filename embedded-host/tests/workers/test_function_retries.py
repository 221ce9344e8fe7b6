"""The runs that a retry policy allows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from embedded_host.app.definitions import Binding, Function
from embedded_host.app.function_retry import FunctionRetry
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.function_retries import FunctionRetries, log_unsupported_retries
from embedded_worker.protocol import ErrorData, InvocationResult, RetryData

SECOND = timedelta(seconds=1)
BOOM = ErrorData("ValueError", "boom")
FAILED, DONE = InvocationResult(1, error=BOOM), InvocationResult(1, "null")


def function(retries: int | None, kind: str = "timerTrigger") -> Function:
    policy = None if retries is None else FunctionRetry(retries, SECOND, SECOND)
    folder = Path("app/F")
    return Function(
        "F", folder, folder / "__init__.py", "main", (Binding(kind, "x", "in"),), retry=policy
    )


class Runs:
    """Runs with the given outcomes. ``waits`` are the results of the delays."""

    def __init__(self, *outcomes: InvocationResult | WorkerLostError, stop_at: int = 99) -> None:
        self._outcomes, self._stop_at = [*outcomes], stop_at
        self.ids: list[str] = []
        self.retries: list[RetryData | None] = []
        self.failures: list[ErrorData | WorkerLostError] = []
        self.waits: list[timedelta] = []

    async def once(self, id: str, retry: RetryData | None) -> InvocationResult:
        self.ids.append(id)
        self.retries.append(retry)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, WorkerLostError):
            raise outcome
        return outcome

    async def wait(self, delay: timedelta) -> bool:
        self.waits.append(delay)
        return len(self.waits) < self._stop_at

    async def run(self, function: Function, *, keeps_id: bool = False) -> InvocationResult:
        retries = FunctionRetries(self.wait)
        return await retries.run(function, self.once, self.failures.append, keeps_id=keeps_id)


async def test_a_function_without_a_policy_runs_once() -> None:
    runs = Runs(FAILED)
    assert await runs.run(function(None)) is FAILED
    assert (runs.retries, runs.failures, runs.waits) == ([None], [BOOM], [])


async def test_a_failing_function_runs_once_more_than_its_retries() -> None:
    runs = Runs(FAILED, FAILED, FAILED)
    assert await runs.run(function(2)) is FAILED
    assert runs.retries == [RetryData(0, 2), RetryData(1, 2, BOOM), RetryData(2, 2, BOOM)]
    assert (runs.failures, runs.waits) == ([BOOM] * 3, [SECOND] * 2)


async def test_a_success_ends_the_retries() -> None:
    runs = Runs(FAILED, DONE)
    assert await runs.run(function(9)) is DONE
    assert runs.failures == [BOOM]


async def test_a_policy_without_limit_retries_until_a_success() -> None:
    runs = Runs(*[FAILED] * 50, DONE)
    assert await runs.run(function(-1)) is DONE
    assert runs.retries[-1] == RetryData(50, -1, BOOM)


@pytest.mark.parametrize("keeps_id", [True, False])
async def test_runs_have_one_id_or_a_new_id_each(keeps_id: bool) -> None:
    runs = Runs(FAILED, FAILED, FAILED)
    await runs.run(function(2), keeps_id=keeps_id)
    assert len(set(runs.ids)) == (1 if keeps_id else 3)


async def test_the_end_of_a_worker_is_a_failure() -> None:
    lost = WorkerLostError("PYTHON exited")
    runs = Runs(lost, DONE)
    assert await runs.run(function(1)) is DONE
    assert runs.failures == [lost]
    assert runs.retries[1] == RetryData(1, 1, ErrorData("WorkerProcessExitException", str(lost)))


async def test_the_end_of_a_worker_in_the_last_run_is_raised() -> None:
    runs = Runs(FAILED, WorkerLostError("PYTHON exited"))
    with pytest.raises(WorkerLostError, match="PYTHON exited"):
        await runs.run(function(1))


async def test_a_stop_of_the_host_ends_the_retries(caplog: pytest.LogCaptureFixture) -> None:
    runs = Runs(FAILED, FAILED, stop_at=1)
    with caplog.at_level("INFO"):
        assert await runs.run(function(-1)) is FAILED
    assert len(runs.ids) == 1
    assert "Invocation cancelled - exiting retry loop." in caplog.text


def test_policies_of_other_functions_than_timers_are_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log_unsupported_retries([function(1), function(None, "httpTrigger")])
    assert caplog.text == ""
    log_unsupported_retries([function(1, "httpTrigger")])
    assert "not be supported for function 'Functions.F'" in caplog.text
