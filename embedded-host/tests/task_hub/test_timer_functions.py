"""Timer functions with a manual clock: their runs, their requests and their stored status."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import Binding, Function
from embedded_host.app.timer_trigger import TimerTrigger
from embedded_host.store.interface import SaveTimer, StateError, TimerRow
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.clock import WallClock
from embedded_host.task_hub.commit import InlineCommit
from embedded_host.task_hub.timer_functions import TimerFunctions
from tests.task_hub.kit import ManualClock

NOON = datetime(2026, 11, 23, 12, 0, 30, tzinfo=timezone.utc)
MINUTELY = "0 * * * * *"


def trigger(
    name: str, schedule: str | None = MINUTELY, environ: dict[str, str] | None = None, **more: Any
) -> TimerTrigger:
    """Create a trigger. Raises ScheduleError."""
    binding = Binding("timerTrigger", "timer", "in", {"schedule": schedule, **more})
    function = Function(name, Path(name), Path(name) / "__init__.py", "main", (binding,))
    return TimerTrigger.of(function, environ or {})


class Kit:
    """Timer functions that record their runs. Runs do not end while ``free`` is not set."""

    def __init__(self, store: SqliteStore, clock: ManualClock | None = None) -> None:
        self.store, self.clock = store, clock or ManualClock(NOON)
        self.runs: list[tuple[str, str, bool]] = []
        self.requests: list[dict[str, Any]] = []
        self.most_at_once = self._now_running = 0
        self.free = asyncio.Event()
        self.free.set()
        self.fatal: list[BaseException] = []
        self.service = TimerFunctions(
            "Hub",
            store,
            InlineCommit(store),
            self._run,
            self.clock,
            automatic=False,
            on_fatal=self.fatal.append,
        )

    async def _run(self, function: Function, text: str) -> None:
        request = json.loads(text)
        self.requests.append(request)
        self.runs.append((function.name, self.clock.at.strftime("%H:%M:%S"), request["IsPastDue"]))
        self._now_running += 1
        self.most_at_once = max(self.most_at_once, self._now_running)
        await self.free.wait()
        self._now_running -= 1

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def start(self, *triggers: TimerTrigger) -> None:
        self.service.start(triggers)
        await self.settle()

    async def reload(self, *triggers: TimerTrigger) -> None:
        self.service.reload(triggers)
        await self.settle()

    async def advance(self, **by: float) -> None:
        """Advance the clock from one due time to the next, until ``by`` has passed."""
        end = self.clock.at + timedelta(**by)
        await self.settle()
        while True:
            due = self.service.next_due
            self.clock.at = min(max(due, self.clock.at), end) if due else end
            self.service.fire_due()
            await self.settle()
            if due is None or due > end:
                self.clock.at = end
                return

    @property
    def times(self) -> list[str]:
        return [time for _, time, _ in self.runs]


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    store = SqliteStore(None)
    yield store
    store.close()


@pytest.fixture
async def kit(store: SqliteStore) -> Kit:
    return Kit(store)


async def test_a_timer_function_runs_when_it_is_due(kit: Kit) -> None:
    await kit.start(trigger("A"), trigger("B", "0 1/2 * * * *"))
    assert kit.runs == []
    await kit.advance(minutes=3)
    assert sorted(kit.runs) == [
        ("A", "12:01:00", False),
        ("A", "12:02:00", False),
        ("A", "12:03:00", False),
        ("B", "12:01:00", False),
        ("B", "12:03:00", False),
    ]


async def test_a_timer_function_receives_its_schedule_and_status(kit: Kit) -> None:
    await kit.start(
        trigger("A", environ={"WEBSITE_TIME_ZONE": "Europe/Berlin"}),
        trigger("Often", "*/20 * * * * *"),
    )
    await kit.advance(minutes=1)
    first, often, *_ = sorted(kit.requests, key=lambda request: request["ScheduleStatus"] is None)
    assert first == {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": {
            "Last": "0001-01-01T00:00:00+00:00",
            "Next": "2026-11-23T13:01:00+01:00",
            "LastUpdated": "2026-11-23T13:00:30+01:00",
        },
        "IsPastDue": False,
    }
    assert often == {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}


async def test_a_missed_time_is_made_up_for_once(store: SqliteStore, kit: Kit) -> None:
    await kit.start(trigger("A"))
    await kit.advance(minutes=1)
    assert await kit.service.close(1) == 0
    later = Kit(store, kit.clock)
    later.clock.at += timedelta(minutes=5)
    await later.start(trigger("A"))
    assert later.runs == [("A", "12:06:30", True)]
    assert later.requests[0]["ScheduleStatus"]["Next"] == "2026-11-23T12:02:00+00:00"
    await later.advance(minutes=1)
    assert later.runs[1:] == [("A", "12:07:00", False)]


async def test_a_missed_first_time_is_made_up_for(store: SqliteStore, kit: Kit) -> None:
    await kit.start(trigger("A"))
    later = Kit(store, kit.clock)
    later.clock.at += timedelta(minutes=1)
    await later.start(trigger("A"))
    assert later.runs == [("A", "12:01:30", True)]


@pytest.mark.parametrize(
    "later_trigger",
    [
        trigger("A", "0 0 13 * * *"),
        trigger("A", MINUTELY, useMonitor=False),
        trigger("A", "*/7 * * * * *"),
        trigger("A", MINUTELY, environ={"WEBSITE_TIME_ZONE": "Asia/Kolkata"}, useMonitor="False"),
        trigger("Other"),
    ],
)
async def test_no_missed_time_is_made_up_for_without_a_matching_status(
    store: SqliteStore, kit: Kit, later_trigger: TimerTrigger
) -> None:
    """The later trigger has another schedule, no monitor, or another function."""
    await kit.start(trigger("A"))
    later = Kit(store, kit.clock)
    later.clock.at += timedelta(minutes=5)
    await later.start(later_trigger)
    assert later.runs == []


async def test_a_changed_schedule_starts_now(store: SqliteStore, kit: Kit) -> None:
    await kit.start(trigger("A"))
    await kit.advance(minutes=1)
    later = Kit(store, kit.clock)
    later.clock.at += timedelta(minutes=5)
    await later.start(trigger("a", "30 * * * * *"))
    assert store.timer("hub", "A") == TimerRow(
        "Hub", "A", None, later.clock.at + timedelta(minutes=1), later.clock.at
    )
    assert later.runs == []
    await later.advance(minutes=1)
    assert later.times == ["12:07:30"]


async def test_each_task_hub_has_its_own_timer_status(store: SqliteStore, kit: Kit) -> None:
    store.write(
        [
            SaveTimer(
                TimerRow("Another", "A", None, NOON - timedelta(hours=1), NOON - timedelta(hours=2))
            )
        ]
    )
    await kit.start(trigger("A", "0 0 * * * *"))
    assert kit.runs == []


async def test_run_on_startup_runs_once_at_each_start(store: SqliteStore, kit: Kit) -> None:
    await kit.start(trigger("A", runOnStartup=True))
    assert kit.runs == [("A", "12:00:30", False)]
    await kit.advance(minutes=1)
    assert kit.times == ["12:00:30", "12:01:00"]
    later = Kit(store, kit.clock)
    later.clock.at += timedelta(hours=1)
    await later.start(trigger("A", runOnStartup=True))
    assert later.runs == [("A", "13:01:30", True)], "it runs once, although there are two reasons"


async def test_a_timer_function_never_runs_concurrently_with_itself(kit: Kit) -> None:
    kit.free.clear()
    await kit.start(trigger("A"))
    await kit.advance(minutes=5)
    assert kit.times == ["12:01:00"]
    kit.free.set()
    await kit.advance(seconds=10)
    assert kit.times == ["12:01:00", "12:05:30"], "missed times are made up for by one run"
    await kit.advance(minutes=1)
    assert kit.times[2:] == ["12:06:00"]
    assert kit.most_at_once == 1


async def test_a_schedule_can_be_an_interval(kit: Kit) -> None:
    await kit.start(trigger("A", "00:00:20"))
    await kit.advance(minutes=1)
    assert kit.times == ["12:00:50", "12:01:10", "12:01:30"]
    assert kit.requests[0] == {
        "Schedule": {"AdjustForDST": False},
        "ScheduleStatus": None,
        "IsPastDue": False,
    }


async def test_a_schedule_without_a_due_time_never_runs(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "embedded_host.timers")
    only = trigger("A", "0 0 0 31 2 *")
    await kit.start(only)
    assert "Timer 'A' (0 0 0 31 2 *) is never due." in caplog.text
    await kit.advance(days=400)
    assert kit.runs == []
    request = json.loads(kit.service.request_for(only.function))
    assert request["ScheduleStatus"]["Next"] == "9999-12-31T23:59:59.9999999+00:00"


async def test_a_clock_that_is_set_back_repeats_no_due_time(kit: Kit) -> None:
    kit.free.clear()
    await kit.start(trigger("A"))
    await kit.advance(seconds=30)
    kit.clock.at -= timedelta(seconds=10)
    kit.free.set()
    await kit.settle()
    assert kit.service.next_due == datetime(2026, 11, 23, 12, 2, tzinfo=timezone.utc)


class TestReload:
    async def test_an_unchanged_timer_continues_after_a_reload(self, kit: Kit) -> None:
        await kit.start(trigger("A", runOnStartup=True))
        await kit.reload(trigger("A", runOnStartup=True))
        await kit.advance(minutes=1)
        assert kit.times == ["12:00:30", "12:01:00"]

    async def test_a_reload_schedules_new_and_changed_functions_and_stops_removed_ones(
        self, kit: Kit
    ) -> None:
        await kit.start(trigger("Changed"), trigger("Gone"))
        await kit.reload(
            trigger("Changed", "15 * * * * *"), trigger("New", "20 * * * * *", runOnStartup=True)
        )
        assert kit.runs == [("New", "12:00:30", False)]
        await kit.advance(minutes=1)
        assert kit.runs[1:] == [("Changed", "12:01:15", False), ("New", "12:01:20", False)]

    async def test_a_changed_trigger_starts_after_the_running_function_ends(self, kit: Kit) -> None:
        kit.free.clear()
        await kit.start(trigger("A"))
        await kit.advance(seconds=30)
        await kit.reload(trigger("A", runOnStartup=True))
        await kit.reload(trigger("A", "45 * * * * *", runOnStartup=True))
        assert kit.times == ["12:01:00"]
        kit.free.set()
        await kit.settle()
        assert kit.times == ["12:01:00", "12:01:00"]
        await kit.advance(minutes=1)
        assert kit.times[2:] == ["12:01:45"]
        assert kit.most_at_once == 1

    async def test_a_function_that_is_removed_and_added_during_its_run_continues(
        self, kit: Kit
    ) -> None:
        kit.free.clear()
        await kit.start(trigger("A"))
        await kit.advance(seconds=30)
        await kit.reload()
        await kit.reload(trigger("A"))
        kit.free.set()
        await kit.advance(minutes=1)
        assert kit.times == ["12:01:00", "12:02:00"]
        await kit.reload()
        await kit.advance(minutes=5)
        assert len(kit.runs) == 2


async def test_close_cancels_functions_after_the_grace_period(store: SqliteStore, kit: Kit) -> None:
    kit.free.clear()
    await kit.start(trigger("A"))
    await kit.advance(minutes=1)
    assert kit.service.running == 1
    assert await kit.service.close(0.01) == 1
    later = Kit(store, kit.clock)
    await later.start(trigger("A"))
    assert later.runs == [("A", "12:01:30", True)], "it runs again, because it did not end"


async def test_a_failed_write_stops_the_timer_functions(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise StateError("The disk is full.")

    monkeypatch.setattr(kit.store, "write", full)
    await kit.start(trigger("A"))
    assert [str(error) for error in kit.fatal] == ["The disk is full."]


async def test_a_timer_function_runs_with_the_wall_clock(store: SqliteStore) -> None:
    ran = asyncio.Event()

    async def run(function: Function, text: str) -> None:
        ran.set()

    service = TimerFunctions("Hub", store, InlineCommit(store), run, WallClock())
    service.start([trigger("A", "00:00:00.05")])
    await asyncio.wait_for(ran.wait(), 5)
    await service.close(1)
