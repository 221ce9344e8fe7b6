"""Tests of the work queue, with workers that only receive items."""

from __future__ import annotations

import asyncio
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest
from google.protobuf.wrappers_pb2 import Int32Value

from embedded_host.scheduler import work_queue
from embedded_host.scheduler.work_items import WorkItem
from embedded_host.scheduler.work_queue import Delivery, WorkerStream, WorkQueue
from embedded_worker.sdk2.grpc_server import WorkItemKind
from tests.support.polling import eventually_async


def activity(name: str = "A", kind: WorkItemKind = "activity", version: str = "") -> WorkItem:
    return WorkItem(
        kind, name, version, "i", lambda: pb.WorkItem(activityRequest=pb.ActivityRequest(name=name))
    )


def request(limit: int = 0, *names: str) -> pb.GetWorkItemsRequest:
    filters = pb.WorkItemFilters(activities=[pb.ActivityFilter(name=name) for name in names])
    return pb.GetWorkItemsRequest(
        maxConcurrentActivityWorkItems=limit, workItemFilters=filters if names else None
    )


class Queue(WorkQueue):
    """A queue whose items run in tasks."""

    def __init__(self) -> None:
        super().__init__("hub")
        self.tasks: list[asyncio.Task[Any]] = []

    async def add(self, *items: WorkItem) -> None:
        self.tasks += [asyncio.ensure_future(self.run(item)) for item in items]
        await asyncio.sleep(0)


async def received(stream: WorkerStream) -> pb.WorkItem:
    item = await asyncio.wait_for(stream.next(), 5)
    assert item is not None
    return item


def names(stream: WorkerStream) -> list[str]:
    """Return the names of the items in the worker's outbox."""
    found = []
    while not stream.outbox.empty():
        delivery = stream.outbox.get_nowait()
        assert isinstance(delivery, Delivery)
        found.append(delivery.item.name)
    return found


async def test_a_worker_receives_no_more_items_than_it_allows() -> None:
    queue = Queue()
    stream = queue.connect(request(2))
    await queue.add(*map(activity, "ABC"))
    first = await received(stream)
    assert (first.activityRequest.name, names(stream)) == ("A", ["B"])
    queue.complete("activity", first.completionToken, pb.ActivityResponse(taskId=1))
    await asyncio.sleep(0)
    assert names(stream) == ["C"]
    assert (await queue.tasks[0]).taskId == 1


async def test_items_go_to_the_worker_with_the_fewest_items() -> None:
    queue = Queue()
    streams = [queue.connect(request()) for _ in range(2)]
    await queue.add(*map(activity, "ABCD"))
    assert [names(stream) for stream in streams] == [["A", "C"], ["B", "D"]]


async def test_an_item_waits_for_a_worker_that_accepts_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(work_queue, "UNACCEPTED", 0.0)
    queue = Queue()
    other = queue.connect(request(0, "B"))
    await queue.add(activity("A", version="2"))
    await eventually_async(lambda: "EH414" in caplog.text, "the item is logged")
    assert "accepts the activity 'A' (version 2) of the instance 'i'" in caplog.text
    stream = queue.connect(request(0, "A"))
    assert (names(other), names(stream)) == ([], ["A"])


async def test_an_unknown_token_is_ignored() -> None:
    queue = Queue()
    stream = queue.connect(request())
    await queue.add(activity())
    token = (await received(stream)).completionToken
    queue.complete("activity", "unknown", pb.ActivityResponse())
    queue.complete("entity", token, pb.EntityBatchResult())
    queue.abandon("activity", "unknown")
    assert not queue.tasks[0].done()
    queue.complete("activity", token, pb.ActivityResponse(taskId=1))
    queue.complete("activity", token, pb.ActivityResponse(taskId=2))
    assert (await queue.tasks[0]).taskId == 1


async def test_the_items_of_a_lost_worker_are_delivered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work_queue, "GRACE", 0.05)
    queue = Queue()
    lost = queue.connect(request(2))
    await queue.add(activity("A"), activity("B"))
    token = (await received(lost)).completionToken
    other = queue.connect(request())
    queue.disconnect(lost)
    assert names(other) == ["B"]  # the lost worker had not received it
    assert (await received(other)).activityRequest.name == "A"
    queue.complete("activity", token, pb.ActivityResponse())
    assert not queue.tasks[0].done()


async def test_a_lost_worker_may_complete_its_items_for_some_time() -> None:
    queue = Queue()
    lost = queue.connect(request())
    await queue.add(activity("A"))
    token = (await received(lost)).completionToken
    queue.disconnect(lost)
    queue.complete("activity", token, pb.ActivityResponse(taskId=3))
    assert (await queue.tasks[0]).taskId == 3
    assert queue.items == []


async def test_an_abandoned_item_goes_to_another_worker_after_a_pause(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(work_queue, "FIRST_BACKOFF", 0.001)
    queue = Queue()
    streams = [queue.connect(request()) for _ in range(2)]
    await queue.add(activity("A"))
    for number in range(4):
        item = await received(streams[number % 2])
        queue.abandon("activity", item.completionToken)
        assert names(streams[0]) == names(streams[1]) == []
    assert "have abandoned the activity 'A' of the instance 'i' 4 times" in caplog.text


async def test_a_new_worker_ends_the_pause_of_an_abandoned_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work_queue, "FIRST_BACKOFF", 1000)
    queue = Queue()
    stream = queue.connect(request())
    await queue.add(activity("A"))
    queue.abandon("activity", (await received(stream)).completionToken)
    assert names(queue.connect(request(0, "B"))) == []
    assert names(queue.connect(request())) == ["A"]


async def test_a_turn_of_a_silent_worker_is_delivered_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(work_queue, "TURN_LIMIT", 0.02)
    queue = Queue()
    stream = queue.connect(request())
    await queue.add(activity("O", "orchestrator"))
    first, second = await received(stream), await received(stream)
    assert first.completionToken != second.completionToken
    assert "EH415" in caplog.text


async def test_the_parts_of_a_turns_result_are_joined() -> None:
    queue = Queue()
    stream = queue.connect(request())
    await queue.add(activity("O", "orchestrator"))
    token = (await received(stream)).completionToken
    for index, last in ((1, False), (0, False), (2, True)):
        part = pb.OrchestratorResponse(
            isPartial=not last,
            chunkIndex=Int32Value(value=index),
            actions=[pb.OrchestratorAction(id=index)],
        )
        queue.complete("orchestrator", token, part)
    response = await queue.tasks[0]
    assert [action.id for action in response.actions] == [0, 1, 2]


async def test_a_worker_without_history_receives_the_turn_again() -> None:
    queue = Queue()
    stream = queue.connect(request())
    await queue.add(activity("O", "orchestrator"))
    token = (await received(stream)).completionToken
    queue.complete("orchestrator", token, pb.OrchestratorResponse(requiresHistory=True))
    assert (await received(stream)).completionToken != token


async def test_an_unwanted_item_is_withdrawn() -> None:
    queue = Queue()
    item = activity()
    await queue.add(item)
    queue.withdraw_unwanted()
    assert not item.result.done()
    item.is_wanted = lambda: False
    queue.withdraw_unwanted()
    assert await queue.tasks[0] is None
    assert queue.items == []


async def test_a_cancelled_call_is_removed() -> None:
    queue = Queue()
    await queue.add(activity())
    queue.tasks[0].cancel()
    await asyncio.wait(queue.tasks)
    assert queue.items == []


async def test_an_item_that_is_not_needed_any_more_is_not_sent() -> None:
    queue = Queue()
    stream = queue.connect(request())
    unneeded = activity("A")
    unneeded.request = lambda: None
    await queue.add(unneeded, activity("B"))
    assert (await received(stream)).activityRequest.name == "B"
    assert await queue.tasks[0] is None


async def test_a_closed_queue_ends_the_streams() -> None:
    queue = Queue()
    stream = queue.connect(request())
    queue.close()
    assert await stream.next() is None
    assert await queue.connect(request()).next() is None
