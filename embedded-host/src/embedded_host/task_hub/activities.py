"""The execution of activities within the limit of host.json."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from time import perf_counter

from msgspec import UNSET, UnsetType, structs

from embedded_host.engine import history as h
from embedded_host.engine.credentials import without_credentials
from embedded_host.engine.events import TaskCompleted, TaskFailed
from embedded_host.engine.failures import UserError, activity_failed
from embedded_host.engine.functions import HTTP_ACTIVITY, DurableFunctions
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.timestamps import format_utc
from embedded_host.engine.values_on_azure import changed_value
from embedded_host.parity.findings import Findings
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter
from embedded_host.task_hub.invoker import Call, CallStart, Invoker, call_start, run_call
from embedded_host.task_hub.measurements import HubMeasurements
from embedded_host.task_hub.tracer import ActivityRun, current_trace
from embedded_host.task_hub.unit_of_work import ActivityWork

HTTP_CALLS = 1000
"""Maximum number of concurrent ``call_http`` requests."""

RECORDED_WAIT = timedelta(milliseconds=10)
"""Minimum wait of an activity for a place or a thread that the history records."""
KEPT_INPUT = 1000
"""Maximum number of characters of a failed activity's input that the history keeps."""


class Activities:
    """The scheduled activities of a task hub.

    ``is_wanted`` returns false once no instance waits for the result. ``is_polling`` returns true
    if an HTTP call polls after its first response 202 with a Location. ``on_result`` receives the
    completion event. ``findings`` receives the differences of results from those of the Azure
    Functions host. With ``is_strict``, the results are those of that host. ``on_error`` receives
    unforeseen exceptions. ``start_span`` starts the span of an activity, if telemetry is on.
    ``measurements`` receives the durations.
    """

    def __init__(
        self,
        clock: Clock,
        invoker: Invoker,
        functions: Callable[[], DurableFunctions],
        limit: int,
        *,
        is_wanted: Callable[[ActivityWork], bool],
        is_polling: Callable[[ActivityWork], bool],
        on_result: Callable[[ActivityWork, TaskCompleted | TaskFailed], None],
        on_error: Callable[[BaseException], None],
        findings: Findings,
        is_strict: bool = False,
        start_span: Callable[[ActivityWork], ActivityRun | None] | None = None,
        measurements: HubMeasurements,
    ) -> None:
        self._clock, self._invoker, self._functions = clock, invoker, functions
        self._is_wanted, self._is_polling, self._on_result = is_wanted, is_polling, on_result
        self._findings = findings
        self._is_strict, self._start_span = is_strict, start_span
        self._running: dict[tuple[int, int], datetime] = {}
        """Start times of the running activities, by instance key and task id."""
        self._measurements = measurements
        self.activities = ConcurrencyLimiter(limit, on_error)
        """The activities without the HTTP calls."""
        self.http_calls = ConcurrencyLimiter(HTTP_CALLS, on_error)

    @property
    def busy(self) -> int:
        """Number of running activities and HTTP calls."""
        return self.activities.busy + self.http_calls.busy

    def start(self, work: ActivityWork, *, is_resumed: bool = False) -> None:
        """Run an activity as soon as the limit allows it.

        ``is_resumed`` is true for an activity that was scheduled before the start of the host.
        """
        # After a response 202, call_http polls until it has the result. It must not occupy the
        # place of an activity meanwhile.
        limiter = self.http_calls if work.row.name == HTTP_ACTIVITY else self.activities
        queued_at = None if is_resumed else self._clock.now()
        limiter.put(partial(self._run, work, queued_at, perf_counter()))

    def running_since(self, instance: int, task_id: int) -> datetime | None:
        """Return the start time of an activity, or None while it is queued."""
        return self._running.get((instance, task_id))

    async def close(self, grace: float) -> int:
        """Cancel HTTP calls at once, and activities that still run after ``grace`` seconds.

        Returns the number of cancelled calls. They run again at the next start of the host.
        """
        return sum(await asyncio.gather(self.activities.close(grace), self.http_calls.close(0)))

    async def _run(self, work: ActivityWork, queued_at: datetime | None, queued: float) -> None:
        """Run an activity that has waited since ``queued``, and report its result."""
        if not self._is_wanted(work):
            return
        started = perf_counter()
        self._measurements.activity_waits.observe(started - queued, work.row.name)
        activity = (work.row.instance, work.row.task_id)
        began = self._running[activity] = self._clock.now()
        call_start.set(start := CallStart())
        span = None if self._start_span is None else self._start_span(work)
        if self._start_span is not None:
            current_trace.set(None if span is None else span.context)
        try:
            outcome = await self._outcome(work)
        finally:
            self._running.pop(activity, None)
        if self._start_span is not None:
            current_trace.set(None)  # the result starts a turn, whose task inherits the context
        row, now = work.row, self._clock.now()
        result = "failed" if isinstance(outcome, UserError) else "succeeded"
        self._measurements.activities.observe(perf_counter() - started, row.name, result)
        if isinstance(outcome, UserError):
            functions = self._functions()
            name = functions.activities.registered(row.name)
            failed = activity_failed(now, row.task_id, name, outcome, functions.protocol)
            # The failed input is kept in any case: it shows which of many equal calls has failed.
            # A request of call_http may contain credentials, so that it is not kept.
            is_http = row.name == HTTP_ACTIVITY
            failed = structs.replace(
                failed,
                started_at=_started_at(queued_at, began, now, start),
                failed_input=UNSET if is_http else row.input[:KEPT_INPUT],
            )
            if span is not None:
                span.end(failed.reason or "")
            self._on_result(work, failed)
        else:
            if span is not None:
                span.end(None)
            completed = h.task_completed(now, row.task_id, outcome)
            if (started_at := _started_at(queued_at, began, now, start)) is not UNSET:
                completed = structs.replace(completed, started_at=started_at)
            self._on_result(work, completed)

    async def _outcome(self, work: ActivityWork) -> str | UserError | None:
        row, functions = work.row, self._functions().activities
        if row.name == HTTP_ACTIVITY:
            polls = False

            def is_wanted() -> bool:
                nonlocal polls
                polls = self._is_wanted(work) and (polls or self._is_polling(work))
                return polls

            return await run_call(
                lambda _: self._invoker.http(row.input, is_wanted),
                Call("an HTTP call", "", work.instance_id),
                self._findings,
            )
        # The function was removed after the activity was scheduled (functions-host.md#replay).
        if row.name not in functions:
            return UserError("ValueError", f"Activity function '{row.name}' does not exist.")
        name = functions.registered(row.name)
        outcome = await run_call(
            lambda alone: self._invoker.activity(
                name, work.instance_id, row.input, row.task_id, alone=alone
            ),
            Call("activity", name, work.instance_id),
            self._findings,
        )
        if isinstance(outcome, UserError):
            return self._read_error(outcome, name, work)
        return self._read(outcome, name, work) if isinstance(outcome, str) else outcome

    def _read(self, result: str, name: str, work: ActivityWork) -> str | None:
        """Return the result of an activity, and add findings for its differences.

        With ``--parity strict``, the result is the result of the Azure Functions host.
        """
        changed = changed_value(result)
        if changed is None:
            return result
        # Most apps never load the module.
        from embedded_host.parity.observed_findings import add_observed_findings

        add_observed_findings(self._findings, name, work.instance_id, changed.observations)
        return changed.text if self._is_strict else result

    def _read_error(self, error: UserError, name: str, work: ActivityWork) -> UserError:
        """Return the exception of an activity, and add a finding if it contains credentials.

        With ``--parity strict``, the message is the message of the Azure Functions host. SDK 1.x
        reads the message of the exception that the host has sanitized.
        """
        if self._functions().protocol is not SDK_1X:
            return error
        message = without_credentials(error.message)
        if message == error.message:
            return error
        from embedded_host.parity.kinds.values import CREDENTIALS

        self._findings.add(CREDENTIALS, name, instance_id=work.instance_id)
        return replace(error, message=message) if self._is_strict else error


def _started_at(
    queued_at: datetime | None, began: datetime, now: datetime, start: CallStart
) -> str | UnsetType:
    """Return the time at which an activity began to run, or UNSET after a wait under RECORDED_WAIT.

    A worker has fewer threads than the host has places, so an activity waits for a place and then
    for a thread. ``queued_at`` is None if the activity waited during a restart of the host.
    """
    started = began
    if start.timestamp is not None:
        started = min(max(began, datetime.fromtimestamp(start.timestamp, timezone.utc)), now)
    if queued_at is not None and started - queued_at < RECORDED_WAIT:
        return UNSET
    return format_utc(started)
