from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import LockRelease, LockRequest
from embedded_host.engine.messages import Message
from embedded_host.task_hub.inbox import EntityQueue, EntityWork, InboxItem
from tests.task_hub.kit import T0


def item(number: int, name: str, **document: Any) -> InboxItem:
    text = json.dumps({"id": f"r-{number}", **document})
    return InboxItem(Message(h.event_raised(T0, name, text)), number)


def operation(number: int, parent: str | None = None) -> InboxItem:
    return item(number, "op", op="add", parent=parent)


def lock(number: int, parent: str) -> InboxItem:
    return item(number, "op", parent=parent, lockset=[{"name": "a", "key": "b"}])


def release(number: int, parent: str) -> InboxItem:
    return item(number, "release", parent=parent)


def queue(*items: InboxItem) -> EntityQueue:
    filled = EntityQueue("@a@b")
    filled.add(items)
    return filled


def numbers(work: EntityWork | None) -> list[int | None]:
    assert work is not None
    return [item.message_id for item in work.items]


def test_operations_of_a_free_entity_run_in_batches() -> None:
    free = queue(operation(1), operation(2, "i-1"), operation(3))
    work = free.take(None, 2)
    assert numbers(work) == [1, 2]
    assert work is not None
    assert [request.id for request in work.operations] == ["r-1", "r-2"]
    assert numbers(free.take(None, 2)) == [3]
    assert free.take(None, 2) is None
    assert len(free) == 0


def test_a_batch_ends_before_a_lock_request() -> None:
    free = queue(operation(1), lock(2, "i-1"), operation(3, "i-1"))
    assert numbers(free.take(None, 9)) == [1]
    work = free.take(None, 9)
    assert work is not None
    assert (numbers(work), work.operations) == ([2], [])
    assert isinstance(work.lock_change, LockRequest)
    assert numbers(free.take("i-1", 9)) == [3]


def test_messages_of_others_wait_until_the_lock_changes() -> None:
    locked = queue(operation(1), lock(2, "i-2"), operation(3, "i-1"), operation(4, "i-2"))
    locked.add([operation(5, "i-1"), release(6, "i-1"), operation(7)])
    assert numbers(locked.take("i-1", 9)) == [3, 5]
    assert len(locked) == 5
    work = locked.take("i-1", 9)
    assert work is not None
    assert (numbers(work), work.lock_change) == ([6], LockRelease("r-6", "i-1"))
    locked.lock_changed()
    assert numbers(locked.take(None, 9)) == [1]
    assert numbers(locked.take(None, 9)) == [2]
    locked.lock_changed()
    assert numbers(locked.take("i-2", 9)) == [4]
    assert locked.take("i-2", 9) is None
    assert len(locked) == 1


def test_the_owner_may_lock_again() -> None:
    work = queue(lock(1, "i-1")).take("i-1", 9)
    assert work is not None
    assert isinstance(work.lock_change, LockRequest)


@pytest.mark.parametrize("locked_by", [None, "i-1"])
def test_a_release_by_another_instance_is_consumed(locked_by: str | None) -> None:
    work = queue(release(1, "i-2")).take(locked_by, 9)
    assert work is not None
    assert (numbers(work), work.operations, work.lock_change) == ([1], [], None)


@pytest.mark.parametrize("locked_by", [None, "i-1"])
def test_other_events_are_consumed(locked_by: str | None, caplog: pytest.LogCaptureFixture) -> None:
    others = queue(
        InboxItem(Message(h.event_raised(T0, "Go", "7")), 1),
        InboxItem(Message(h.event_raised(T0, "op", "7")), 2),
        InboxItem(Message(h.generic(T0, "x")), 3),
    )
    assert numbers(others.take(locked_by, 9)) == [1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        "An event for the entity '@a@b' was dropped: 7 is not a valid operation. [EH403]"
    ]
