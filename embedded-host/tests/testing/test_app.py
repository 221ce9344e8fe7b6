"""Time and orchestrations in the app under test."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from embedded_host.testing import DurableApp, NotFinishedError, UnknownFunctionError
from tests.testing.conftest import entries


async def test_run_returns_the_finished_instance(shop: DurableApp) -> None:
    order = await shop.run("Order", 7)
    assert (order.status, order.output) == ("Completed", ["paid 7", "shipped"])
    assert entries() == [7]


async def test_names_are_compared_without_regard_to_case(shop: DurableApp) -> None:
    assert (await shop.run("order", 7)).name == "Order"


async def test_an_unknown_name_raises_with_a_similar_name_or_all_names(shop: DurableApp) -> None:
    with pytest.raises(UnknownFunctionError, match=r"no orchestrator 'Ordr'. Did you mean 'Order'"):
        await shop.run("Ordr")
    with pytest.raises(UnknownFunctionError, match=r"Known names: .*Approval.*Tally"):
        await shop.start("Zzz")


async def test_run_advances_the_clock_to_the_timers_due_time(shop: DurableApp) -> None:
    began = shop.now
    reminder = await shop.run("Reminder")
    assert shop.now - began == timedelta(days=3)
    assert datetime.fromisoformat(reminder.output) == shop.now


async def test_a_timer_fires_when_the_clock_is_advanced_to_its_due_time(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.advance(hours=71)
    await shop.advance(timedelta(minutes=59))
    assert approval.status == "Running"
    await shop.advance(minutes=1)
    assert approval.output == "timed out"


async def test_timers_and_timer_functions_run_in_the_order_of_their_due_times(
    shop: DurableApp,
) -> None:
    await shop.start("Retrying", "late")
    shop.spy("Charge", failures=[RuntimeError])
    evening = shop.now + timedelta(hours=47, minutes=59, seconds=30)
    entries().clear()
    await shop.advance(evening - shop.now)
    assert entries() == ["tick"]  # one midnight has passed
    await shop.start("Retrying", "after a minute")
    await shop.advance(days=1)
    assert entries() == ["tick", "tick", "after a minute"]


async def test_run_raises_not_finished_error_after_its_timeout(shop: DurableApp) -> None:
    with pytest.raises(
        NotFinishedError, match=r"did not finish within 1:00:00. It waits for .*'Approval'"
    ):
        await shop.run("Approval", 72, timeout=timedelta(hours=1))


async def test_finish_of_a_suspended_instance_raises_not_finished_error(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.suspend(approval, "a break")
    await shop.advance(days=4)
    with pytest.raises(NotFinishedError, match=r"no durable timer is left. It has been suspended"):
        await shop.finish(approval)
    await shop.resume(approval)
    assert approval.output == "timed out"


async def test_run_continues_through_all_generations(shop: DurableApp) -> None:
    assert (await shop.run("CountTo", [1, 5])).output == 5
    assert shop.activity_runs == {"Double": 5}


async def test_parallel_functions_run_in_the_same_order_every_time(shop: DurableApp) -> None:
    def event_types() -> list[list[str]]:
        return [[type(event).__name__ for event in instance.history] for instance in shop.instances]

    runs = []
    for _ in range(5):
        await shop.run("Parent")
        runs.append(event_types())
        await shop.reset()
    assert all(run == runs[0] for run in runs)


@pytest.mark.parametrize("delta", [3, "3 days"])
async def test_advance_refuses_a_value_that_is_not_a_timedelta(
    shop: DurableApp, delta: Any
) -> None:
    with pytest.raises(
        TypeError,
        match=rf"requires a timedelta or keyword arguments.* not {delta!r}\. \[EH609\]$",
    ):
        await shop.advance(delta)


async def test_advance_refuses_a_negative_duration(shop: DurableApp) -> None:
    with pytest.raises(ValueError, match="forward only, not by -1 day, 23:00:00"):
        await shop.advance(hours=-1)


async def test_the_clock_starts_at_the_given_time_in_utc(shop_root: Path) -> None:
    noon = datetime(2030, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with DurableApp(str(shop_root), now=noon) as app:
        assert app.now == noon
        assert (await app.run("Reminder")).output == "2030-06-04T10:00:00+00:00"
