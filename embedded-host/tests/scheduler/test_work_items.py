"""Tests of work items."""

from __future__ import annotations

import durabletask.internal.orchestrator_service_pb2 as pb

from embedded_host.scheduler.work_items import WorkItem


async def test_a_description_names_the_function_and_the_instance() -> None:
    turn = WorkItem("orchestrator", "O", "2", "i", pb.WorkItem)
    batch = WorkItem("entity", "counter", "", "@counter@k", pb.WorkItem)
    assert turn.description == "the orchestrator 'O' (version 2) of the instance 'i'"
    assert batch.description == "a batch of the entity '@counter@k'"


async def test_the_first_result_counts() -> None:
    item = WorkItem("activity", "A", "", "i", pb.WorkItem)
    response = pb.ActivityResponse()
    item.finish(response)
    item.withdraw()
    assert await item.result is response
