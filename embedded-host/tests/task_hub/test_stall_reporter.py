"""Reports of stalled instances."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from embedded_host.task_hub import stall_reporter
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.hub import HubDependencies, TaskHub
from embedded_host.task_hub.stall_reporter import LINES
from tests.support.polling import eventually_async
from tests.task_hub.kit import HubUnderTest
from tests.task_hub.waiting_app import BEGAN, new_gated_hub


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if "waited for" in record.msg or " waits for " in record.getMessage()
    ]


async def test_a_stalled_instance_is_reported_once_after_30_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_gated_hub()
    stalls = host.hub.stalls.timer
    await host.start("Waits")
    instance = host.hub.cached("i-1")
    assert instance is not None
    host.hub.stalls.instance_waits(instance)  # it received a message that it does not wait for
    host.clock.advance(29)
    stalls.fire_due()
    assert lines(caplog) == []
    host.clock.advance(1)
    stalls.fire_due()
    expected = [f"Instance 'i-1' of 'Waits' waits for the external event 'Go' since {BEGAN}."]
    assert lines(caplog) == expected
    await host.raise_event("Unheard")  # it runs a turn and waits again
    host.clock.advance(100)
    stalls.fire_due()
    assert lines(caplog) == expected, "only once"
    assert len(stalls) == 0


async def test_an_event_that_nothing_waits_for_is_in_the_report(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_gated_hub()
    await host.start("Waits")
    await host.raise_event("Goo")
    host.clock.advance(30)
    host.hub.stalls.timer.fire_due()
    [line] = lines(caplog)
    assert line.endswith("nothing waits for it. Did you mean 'Go'?")


async def test_an_instance_whose_code_has_changed_is_replayed_for_the_report(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_gated_hub()
    await host.start("Waits")
    host.hub.forget_executions()
    host.clock.advance(30)
    host.hub.stalls.timer.fire_due()
    await eventually_async(lambda: bool(lines(caplog)), "the instance is reported")
    assert lines(caplog) == [
        f"Instance 'i-1' of 'Waits' waits for the external event 'Go' since {BEGAN}."
    ]


async def test_an_instance_that_has_waited_since_an_earlier_host_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host, invoker = new_gated_hub()
    await host.start("Waits")
    await host.kill()
    host = HubUnderTest(invoker, host.store, host.clock)
    host.hub.start()
    assert host.hub.cached("i-1") is None
    host.clock.advance(30)
    host.hub.stalls.timer.fire_due()
    await eventually_async(lambda: bool(lines(caplog)), "the instance is reported")
    assert lines(caplog) == [
        f"Instance 'i-1' of 'Waits' waits for the external event 'Go' since {BEGAN}."
    ]


async def test_an_instance_that_changed_meanwhile_is_not_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_gated_hub()
    stalls = host.hub.stalls.timer
    await host.start("Several")
    await host.start("Waits", "i-2")
    host.clock.advance(20)
    await host.raise_event("Unheard")
    await host.raise_event("Go", instance_id="i-2")
    host.clock.advance(10)
    stalls.fire_due()
    assert lines(caplog) == []
    host.clock.advance(20)
    stalls.fire_due()
    assert [line.split("'")[1] for line in lines(caplog)] == ["i-1"], (
        "30 s after its last turn, without the instance that finished"
    )


async def test_a_report_names_some_instances_and_counts_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_gated_hub()
    for number in range(LINES + 2):
        await host.start("Waits", f"i-{number}")
    host.clock.advance(30)
    host.hub.stalls.timer.fire_due()
    reported = lines(caplog)
    assert len(reported) == LINES + 1
    assert (
        reported[-1]
        == "2 more instances have waited for 30 s. See the dashboard's list of instances."
    )


async def test_a_suspended_instance_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_gated_hub()
    await host.start("Waits")
    await host.client.suspend("i-1", None)
    await host.idle()
    host.clock.advance(60)
    host.hub.stalls.timer.fire_due()
    assert lines(caplog) == []
    await host.client.resume("i-1", None)
    await host.idle()
    host.clock.advance(30)
    host.hub.stalls.timer.fire_due()
    assert len(lines(caplog)) == 1, "once it waits for an event"


async def test_with_the_wall_clock_stalls_are_reported_automatically(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The report is scheduled when an instance starts to wait."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(stall_reporter, "STALL_TIME", timedelta(seconds=0.05))
    host, invoker = new_gated_hub()
    hub = TaskHub(
        "Other", host.hub.settings, HubDependencies(host.store, host.hub._commit, invoker)
    )
    await HubClient(hub).start("Waits", None, "i-1")
    await eventually_async(lambda: bool(lines(caplog)), "the instance is reported")
    await hub.close(0)


async def test_instances_that_stall_one_after_the_other_are_reported_together(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host, _ = new_gated_hub()
    stalls = host.hub.stalls.timer
    for number in range(20):
        await host.start("Waits", f"i-{number}")
        host.clock.advance(0.1)
    host.clock.advance(28)
    stalls.fire_due()
    assert len(lines(caplog)) == 1, "the first"
    host.clock.advance(0.9)
    stalls.fire_due()
    assert len(lines(caplog)) == 1, "not within a second"
    host.clock.advance(0.1)
    stalls.fire_due()
    assert len(lines(caplog)) == 1 + LINES + 1
    host.clock.advance(60)
    stalls.fire_due()
    assert sum(int(line.split()[0]) if line[0].isdigit() else 1 for line in lines(caplog)) == 20
    assert (len(stalls), host.hub.stalls.watched) == (0, [])


async def test_the_number_of_watched_instances_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall_reporter, "WATCHED", 3)
    host, _ = new_gated_hub()
    for number in range(5):
        await host.start("Waits", f"i-{number}")
    await host.raise_event("Unheard", instance_id="i-1")
    assert host.hub.stalls.watched == ["i-0", "i-2", "i-1"]
    await host.raise_event("Go", instance_id="i-0")
    await host.raise_event("Unheard", instance_id="i-4")
    assert host.hub.stalls.watched == ["i-2", "i-1", "i-4"]
