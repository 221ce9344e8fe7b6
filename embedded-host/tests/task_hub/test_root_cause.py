"""The search for the instance that a tree of instances waits for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.store.interface import (
    AppendHistory,
    Change,
    InstanceRow,
    SaveEntity,
    SaveInstance,
    SetAwaited,
)
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub import root_cause as module
from embedded_host.task_hub.recorded_waits import recorded_history, recorded_waits
from embedded_host.task_hub.root_cause import RootCause, root_cause
from tests.task_hub.kit import T0, store_in_memory

SINCE = "2026-01-02T03:04:05Z"


class Tree:
    """A store with instances that wait."""

    def __init__(self) -> None:
        self.store: SqliteStore = store_in_memory()
        self._keys = 0

    def add(
        self,
        id: str,
        *waits: HistoryEvent,
        event: str | None = None,
        undelivered: Sequence[str] = (),
        status: str = "Running",
    ) -> None:
        """Add an instance with open calls, or with a wait for an external event."""
        self._keys += 1
        started = h.execution_started(
            T0, instance_id=id, execution_id=f"x-{id}", name="Order", input=None
        )
        raised = [h.event_raised(T0, name, None) for name in undelivered]
        awaited = [("event", event)] if event else []
        changes: list[Change] = [
            SaveInstance(InstanceRow(self._keys, "Hub", id, "Order", status, T0, T0, f"x-{id}")),
            AppendHistory(self._keys, 0, (started, *waits, *raised)),
            SetAwaited(self._keys, awaited + [("undelivered", name) for name in undelivered]),
        ]
        self.store.write(changes)

    def lock(self, entity_id: str, owner: str) -> None:
        """Add an entity that an orchestration has locked."""
        self._keys += 1
        row = InstanceRow(self._keys, "Hub", entity_id, "@counter", "Running", T0, T0, "")
        self.store.write([SaveInstance(row), SaveEntity(self._keys, True, "1", owner)])

    def cause(self, id: str) -> RootCause | None:
        row = self.store.instance("Hub", id)
        assert row is not None
        waits = recorded_waits(self.store, row, recorded_history(self.store, row))
        return root_cause(self.store, "Hub", row, waits)

    def text(self, id: str) -> str:
        cause = self.cause(id)
        assert cause is not None
        return cause.text


def child(id: str, task_id: int = 0) -> HistoryEvent:
    return h.sub_orchestration_created(T0, task_id, "Child", id, None)


def entity_call(entity_id: str, task_id: int = 0) -> HistoryEvent:
    text = request_message(
        request_id=f"r-{task_id}", operation="add", input=None, signal=False, now=T0
    )
    return h.event_sent(T0, task_id, entity_id, "op", text)


def timer(task_id: int = 0) -> HistoryEvent:
    return h.timer_created(T0, task_id, T0 + timedelta(hours=1))


@pytest.mark.parametrize(
    ("id", "label"),
    [
        ("tree-0:west", "west"),
        ("tree-0-2026", "-2026"),
        ("tree-0:0001", ":0001"),
        ("x-tree-0:1", ":1"),
        ("tree-0west", "tree-0west"),
        ("other", "other"),
    ],
)
def test_the_path_omits_the_id_of_the_parent(id: str, label: str) -> None:
    tree = Tree()
    tree.add("tree-0", child(id))
    tree.add(id, event="StockCounted")
    cause = tree.cause("tree-0")
    assert cause is not None
    assert cause.path == ["tree-0", label]
    assert cause.instance_ids == ["tree-0", id]
    text = f"tree-0 > {label} waits for the external event 'StockCounted' since {SINCE}"
    assert cause.text == text


def test_an_instance_without_children_and_locks_has_no_root_cause() -> None:
    tree = Tree()
    tree.add("a", timer(), h.task_scheduled(T0, 1, "Ship"), entity_call("@counter@k", 2))
    assert tree.cause("a") is None


def test_a_wait_on_which_a_user_can_act_is_selected_and_the_others_are_counted() -> None:
    tree = Tree()
    tree.add("a", timer(), child("a:b", 1), child("a:c", 2), child("a:d", 3))
    tree.add("a:b", timer())
    tree.add("a:c", event="Go")
    tree.add("a:d", h.task_scheduled(T0, 0, "Ship"))
    assert tree.text("a") == (
        f"a > c waits for the external event 'Go' since {SINCE}; 2 more sub-orchestrations are open"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("Suspended", f"has been suspended since {SINCE}: resume it"),
        ("Pending", f"waits for its first turn since {SINCE}"),
        ("Running", f"waits for a turn or an external event since {SINCE}"),
    ],
)
def test_the_status_of_a_child_is_the_reason(status: str, reason: str) -> None:
    tree = Tree()
    tree.add("a", child("a:b"))
    tree.add("a:b", status=status)
    assert tree.text("a") == f"a > b {reason}"


def test_a_finished_or_purged_child_is_not_the_root_cause() -> None:
    tree = Tree()
    tree.add("a", child("a:b"), child("purged", 1))
    tree.add("a:b", status="Completed")
    assert tree.cause("a") is None


def test_the_owner_of_a_lock_is_followed() -> None:
    tree = Tree()
    tree.add("a", entity_call("@counter@k"))
    tree.add("owner", child("owner:ship"))
    tree.add("owner:ship", event="Shipped")
    tree.lock("@counter@k", "owner")
    assert tree.text("a") == (
        f"a > @counter@k > owner > ship waits for the external event 'Shipped' since {SINCE}"
    )


def test_a_deadlock_is_reported() -> None:
    tree = Tree()
    tree.add("a", child("b"))
    tree.add("b", entity_call("@counter@k"))
    tree.lock("@counter@k", "a")
    assert tree.text("a") == (
        "a > b > @counter@k > a waits for the instances before it: a deadlock. Terminate one"
    )


def test_the_own_wait_of_an_inner_instance_may_be_the_root_cause() -> None:
    tree = Tree()
    tree.add("a", child("a:b"))
    tree.add("a:b", child("a:b:c"))
    tree.add("a:b:c", timer())
    row = tree.store.instance("Hub", "a:b")
    assert row is not None
    tree.store.write([SetAwaited(row.key, [("event", "Go")])])
    assert tree.text("a").startswith("a > b waits for the external event 'Go'")


def test_the_undelivered_events_of_the_leaf_are_reported() -> None:
    tree = Tree()
    tree.add("a", child("a:b"))
    tree.add("a:b", event="Approval", undelivered=["Apprval"])
    assert tree.text("a").endswith(
        f". The event 'Apprval' was received at {SINCE}, but nothing waits for it. "
        "Did you mean 'Approval'?"
    )


def test_the_number_of_examined_instances_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXAMINED", 3)
    tree = Tree()
    tree.add("a", *(child(f"a:{number}", number) for number in range(9)))
    for number in range(9):
        tree.add(f"a:{number}", *([timer()] if number < 3 else []), event="Go" * (number // 3))
    assert "the timer due" in tree.text("a")
    monkeypatch.setattr(module, "EXAMINED", 4)
    assert "the external event 'Go'" in tree.text("a")
