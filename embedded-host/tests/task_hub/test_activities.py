from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET

from embedded_host.app.definitions import HostJson
from embedded_host.engine.events import TaskCompleted, TaskFailed
from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact
from embedded_host.engine.timestamps import format_utc
from embedded_host.parity.findings import Findings
from embedded_host.store.interface import ActivityRow
from embedded_host.task_hub.activities import Activities
from embedded_host.task_hub.invoker import call_start
from embedded_host.task_hub.measurements import HubMeasurements
from embedded_host.task_hub.unit_of_work import ActivityWork
from tests.support.polling import eventually_async
from tests.task_hub.kit import HubUnderTest, InlineInvoker, ManualClock


def fail(value: object) -> None:
    raise ValueError(value)


def work(task_id: int, name: str = "Echo") -> ActivityWork:
    return ActivityWork(ActivityRow(task_id, 1, "e", task_id, name, f'"{task_id}"'), "i")


class Run:
    """Activities of one instance with the results in order."""

    def __init__(
        self, limit: int = 10, is_wanted: Callable[[ActivityWork], bool] = lambda _: True
    ) -> None:
        self.clock = ManualClock()
        self.invoker = InlineInvoker({}, {"Echo": lambda value: value, "Fail": fail})
        self.results: list[TaskCompleted | TaskFailed] = []
        self.errors: list[BaseException] = []
        self.measurements = HubMeasurements()
        self.activities = Activities(
            self.clock,
            self.invoker,
            lambda: self.invoker.functions,
            limit,
            is_wanted=is_wanted,
            is_polling=lambda _: True,
            on_result=lambda _, event: self.results.append(event),
            on_error=self.errors.append,
            findings=Findings(),
            measurements=self.measurements,
        )

    async def finish(self) -> None:
        await eventually_async(lambda: not self.activities.busy, "all activities finish")
        assert self.errors == []


@pytest.mark.parametrize("is_strict", [False, True])
async def test_a_polling_http_call_is_a_finding_of_the_orchestrator(is_strict: bool) -> None:
    class PollingInvoker(InlineInvoker):
        async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
            return compact([is_wanted(), is_wanted()])

    def calls(context: Any) -> Any:
        return (yield context.call_http("GET", "http://localhost/"))

    findings = Findings(HostJson())
    host = HubUnderTest(PollingInvoker({"Calls": calls}), findings=findings, strict=is_strict)
    await host.start("Calls")
    assert host.outcome() == ("Completed", [not is_strict] * 2)
    [finding] = findings
    assert (finding.kind.code, finding.function) == ("EH878", "Calls")
    assert (finding.count, finding.instances) == (1 + is_strict, ["i-1"])


async def test_a_result_or_an_exception_becomes_the_completion() -> None:
    run = Run()
    for activity in (work(0), work(1, "fail"), work(2, "Gone")):
        run.activities.start(activity)
    await run.finish()
    completed, failed, gone = sorted(run.results, key=lambda event: event.task_scheduled_id)
    assert isinstance(completed, TaskCompleted)
    assert completed.result == '"0"'
    assert isinstance(failed, TaskFailed)
    assert failed.reason == "Activity function 'Fail' failed: ValueError: 1"
    assert isinstance(gone, TaskFailed)
    assert "'Gone' does not exist" in str(gone.reason)


async def test_an_activity_without_a_waiting_instance_does_not_run() -> None:
    run = Run(is_wanted=lambda _: False)
    run.activities.start(work(0))
    await run.finish()
    assert (run.results, run.invoker.calls) == ([], {})


async def test_a_running_activity_has_its_start_time_and_others_wait_for_a_slot() -> None:
    run = Run(limit=1)
    run.invoker.gate = asyncio.Event()
    began = run.clock.now()
    run.activities.start(work(0))
    run.activities.start(work(1))
    await asyncio.sleep(0)
    run.clock.advance(5)
    assert (run.activities.running_since(1, 0), run.activities.running_since(1, 1)) == (began, None)
    run.invoker.gate.set()
    await run.finish()
    assert run.activities.running_since(1, 0) is None
    assert [event.occurred_at - began for event in run.results] == [timedelta(seconds=5)] * 2


async def test_the_completion_has_the_start_of_an_activity_that_waited_for_a_slot() -> None:
    run = Run(limit=1)
    run.invoker.gate = asyncio.Event()
    began = run.clock.now()
    for activity in (work(0), work(1), work(2, "fail")):
        run.activities.start(activity)
    await asyncio.sleep(0)
    run.clock.advance(5)
    run.invoker.gate.set()
    await run.finish()
    first, second, failed = run.results
    waited = format_utc(began + timedelta(seconds=5))
    assert (first.started_at, second.started_at, failed.started_at) == (UNSET, waited, waited)
    assert isinstance(failed, TaskFailed)
    assert failed.failed_input == '"2"'


async def test_a_wait_for_a_thread_of_the_worker_is_not_part_of_the_run() -> None:
    class OneThread(InlineInvoker):
        async def activity(
            self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
        ) -> str | UserError | None:
            start = call_start.get()
            assert start is not None
            start.timestamp = (run.clock.now() + timedelta(seconds=2)).timestamp()
            run.clock.advance(5)
            return "1"

    run = Run()
    run.invoker = OneThread({}, {"Echo": lambda value: value})
    run.activities._invoker = run.invoker
    began = run.clock.now()
    run.activities.start(work(0))
    await run.finish()
    assert run.results[0].started_at == format_utc(began + timedelta(seconds=2))


async def test_an_activity_that_runs_again_after_a_restart_has_its_start() -> None:
    run = Run()
    run.activities.start(work(0), is_resumed=True)
    await run.finish()
    assert run.results[0].started_at == format_utc(run.clock.now())


@pytest.mark.parametrize(
    ("is_strict", "result"), [(False, '{"$type":"x","a":NaN}'), (True, '{"a":"NaN"}')]
)
async def test_a_result_that_azure_changes_is_a_finding_of_the_activity(
    is_strict: bool, result: str
) -> None:
    def calls(context: Any) -> Any:
        for _ in range(2):
            value = yield context.call_activity("typed")
        return json.dumps(value, separators=(",", ":"))

    findings = Findings(HostJson())
    invoker = InlineInvoker({"Calls": calls}, {"Typed": lambda _: {"$type": "x", "a": math.nan}})
    host = HubUnderTest(invoker, findings=findings, strict=is_strict)
    await host.start("Calls")
    assert host.outcome() == ("Completed", result)
    assert [
        (finding.kind.code, finding.function, finding.count, finding.instances)
        for finding in findings
    ] == [("EH880", "Typed", 2, ["i-1"]), ("EH881", "Typed", 2, ["i-1"])]


async def test_a_strict_null_is_recorded_as_no_result() -> None:
    invoker = InlineInvoker(
        {"Calls": lambda context: (yield context.call_activity("Ref"))},
        {"Ref": lambda _: {"$ref": "#"}},
    )
    host = HubUnderTest(invoker, strict=True)
    await host.start("Calls")
    results = [
        event.result
        for turn in host.store.history(host.row().key)
        for event in turn
        if isinstance(event, TaskCompleted)
    ]
    assert results == [None]


@pytest.mark.parametrize(
    ("is_strict", "message"), [(False, "row key=12 'x'"), (True, "row [Hidden Credential]'x'")]
)
async def test_an_exception_with_a_credential_is_a_finding_of_the_activity(
    is_strict: bool, message: str
) -> None:
    def calls(context: Any) -> Any:
        try:
            yield context.call_activity("fail", "row key=12 'x'")
        except Exception as error:
            return str(error).split(" \n ", 1)[0]

    findings = Findings(HostJson())
    invoker = InlineInvoker({"Calls": calls}, {"Fail": fail})
    host = HubUnderTest(invoker, findings=findings, strict=is_strict)
    await host.start("Calls")
    assert host.outcome() == (
        "Completed",
        f"Activity function 'Fail' failed: ValueError: {message}",
    )
    assert [(finding.kind.code, finding.function, finding.instances) for finding in findings] == [
        ("EH898", "Fail", ["i-1"])
    ]
