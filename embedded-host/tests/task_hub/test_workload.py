"""The running and queued work of a task hub, and the durations that it measures."""

from __future__ import annotations

import asyncio

from embedded_host.engine.entity_messages import EntityId
from embedded_host.task_hub.workload import QueueLength
from tests.support.polling import eventually_async
from tests.task_hub.waiting_app import new_gated_hub


async def test_running_and_queued_work_is_counted() -> None:
    host, invoker = new_gated_hub(max_activities=1, max_orchestrators=7)
    invoker.gate = asyncio.Event()
    await host.client.start("Works", '"2"', "i-1")
    await eventually_async(lambda: host.hub.workload().activities.queued == 1, "one waits")
    work = host.hub.workload()
    assert work.activities == QueueLength(running=1, queued=1, limit=1)
    assert work.turns == QueueLength(0, 0, 7)
    assert (work.http_calls.running, work.timers, work.instances_in_memory) == (0, 0, 1)
    invoker.gate.set()
    await host.idle()
    assert host.hub.workload().activities == QueueLength(0, 0, 1)


async def test_timers_that_are_not_due_are_counted() -> None:
    host, _ = new_gated_hub()
    await host.start("Sleeps")
    assert host.hub.workload().timers == 1


async def test_turns_and_activities_are_measured() -> None:
    host, _ = new_gated_hub(max_activities=1)
    await host.start("Works", input=2)
    await host.client.signal_entity(EntityId("counter", "k"), "add", "1")
    await host.idle()
    measured = host.hub.measurements
    turns = {labels: histogram.count for labels, histogram in measured.turns}
    assert turns[("orchestrator", "Works")] >= 2
    assert turns[("entity", "counter")] == 1
    activities = {labels: histogram.count for labels, histogram in measured.activities}
    assert activities == {("Double", "succeeded"): 2}
    assert {labels: h.count for labels, h in measured.activity_waits} == {("Double",): 2}


async def test_failed_activities_are_measured_apart() -> None:
    host, _ = new_gated_hub()
    await host.start("Retries")
    assert ("Flaky", "failed") in {labels for labels, _ in host.hub.measurements.activities}
