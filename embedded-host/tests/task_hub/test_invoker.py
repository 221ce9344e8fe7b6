"""Calls whose worker ends, and their retries."""

from __future__ import annotations

import logging

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine.failures import UserError
from embedded_host.parity.findings import Findings
from embedded_host.task_hub.invoker import Call, WorkerLostError, exit_text, run_call

ACTIVITY = Call("activity", "A", "i-1")
ENTITY = Call("entity", "E", "@e@k", fails_at_exit=False)
EXITED = "PYTHON exited with code 3 (0x3)"


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


@pytest.fixture
def findings() -> Findings:
    return Findings(HostJson())


@pytest.fixture
def strict() -> Findings:
    return Findings(HostJson(), is_strict=True)


def found(findings: Findings) -> list[tuple[str, str, list[str]]]:
    return [(finding.kind.code, finding.function, finding.instances) for finding in findings]


def exited(*, others: int = 0, by_another: bool = False) -> WorkerLostError:
    return WorkerLostError(
        EXITED, concurrent_calls=others, caused_by_another_call=by_another, exit_code=3
    )


async def test_a_call_that_ends_its_worker_fails_at_once(findings: Findings) -> None:
    calls = Calls(exited())
    failed = await run_call(calls, ACTIVITY, findings)
    assert isinstance(failed, UserError)
    assert failed.text == EXITED
    assert failed.details is not None
    assert failed.details.inner_failure is not None
    assert failed.details.inner_failure.error_message == EXITED
    assert calls.alone == [False]
    assert found(findings) == []


async def test_a_call_that_may_have_ended_its_worker_runs_again_alone(findings: Findings) -> None:
    calls = Calls(exited(others=2))
    assert await run_call(calls, ACTIVITY, findings) == "result"
    assert calls.alone == [False, True]
    assert found(findings) == [("EH862", "A", ["i-1"])]


async def test_a_call_that_ends_its_worker_again_fails(findings: Findings) -> None:
    calls = Calls(exited(others=2), exited())
    failed = await run_call(calls, ACTIVITY, findings)
    assert isinstance(failed, UserError)
    assert failed.text == EXITED
    assert calls.alone == [False, True]
    assert found(findings) == []


async def test_a_call_whose_worker_another_call_has_ended_runs_again(findings: Findings) -> None:
    calls = Calls(exited(by_another=True))
    assert await run_call(calls, ACTIVITY, findings) == "result"
    assert calls.alone == [False, False]
    assert found(findings) == [("EH862", "A", ["i-1"])]


@pytest.mark.parametrize("lost", [exited(others=2), exited(by_another=True)])
async def test_all_calls_of_the_worker_fail_in_strict_mode(
    strict: Findings, lost: WorkerLostError
) -> None:
    calls = Calls(lost)
    failed = await run_call(calls, ACTIVITY, strict)
    assert isinstance(failed, UserError)
    assert failed.text == EXITED
    assert calls.alone == [False]
    assert found(strict) == []


@pytest.mark.parametrize("mode", ["findings", "strict"])
async def test_a_call_that_the_functions_host_runs_again_fails_after_three_exits(
    request: pytest.FixtureRequest, mode: str
) -> None:
    findings: Findings = request.getfixturevalue(mode)
    calls = Calls(exited(others=1), exited(), exited())
    failed = await run_call(calls, ENTITY, findings)
    assert failed == UserError(
        "WorkerLost", f"the worker process ended 3 times while it ran the entity 'E': {EXITED}"
    )
    assert calls.alone == [False, True, True]
    assert found(findings) == [("EH864", "E", ["@e@k"])]


async def test_the_third_worker_that_did_not_exit_fails_the_call(findings: Findings) -> None:
    calls = Calls(
        WorkerLostError("one", concurrent_calls=1), WorkerLostError("two"), WorkerLostError("three")
    )
    failed = await run_call(calls, ACTIVITY, findings)
    assert failed == UserError(
        "WorkerLost", "the worker process ended 3 times while it ran the activity 'A': three"
    )
    assert calls.alone == [False, True, True]
    assert found(findings) == []


async def test_a_loss_caused_by_another_call_is_not_counted(
    findings: Findings, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls(
        *[WorkerLostError("another took too long", caused_by_another_call=True) for _ in range(5)]
    )
    assert await run_call(calls, ENTITY, findings) == "result"
    assert calls.alone == [False] * 6
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_the_log_names_the_concurrent_calls(
    findings: Findings, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls(exited(others=2), WorkerLostError("signal 9"))
    await run_call(calls, Call("activity", "A"), findings)
    assert [record.getMessage() for record in caplog.records][:2] == [
        f"The worker process ended while it ran the activity 'A' and 2 other calls: {EXITED}. "
        "Attempt 1 of 3 failed; the next attempt runs alone. [EH325]",
        "The worker process ended while it ran the activity 'A': signal 9. Attempt 2 of 3 failed. "
        "[EH325]",
    ]


def test_the_text_of_an_exit_code_has_the_hexadecimal_code() -> None:
    assert exit_text(137) == "PYTHON exited with code 137 (0x89)"
    assert exit_text(-1073741819) == "PYTHON exited with code -1073741819 (0xC0000005)"
