"""Running activities: so many at a time, and what each comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

from embedded_host.engine import history as h
from embedded_host.engine.events import TaskCompleted, TaskFailed
from embedded_host.engine.failures import UserError, activity_reason
from embedded_host.engine.functions import HTTP_ACTIVITY, FunctionNames
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter
from embedded_host.task_hub.invoker import Invoker, ask
from embedded_host.task_hub.unit_of_work import ActivityWork

HTTP_CALLS = 1000
"""``call_http`` requests at a time."""


class Activities:
    """``wanted`` says whether anyone waits for the result; ``over`` is told the event that it came to."""

    def __init__(
        self,
        clock: Clock,
        invoker: Invoker,
        functions: Callable[[], FunctionNames],
        limit: int,
        *,
        wanted: Callable[[ActivityWork], bool],
        over: Callable[[ActivityWork, TaskCompleted | TaskFailed], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._clock, self._invoker, self._functions = clock, invoker, functions
        self._wanted, self._over = wanted, over
        self._running: dict[tuple[int, int], datetime] = {}
        """Those that a worker has -> since when; by instance key and task id."""
        self._lane = ConcurrencyLimiter(limit, on_error)
        self._http_calls = ConcurrencyLimiter(HTTP_CALLS, on_error)

    @property
    def busy(self) -> int:
        return self._lane.busy + self._http_calls.busy

    def start(self, work: ActivityWork) -> None:
        # A call_http that is answered 202 is asked after for as long as it takes: it must not take an activity's place.
        lane = self._http_calls if work.row.name == HTTP_ACTIVITY else self._lane
        lane.put(partial(self._run, work))

    def running_since(self, instance: int, task_id: int) -> datetime | None:
        return self._running.get((instance, task_id))

    async def close(self, grace: float) -> int:
        """As ``ConcurrencyLimiter.close``; HTTP calls get no time, they are made again."""
        return sum(await asyncio.gather(self._lane.close(grace), self._http_calls.close(0)))

    async def _run(self, work: ActivityWork) -> None:
        if not self._wanted(work):
            return
        place = (work.row.instance, work.row.task_id)
        self._running[place] = self._clock.now()
        try:
            outcome = await self._outcome(work)
        finally:
            self._running.pop(place, None)
        row, now = work.row, self._clock.now()
        if isinstance(outcome, UserError):
            reason = activity_reason(self._functions().registered(row.name), outcome)
            self._over(work, h.task_failed(now, row.task_id, reason, outcome.stack))
        else:
            self._over(work, h.task_completed(now, row.task_id, outcome))

    async def _outcome(self, work: ActivityWork) -> str | UserError | None:
        row, functions = work.row, self._functions()
        if row.name == HTTP_ACTIVITY:
            return await ask(lambda _: self._invoker.http(row.input, lambda: self._wanted(work)), "an HTTP call")
        if row.name not in functions:  # it was there when it was scheduled (contract, 4.3)
            return UserError("ValueError", f"Activity function '{row.name}' does not exist.")
        name = functions.registered(row.name)
        return await ask(
            lambda alone: self._invoker.activity(name, work.instance_id, row.input, alone=alone),
            f"the activity '{name}'",
        )
