"""The tests of the storage contract in ``embedded_host/store/interface.py``.

A subclass of ``StoreContract`` provides the fixture ``store``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.store.interface import (
    ActivityRow,
    Address,
    AppendHistory,
    Change,
    DeleteHistory,
    DeleteInstance,
    DeletePending,
    DeleteTaskHub,
    Due,
    EntityRow,
    InstanceQuery,
    InstanceRow,
    LockedEntity,
    MessageRow,
    PutActivity,
    PutMessage,
    SaveEntity,
    SaveInstance,
    SaveTimer,
    SetAwaited,
    SetInput,
    StateReader,
    Store,
    TakeActivity,
    TakeMessage,
    TimerRow,
)

T0 = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
PLAIN = InstanceRow(1, "Hub", "a", "Main", "Pending", T0, T0, "e-1")
FULL = InstanceRow(
    key=2,
    hub="Hub",
    id="b é@#/\U0001f600",
    name="Main",
    status="Completed",
    created=T0,
    updated=T0 + timedelta(microseconds=1),
    execution_id="e-2",
    generation=None,
    parent=h.parent_instance("é", "p", "pe", 3),
    continued=True,
    custom_status='{"é":1}',
    output="plain text, not JSON",
    tags='{"é":"1"}',
)


def message(
    id: int, instance: int = 1, execution: str | None = "e-1", due: datetime | None = None
) -> MessageRow:
    return MessageRow(id, instance, execution, due, h.event_raised(T0, "é", None))


def activity(id: int, instance: int = 1, execution: str = "e-1") -> ActivityRow:
    return ActivityRow(id, instance, execution, 3, "Echo", '"é"')


EVERYTHING: list[Change] = [
    SaveInstance(PLAIN),
    SetInput(1, '"in"'),
    AppendHistory(1, 0, (h.orchestrator_started(T0),)),
    PutMessage(message(1)),
    PutActivity(activity(1)),
    SetAwaited(1, [("event", "Go")]),
    SaveEntity(1, True, "8"),
]


def belongings(store: StateReader, key: int = 1) -> list[Any]:
    activities = [row for row, _ in store.all_activities() if row.instance == key]
    return [
        store.input(key),
        store.history(key),
        store.messages(key),
        activities,
        store.awaited(key),
        store.entity(key),
    ]


class StoreContract:
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        raise NotImplementedError

    @pytest.fixture
    def listed(self, store: Store) -> Store:
        """Return a store with a0 ... a4, B and an entity in hub One, and a0 in hub Two."""
        rows = [
            replace(
                PLAIN,
                key=10 + i,
                hub="One",
                id=f"a{i}",
                status=["Running", "Completed"][i % 2],
                created=T0 + timedelta(hours=i),
                updated=T0 + timedelta(days=i),
            )
            for i in (3, 0, 4, 1, 2)
        ]
        others = [
            replace(PLAIN, key=20, hub="Two", id="a0"),
            replace(PLAIN, key=21, hub="One", id="B", name="Other"),
        ]
        entity = replace(PLAIN, key=22, hub="One", id="@counter@k", status="Running")
        store.write([*map(SaveInstance, [*rows, *others, entity]), SaveEntity(22, True, None)])
        store.write(
            [SetAwaited(10, [("event", "Go")]), SetAwaited(11, [("event", "Go")])]
        )  # a1 has completed
        return store

    # -- instances ---------------------------------------------------------------------------------

    @pytest.mark.parametrize("row", [PLAIN, FULL], ids=["plain", "full"])
    def test_a_saved_instance_is_returned_unchanged(self, store: Store, row: InstanceRow) -> None:
        store.write([SaveInstance(row)])
        assert store.instance(row.hub, row.id) == row

    def test_the_comparison_of_hubs_ignores_case_and_that_of_ids_does_not(
        self, store: Store
    ) -> None:
        store.write([SaveInstance(PLAIN), SaveInstance(replace(PLAIN, key=2, id="A"))])
        assert store.instance("hUB", "a") == PLAIN
        other = store.instance("Hub", "A")
        assert other is not None
        assert other.key == 2
        assert store.instance("Other", "a") is None
        assert store.instance("Hub", "unknown") is None

    def test_an_update_does_not_change_hub_id_name_parent_and_tags(self, store: Store) -> None:
        store.write([SaveInstance(replace(FULL, key=1))])
        changed = replace(
            PLAIN, hub="X", id="X", name="X", parent=None, status="Running", custom_status="1"
        )
        store.write([SaveInstance(changed)])
        before = replace(FULL, key=1)
        assert store.instance("Hub", FULL.id) == replace(
            changed,
            hub=before.hub,
            id=before.id,
            name=before.name,
            parent=before.parent,
            tags=before.tags,
        )

    def test_deleting_an_instance_deletes_all_rows_of_that_instance_only(
        self, store: Store
    ) -> None:
        other = replace(PLAIN, key=2, id="other")
        other_changes: list[Change] = [
            SaveInstance(other),
            SetInput(2, "2"),
            AppendHistory(2, 0, (h.orchestrator_completed(T0),)),
            PutMessage(message(2, 2)),
            PutActivity(activity(2, 2)),
            SetAwaited(2, [("event", "Go")]),
            SaveEntity(2, True, "2"),
        ]
        store.write([*EVERYTHING, *other_changes])
        before = belongings(store, 2)
        store.write([DeleteInstance(1)])
        assert store.instance("Hub", "a") is None
        assert belongings(store) == [None, [], [], [], [], None]
        assert belongings(store, 2) == before
        assert store.instance("Hub", "other") == other

    def test_deleting_a_task_hub_deletes_its_instances_and_timers_only(self, store: Store) -> None:
        other = replace(PLAIN, key=2, hub="Other")
        other_changes: list[Change] = [
            SaveInstance(other),
            SetInput(2, "2"),
            PutMessage(message(2, 2)),
        ]
        timers = [TimerRow(hub, "Tick", None, None, T0) for hub in ("Hub", "Other")]
        store.write([*EVERYTHING, *other_changes, *map(SaveTimer, timers)])
        store.write([DeleteTaskHub("hUB")])
        assert store.instance("Hub", "a") is None
        assert belongings(store) == [None, [], [], [], [], None]
        assert store.timer("Hub", "Tick") is None
        assert store.instance("Other", "a") == other
        assert (store.input(2), store.messages(2)) == ("2", [message(2, 2)])
        assert store.timer("Other", "Tick") == timers[1]

    def test_an_id_can_be_reused_in_the_same_write(self, store: Store) -> None:
        store.write(EVERYTHING)
        store.write([DeleteInstance(1), SaveInstance(replace(PLAIN, key=2))])
        reused = store.instance("Hub", "a")
        assert reused is not None
        assert reused.key == 2

    def test_highest_keys_returns_the_highest_key_and_ids(self, store: Store) -> None:
        assert store.highest_keys() == (0, 0, 0)
        store.write(
            [
                SaveInstance(replace(PLAIN, key=7)),
                PutMessage(message(8, 7)),
                PutActivity(activity(9, 7)),
            ]
        )
        store.write([PutMessage(message(5, 7)), PutActivity(activity(6, 7))])
        assert store.highest_keys() == (7, 8, 9)

    def test_continued_returns_the_instances_whose_flag_is_set(self, store: Store) -> None:
        store.write([SaveInstance(PLAIN), SaveInstance(FULL)])
        assert store.continued() == [Address("Hub", FULL.id)]
        store.write([SaveInstance(replace(FULL, continued=False))])
        assert store.continued() == []

    # -- rows of an instance ----------------------------------------------------------------------

    def test_a_lone_surrogate_matches_no_rows(self, store: Store) -> None:
        store.write([SaveInstance(PLAIN)])
        assert store.instance("Hub", "a\ud800") is None
        assert store.timer("Hub", "\udfff") is None
        assert list(store.due_after("\ud800", T0)) == []

    def test_an_input_is_set_replaced_and_deleted(self, store: Store) -> None:
        store.write([SaveInstance(PLAIN)])
        assert store.input(1) is None
        for input in ("", '"é\U0001f600"', "null"):
            store.write([SetInput(1, input)])
            assert store.input(1) == input
        store.write([SetInput(1, None)])
        assert store.input(1) is None

    @pytest.mark.parametrize("input", ["x" * 5000, '"é\\"\n"' * 1000, "short", None])
    def test_messages_and_history_contain_the_input_of_the_execution(
        self, store: Store, input: str | None
    ) -> None:
        version = '"Input":{"in":"inputs"}'
        started = h.execution_started(
            T0, instance_id="a", execution_id="e", name="Main", input=input, version=version
        )
        raised = h.event_raised(T0, "Go", "y" * 5000)
        events: list[HistoryEvent] = [started, raised]
        rows = [MessageRow(n, 1, None, None, event) for n, event in enumerate(events, 1)]
        store.write(
            [
                SaveInstance(PLAIN),
                SetInput(1, input),
                *map(PutMessage, rows),
                AppendHistory(1, 0, tuple(events)),
            ]
        )
        assert store.messages(1) == rows
        assert store.message(1, 1) == (rows[0], Address("Hub", "a"))
        assert [row for row, _ in store.all_messages()] == rows
        assert store.history(1) == [events]

    def test_history_is_in_order_of_turns(self, store: Store) -> None:
        turns: list[list[HistoryEvent]] = [[h.event_raised(T0, f"é{i}", None)] for i in range(12)]
        store.write(
            [
                SaveInstance(PLAIN),
                *(AppendHistory(1, i, tuple(turns[i])) for i in reversed(range(12))),
            ]
        )
        assert store.history(1) == turns
        store.write([DeleteHistory(1), AppendHistory(1, 0, ())])
        assert store.history(1) == [[]]
        assert store.history(2) == []

    def test_inboxes_are_in_order_of_ids(self, store: Store) -> None:
        rows = [message(3), message(1, execution=None), message(2, due=T0)]
        store.write([SaveInstance(PLAIN), *map(PutMessage, rows)])
        assert store.messages(1) == sorted(rows, key=attrgetter("id"))
        assert list(store.all_messages()) == [
            (row, Address("Hub", "a")) for row in sorted(rows, key=attrgetter("id"))
        ]
        assert [row.id for row, _ in store.all_messages(T0 - timedelta(seconds=1))] == [1, 3]
        assert [row.id for row, _ in store.all_messages(T0)] == [1, 2, 3]
        assert store.message(1, 3) == (rows[0], Address("Hub", "a"))
        assert (store.message(1, 9), store.message(2, 3)) == (None, None)
        store.write([TakeMessage(1, 2), TakeMessage(1, 99), TakeMessage(2, 1)])
        assert [row.id for row in store.messages(1)] == [1, 3]

    def test_due_after_returns_the_messages_that_are_due_later(self, store: Store) -> None:
        later = [message(n, due=T0 + timedelta(hours=n)) for n in range(1, 5)]
        store.write([SaveInstance(PLAIN), PutMessage(message(9)), *map(PutMessage, later)])
        assert list(store.due_after("hub", T0 + timedelta(hours=2))) == [
            Due(T0 + timedelta(hours=n), 1, n) for n in (3, 4)
        ]
        assert list(store.due_after("Other", T0)) == []

    def test_activities_are_in_order_of_ids(self, store: Store) -> None:
        rows = [activity(2), activity(1)]
        store.write([SaveInstance(PLAIN), *map(PutActivity, rows)])
        assert list(store.all_activities()) == [
            (row, Address("Hub", "a")) for row in sorted(rows, key=attrgetter("id"))
        ]
        store.write([TakeActivity(1, 1), TakeActivity(1, 99), TakeActivity(2, 2)])
        assert [row.id for row, _ in store.all_activities()] == [2]

    def test_deleting_pending_rows_keeps_external_events_and_other_executions(
        self, store: Store
    ) -> None:
        rows = [
            message(1),
            message(2, due=T0),
            message(3, execution=None),
            message(4, execution="e-2"),
        ]
        others = [message(5, instance=2)]
        store.write([SaveInstance(PLAIN), SaveInstance(replace(PLAIN, key=2, id="other"))])
        store.write(
            [
                *map(PutMessage, rows + others),
                PutActivity(activity(1)),
                PutActivity(activity(2, 1, "e-2")),
            ]
        )
        store.write([DeletePending(1, "e-1")])
        assert [row.id for row, _ in store.all_messages()] == [3, 4, 5]
        assert [row.id for row, _ in store.all_activities()] == [2]

    def test_the_list_of_awaited_events_is_replaced(self, store: Store) -> None:
        store.write([SaveInstance(PLAIN)])
        assert store.awaited(1) == []
        for awaited in (
            [("event", "Go"), ("event", "go")],
            [("entity", "@counter@é"), ("event", "Go"), ("undelivered", "Goo")],
            [],
        ):
            store.write([SetAwaited(1, awaited)])
            assert store.awaited(1) == awaited

    def test_the_state_of_an_entity_is_updated(self, store: Store) -> None:
        store.write([SaveInstance(PLAIN)])
        assert store.entity(1) is None
        for state in (
            EntityRow(False, None, None),
            EntityRow(True, "8", "i-1"),
            EntityRow(False, "null", None),
        ):
            store.write([SaveEntity(1, *state)])
            assert store.entity(1) == state

    def test_locked_entities_are_listed(self, store: Store) -> None:
        ids = ["@a@2", "@a@1", "@a@3", "@a@4"]
        rows = [replace(PLAIN, key=key, id=id) for key, id in enumerate(ids, 1)]
        other = replace(PLAIN, key=9, id="@a@1", hub="Other")
        store.write([*map(SaveInstance, [*rows, other])])
        store.write([SaveEntity(key, False, None, "owner") for key in (1, 2, 4, 9)])
        store.write([SaveEntity(3, True, "1"), SaveEntity(4, True, "1")])
        assert store.locked_entities(PLAIN.hub.upper()) == [
            LockedEntity(2, "@a@1", "owner"),
            LockedEntity(1, "@a@2", "owner"),
        ]

    # -- writing -----------------------------------------------------------------------------------

    def test_the_schedule_status_of_a_timer_function_is_updated(self, store: Store) -> None:
        never = TimerRow("Hub", "Tick", None, None, T0)
        store.write([SaveTimer(never), SaveTimer(TimerRow("Other", "Tick", T0, T0, T0))])
        assert store.timer("hub", "tick") == never
        assert store.timer("Hub", "Tock") is None
        ran = TimerRow("Hub", "Tick", T0 + timedelta(microseconds=1), T0 + timedelta(hours=1), T0)
        store.write([SaveTimer(ran)])
        assert store.timer("Hub", "Tick") == ran

    def test_changes_are_applied_in_order(self, store: Store) -> None:
        store.write(
            [
                SaveInstance(PLAIN),
                PutMessage(message(1)),
                DeletePending(1, "e-1"),
                PutMessage(message(2)),
            ]
        )
        assert [row.id for row in store.messages(1)] == [2]

    def test_a_write_that_fails_changes_nothing(self, store: Store) -> None:
        store.write([SaveInstance(PLAIN), AppendHistory(1, 0, ())])
        with pytest.raises(Exception, match=r"."):
            store.write([*EVERYTHING[1:2], PutMessage(message(1)), AppendHistory(1, 0, ())])
        assert belongings(store) == [None, [[]], [], [], [], None]
        store.write([PutMessage(message(1))])
        assert len(store.messages(1)) == 1

    def test_a_write_without_changes_is_accepted(self, store: Store) -> None:
        store.write([])
        assert store.highest_keys() == (0, 0, 0)

    # -- lists -------------------------------------------------------------------------------------

    QUERIES: list[tuple[str, InstanceQuery, list[str]]] = [  # noqa: RUF012 - a table, never changed
        ("all", InstanceQuery(), ["@counter@k", "B", "a0", "a1", "a2", "a3", "a4"]),
        ("prefix", InstanceQuery(id_prefix="a"), ["a0", "a1", "a2", "a3", "a4"]),
        ("exact prefix", InstanceQuery(id_prefix="a2"), ["a2"]),
        ("prefix with a wildcard of SQL", InstanceQuery(id_prefix="a_"), []),
        ("empty prefix", InstanceQuery(id_prefix="", entities=True), ["@counter@k"]),
        ("status", InstanceQuery(statuses=("Completed",)), ["a1", "a3"]),
        ("statuses", InstanceQuery(statuses=("Completed", "Pending")), ["B", "a1", "a3"]),
        ("unknown status", InstanceQuery(statuses=("Nap",)), []),
        ("from", InstanceQuery(created_from=T0 + timedelta(hours=3)), ["a3", "a4"]),
        ("to", InstanceQuery(id_prefix="a", created_to=T0 + timedelta(hours=1)), ["a0", "a1"]),
        ("after an id", InstanceQuery(after_id="a2"), ["a3", "a4"]),
        (
            "after an id with prefix",
            InstanceQuery(after_id="B", id_prefix="a"),
            ["a0", "a1", "a2", "a3", "a4"],
        ),
        ("entities", InstanceQuery(entities=True), ["@counter@k"]),
        (
            "orchestrations",
            InstanceQuery(entities=False, statuses=("Running",)),
            ["a0", "a2", "a4"],
        ),
        (
            "updated",
            InstanceQuery(updated_from=T0 + timedelta(days=1), updated_to=T0 + timedelta(days=2)),
            ["a1", "a2"],
        ),
        ("name", InstanceQuery(name="Other"), ["B"]),
        ("waiting", InstanceQuery(waiting="event:Go"), ["a0"]),
    ]

    @pytest.mark.parametrize(
        ("query", "ids"), [c[1:] for c in QUERIES], ids=[c[0] for c in QUERIES]
    )
    def test_a_list_contains_the_instances_that_match_the_query(
        self, listed: Store, query: InstanceQuery, ids: list[str]
    ) -> None:
        assert [row.id for row in listed.list("oNE", query, 100)] == ids

    @pytest.mark.parametrize(
        ("query", "ids"), [c[1:] for c in QUERIES], ids=[c[0] for c in QUERIES]
    )
    def test_a_scan_examines_a_limited_number_of_rows_per_call(
        self, listed: Store, query: InstanceQuery, ids: list[str]
    ) -> None:
        listed_ids: list[str] = []
        calls = 0
        while True:
            rows, last = listed.scan("oNE", query, 2)
            calls += 1
            listed_ids += [row.id for row in rows]
            if last is None:
                break
            query = replace(query, after_id=last)
        assert listed_ids == ids
        assert calls <= 4

    def test_pages_are_in_order_of_id_and_complete(self, listed: Store) -> None:
        listed_ids: list[str] = []
        while page := listed.list(
            "One", InstanceQuery(after_id=listed_ids[-1] if listed_ids else None), 3
        ):
            assert len(page) <= 3
            listed_ids += [row.id for row in page]
        assert listed_ids == ["@counter@k", "B", "a0", "a1", "a2", "a3", "a4"]

    def test_ids_are_ordered_by_code_points(self, store: Store) -> None:
        ids = ["", "é", "\U0001f600", "Z", "a", "aa", "a\U0010fffd", "\uffff"]
        store.write([SaveInstance(replace(PLAIN, key=i + 1, id=id)) for i, id in enumerate(ids)])
        assert [row.id for row in store.list("Hub", InstanceQuery(), 100)] == sorted(ids)
        assert [row.id for row in store.list("Hub", InstanceQuery(id_prefix="a"), 9)] == [
            "a",
            "aa",
            "a\U0010fffd",
        ]
