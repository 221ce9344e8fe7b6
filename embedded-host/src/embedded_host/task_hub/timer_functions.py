"""The execution of timer functions when they are due, and the storage of their status."""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from embedded_host.app.definitions import Function
from embedded_host.app.schedule import Schedule
from embedded_host.app.timer_trigger import TimerTrigger
from embedded_host.store.interface import SaveTimer, StateError, Store, TimerRow
from embedded_host.task_hub.clock import Clock, TimerQueue
from embedded_host.task_hub.commit import Commit
from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter
from embedded_host.task_hub.timer_request import timer_request

log = logging.getLogger("embedded_host.timers")

Run = Callable[[Function, str], Awaitable[None]]
"""Function that runs a timer function with the JSON of its trigger.

It logs exceptions instead of raising them.
"""


@dataclass(eq=False)
class _Timer:
    trigger: TimerTrigger
    status: TimerRow
    running: bool = False
    stopped: bool = False
    successor: TimerTrigger | None = None
    """New trigger of the function, if a reload changes the trigger during a run.

    It is None if the app no longer contains the function.
    """


class TimerFunctions:
    """The timer functions of an app. Call ``start`` once, and ``reload`` when the app has changed.

    A function never runs concurrently with itself. When a run ends, the next run is scheduled for
    the first due time after the start of the ended run. If this time has passed, the next run
    starts at once. All other missed due times are skipped.

    If a run was due while the host was stopped, the function runs once when the host starts. This
    requires a stored status of the timer: ``useMonitor`` is set, and the schedule has at most one
    due time in a minute.
    """

    def __init__(
        self,
        hub: str,
        store: Store,
        commit: Commit,
        run: Run,
        clock: Clock,
        *,
        automatic: bool = True,
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._hub, self._store, self._commit, self._run, self._clock = (
            hub,
            store,
            commit,
            run,
            clock,
        )
        self._on_fatal = on_fatal
        self._timers: dict[str, _Timer] = {}
        self._jobs = ConcurrencyLimiter(sys.maxsize, self._crashed)
        self._queue = TimerQueue(clock, self._due, automatic=automatic)

    @property
    def next_due(self) -> datetime | None:
        """Time at which the next timer function is due, or None without timer functions."""
        return self._queue.next_due

    def fire_due(self) -> None:
        """Start the timer functions that are due. Only users of a virtual clock need to call it."""
        self._queue.fire_due()

    @property
    def running(self) -> int:
        """Number of running timer functions."""
        return self._jobs.busy

    def start(self, triggers: Iterable[TimerTrigger]) -> None:
        """Schedule timer functions."""
        for trigger in triggers:
            self._begin(trigger)

    def reload(self, triggers: Iterable[TimerTrigger]) -> None:
        """Replace the timer functions after a change of the app.

        A function that is new or has another trigger is scheduled as by ``start``. If the app no
        longer contains a function, its schedule stops. All other schedules continue.
        """
        wanted = {trigger.function.name.lower(): trigger for trigger in triggers}
        for name, timer in list(self._timers.items()):
            trigger = wanted.pop(name, None)
            if trigger is not None and _same(trigger, timer.trigger):
                timer.trigger, timer.stopped, timer.successor = trigger, False, None
                continue
            timer.stopped, timer.successor = True, trigger
            if not timer.running:
                self._replace(timer)
        self.start(wanted.values())

    async def close(self, grace: float) -> int:
        """Stop all schedules. Cancel the functions that still run after ``grace`` seconds.

        Returns the number of cancelled functions.
        """
        for timer in self._timers.values():
            timer.stopped, timer.successor = True, None
        self._queue.close()
        return await self._jobs.close(grace)

    def request_for(self, function: Function) -> str:
        """Return the trigger data for a run that does not follow the schedule."""
        timer = self._timers.get(function.name.lower())
        return _request(timer) if timer else timer_request(None, None)

    # -- one timer ---------------------------------------------------------------------------------

    def _begin(self, trigger: TimerTrigger) -> None:
        now = self._clock.now()
        name = trigger.function.name
        kept = self._store.timer(self._hub, name) if trigger.is_monitored else None
        status = _status(kept, trigger.schedule, now) or TimerRow(
            self._hub, name, None, trigger.schedule.next(now), now
        )
        timer = self._timers[name.lower()] = _Timer(trigger, status)
        if trigger.is_monitored and status != kept:
            self._jobs.put(partial(self._commit.commit, [SaveTimer(status)]))
        past_due = trigger.is_monitored and status.next is not None and now > status.next
        due = None if status.next is None else _formatted(status.next, trigger.schedule)
        if past_due:
            log.info("Timer '%s' was due at %s and runs now.", name, due)
        elif not trigger.run_on_startup:
            next_run = f"next due at {due}" if due else "never due"
            log.info("Timer '%s' (%s) is %s.", name, trigger.text, next_run)
        if past_due or trigger.run_on_startup:
            self._put(timer, past_due, unscheduled=True)
        else:
            self._plan(timer)

    def _plan(self, timer: _Timer) -> None:
        if timer.status.next is not None:
            self._queue.add(timer.status.next, timer)

    def _due(self, timer: _Timer) -> None:
        if not timer.stopped:
            self._put(timer)

    def _put(self, timer: _Timer, past_due: bool = False, *, unscheduled: bool = False) -> None:
        timer.running = True
        self._jobs.put(partial(self._execute, timer, past_due, unscheduled))

    async def _execute(self, timer: _Timer, past_due: bool, unscheduled: bool) -> None:
        began = self._clock.now()
        await self._run(timer.trigger.function, _request(timer, past_due))
        # The same due time must not occur twice if the system time was set back.
        if not unscheduled and timer.status.next is not None:
            began = max(began, timer.status.next)
        next = timer.trigger.schedule.next(began)
        timer.status = replace(timer.status, last=began, next=next, updated=began)
        if timer.trigger.is_monitored:
            await self._commit.commit([SaveTimer(timer.status)])
        timer.running = False
        if timer.stopped:
            self._replace(timer)
        else:
            self._plan(timer)

    def _replace(self, timer: _Timer) -> None:
        """Remove a timer that has stopped, and schedule its successor if there is one."""
        name = timer.trigger.function.name.lower()
        if self._timers.get(name) is timer:
            del self._timers[name]
        if timer.successor is not None:
            self._begin(timer.successor)

    def _crashed(self, error: BaseException) -> None:
        log.critical(
            "The timer functions stopped [EH407]: %s",
            error,
            exc_info=None if isinstance(error, StateError) else error,
        )
        if self._on_fatal:
            self._on_fatal(error)


def _same(a: TimerTrigger, b: TimerTrigger) -> bool:
    return (a.schedule, a.run_on_startup, a.use_monitor) == (
        b.schedule,
        b.run_on_startup,
        b.use_monitor,
    )


def _status(kept: TimerRow | None, schedule: Schedule, now: datetime) -> TimerRow | None:
    """Return the stored status. If the schedule has changed, compute the next run again.

    If the changed schedule was due before ``now``, this due time does not count as a missed run.
    Returns None if there is no stored status.
    """
    if kept is None:
        return None
    expected = schedule.next(kept.last or kept.updated)
    if kept.next == expected:
        return kept
    if expected is not None and now > expected:
        return replace(kept, last=None, next=schedule.next(now), updated=now)
    return replace(kept, last=None, next=expected, updated=kept.last or kept.updated)


def _request(timer: _Timer, past_due: bool = False) -> str:
    monitored = timer.trigger.is_monitored
    return timer_request(timer.trigger.schedule, timer.status if monitored else None, past_due)


def _formatted(time: datetime, schedule: Schedule) -> str:
    return time.astimezone(schedule.zone).isoformat(" ", "seconds")
