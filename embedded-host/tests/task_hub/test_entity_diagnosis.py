from __future__ import annotations

from datetime import datetime, timedelta

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import OPERATION, lock_request_message, request_message
from embedded_host.history import LISTED
from embedded_host.store.interface import (
    Change,
    InstanceRow,
    MessageRow,
    PutMessage,
    SaveEntity,
    SaveInstance,
)
from embedded_host.task_hub.entity_diagnosis import EntityQueueState, entity_queue_state
from tests.task_hub.kit import T0, store_in_memory

SINCE = "2026-01-02T03:04:05Z"


def put(id: int, text: str, name: str = OPERATION, due: datetime | None = None) -> Change:
    return PutMessage(MessageRow(id, 1, None, due, h.event_raised(T0, name, text)))


def operation(id: int, *, caller: str | None = None, due: datetime | None = None) -> Change:
    text = request_message(
        request_id=str(id),
        operation="add",
        input=None,
        signal=caller is None,
        now=T0,
        parent=caller,
    )
    return put(id, text, due=due)


def queue_state(
    *changes: Change, locked_by: str | None = None, is_running: bool = False
) -> EntityQueueState:
    store = store_in_memory()
    row = InstanceRow(1, "Hub", "@counter@k", "@counter", "Running", T0, T0, "")
    owner = InstanceRow(2, "Hub", "owner", "Order", "Suspended", T0, T0, "e")
    store.write(
        [SaveInstance(row), SaveInstance(owner), SaveEntity(1, True, "1", locked_by), *changes]
    )
    found = entity_queue_state(store, "Hub", row, is_running=is_running)
    assert found is not None
    assert entity_queue_state(store, "Hub", owner) is None
    return found


def test_an_entity_without_operations_is_idle() -> None:
    assert queue_state().text == "It is idle: no operation is queued."
    assert queue_state(is_running=True).text == (
        "It runs operations on a worker. No operation is queued."
    )


def test_the_operations_in_the_queue_are_listed_with_their_callers() -> None:
    state = queue_state(operation(1, caller="order-1"), operation(2))
    assert state.text == (
        f"2 operations are queued: 'add' of 'order-1' since {SINCE}; 'add' since {SINCE}."
    )
    assert state.document()["queuedOperations"] == [
        {"operation": "add", "receivedTime": SINCE, "caller": "order-1"},
        {"operation": "add", "receivedTime": SINCE},
    ]


def test_the_owner_of_the_lock_is_named() -> None:
    request = lock_request_message(
        request_id="r", parent="order-2", lock_set=["@counter@k"], position=0
    )
    state = queue_state(put(1, request), locked_by="owner")
    assert state.text == (
        "It is locked by 'owner' (Suspended). "
        f"1 operation is queued: 'lock' of 'order-2' since {SINCE}."
    )
    assert queue_state(locked_by="gone").text == (
        "It is locked by 'gone' (purged). No operation is queued."
    )


def test_a_delayed_signal_is_not_in_the_queue_yet() -> None:
    state = queue_state(operation(1, due=T0 + timedelta(hours=1)))
    assert state.text == (
        "It is idle: no operation is queued. 1 delayed signal: 'add' due at 2026-01-02T04:04:05Z."
    )


def test_operations_over_the_limit_are_counted_and_other_messages_are_ignored() -> None:
    count = LISTED + 2
    state = queue_state(*map(operation, range(1, count + 1)), put(50, "{}", "Event"))
    assert state.text.startswith(f"{count} operations are queued: ")
    assert state.text.endswith("; and 2 more.")
