"""The lists of instances."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from embedded_host.engine import history as h
from embedded_host.store.instance_lists import SORTS, InstanceLists, ListedInstance
from embedded_host.store.interface import (
    ActivityRow,
    InstanceQuery,
    MessageRow,
    PutActivity,
    PutMessage,
    SaveEntity,
    SaveInstance,
    SetAwaited,
    SetInput,
)
from embedded_host.store.overview import Overview
from embedded_host.store.sqlite import SqliteStore
from tests.store.rows import T0, row

ALL = InstanceQuery(entities=False)


@pytest.fixture
def lists(overview: Overview) -> InstanceLists:
    return overview.lists


def ids(lists: InstanceLists, query: InstanceQuery | None = None, **options: object) -> list[str]:
    return [row.id for row in lists.page("hub", query or ALL, **options)]  # type: ignore[arg-type]


def test_lists_and_counts_contain_the_instances_that_match_the_query(
    store: SqliteStore, lists: InstanceLists
) -> None:
    store.write(
        [
            row(1, "order-1", "Order", "Completed"),
            row(2, "order-2", "Order", "Failed"),
            row(3, "report-1", "Report", "Completed"),
            row(4, "elsewhere", hub="Other"),
            row(5, "@counter@a", "@counter"),
            SaveEntity(5, True, "1"),
        ]
    )
    assert ids(lists) == ["report-1", "order-2", "order-1"]
    assert ids(lists, InstanceQuery(entities=False, statuses=("Completed",))) == [
        "report-1",
        "order-1",
    ]
    assert ids(lists, InstanceQuery(entities=False, name="Order")) == ["order-2", "order-1"]
    assert ids(lists, InstanceQuery(entities=False, id_prefix="order-")) == [
        "order-2",
        "order-1",
    ]
    assert ids(lists, InstanceQuery(entities=False, created_from=T0 + timedelta(seconds=2))) == [
        "report-1",
        "order-2",
    ]
    assert ids(lists, InstanceQuery(entities=False, created_to=T0 + timedelta(seconds=2))) == [
        "order-2",
        "order-1",
    ]
    assert ids(lists, InstanceQuery(entities=True)) == ["@counter@a"]
    assert lists.counts("hub", ALL) == {"Completed": 2, "Failed": 1}


@pytest.mark.parametrize("sort", SORTS)
def test_pages_are_sorted_by_every_column_in_both_directions(
    store: SqliteStore, lists: InstanceLists, sort: str
) -> None:
    rows = [row(n, f"i-{n}", f"F{n % 3}", ("Running", "Failed")[n % 2]) for n in range(1, 20)]
    store.write(rows)
    values = {
        "created": lambda r: r.created,
        "updated": lambda r: r.updated,
        "id": lambda r: r.id,
        "name": lambda r: r.name,
        "status": lambda r: r.status,
        "duration": lambda r: r.updated - r.created,
    }
    up = [values[sort](row) for row in lists.page("Hub", ALL, sort, False)]
    down = [values[sort](row) for row in lists.page("Hub", ALL, sort, True)]
    assert up == sorted(up)
    assert down == up[::-1]
    pages = [listed.id for n in (0, 7, 14) for listed in lists.page("Hub", ALL, sort, True, 7, n)]
    assert sorted(pages) == sorted(saved.row.id for saved in rows)


def test_live_instances_are_found_by_their_waits(store: SqliteStore, lists: InstanceLists) -> None:
    parent = h.parent_instance("Parent", "parent", "e", 0)
    due = T0 + timedelta(days=1)
    store.write(
        [
            row(1, "activity"),
            PutActivity(ActivityRow(1, 1, "e", 0, "Echo", "1")),
            row(2, "timer"),
            PutMessage(MessageRow(1, 2, "e", due, h.timer_fired(T0, 0, due))),
            row(3, "parent"),
            row(4, "child", "Child", parent=parent),
            row(5, "done", status="Completed"),
            row(8, "gone", status="Terminated"),
            row(9, "orphan", "Child", parent=h.parent_instance("Parent", "gone", "e", 0)),
            row(6, "event"),
            SetAwaited(6, [("event", "Approval"), ("event", "Stop")]),
            PutMessage(MessageRow(3, 6, "e", due, h.timer_fired(T0, 0, due))),
            row(7, "entity", status="Suspended"),
            SetAwaited(7, [("entity", "@counter@a")]),
        ]
    )
    assert ids(lists, InstanceQuery(entities=False, waiting="activity")) == ["activity"]
    assert ids(lists, InstanceQuery(entities=False, waiting="activity:Echo")) == ["activity"]
    assert ids(lists, InstanceQuery(entities=False, waiting="activity:Other")) == []
    assert ids(lists, InstanceQuery(entities=False, waiting="timer")) == ["event", "timer"]
    assert ids(lists, InstanceQuery(entities=False, waiting="child")) == ["parent"]
    assert ids(lists, InstanceQuery(entities=False, waiting="child:Child")) == ["parent"]
    assert ids(lists, InstanceQuery(entities=False, waiting="event")) == ["event"]
    assert ids(lists, InstanceQuery(entities=False, waiting="event:Approval")) == ["event"]
    assert ids(lists, InstanceQuery(entities=False, waiting="event:approval")) == []
    assert ids(lists, InstanceQuery(entities=False, waiting="event:@counter@a")) == []
    assert ids(lists, InstanceQuery(entities=False, waiting="entity")) == ["entity"]
    assert ids(lists, InstanceQuery(entities=False, waiting="entity:@counter@a")) == ["entity"]
    assert ids(lists, InstanceQuery(entities=False, waiting="entity:@counter@b")) == []
    assert ids(lists, InstanceQuery(entities=False, waiting="nonsense")) == []
    waits = lists.waits("hub", lists.page("hub", ALL))
    assert waits == {
        1: ["activity Echo"],
        2: ["timer 1767398400000000"],
        3: ["child Child"],
        4: [],
        9: [],
        6: ["timer 1767398400000000", "event Approval", "event Stop"],
        7: ["entity @counter@a"],
    }


def failed(key: int, id: str, error: str, name: str = "F") -> SaveInstance:
    return SaveInstance(replace(row(key, id, name, "Failed").row, output=error))


def found(lists: InstanceLists, **conditions: object) -> list[str]:
    """Return the ids of the matching instances, and check that all reads agree on them."""
    query = InstanceQuery(entities=False, **conditions)  # type: ignore[arg-type]
    listed = ids(lists, query, sort="id", descending=False)
    assert sum(lists.counts("Hub", query).values()) == len(listed)
    start = int(T0.timestamp() * 1_000_000)
    assert sum(lists.started_by_interval("Hub", query, start, 10**9).values()) == len(listed)
    return listed


def test_a_search_finds_a_part_of_every_value_and_of_the_id(
    store: SqliteStore, lists: InstanceLists
) -> None:
    store.write(
        [
            row(1, "order-02400"),
            SaveInstance(replace(row(2, "b", status="Completed").row, output='{"city":"Ōsaka"}')),
            SaveInstance(replace(row(3, "c").row, custom_status='"50% done"')),
            row(4, "d"),
            SetInput(4, json.dumps(json.dumps({"item": "a_b\\c"}))),
            failed(5, "e", "Card REFUSED"),
            row(6, "f", hub="Other"),
            SetInput(6, '"item"'),
        ]
    )
    assert found(lists, search="0240") == ["order-02400"]
    assert found(lists, search="Ōsaka") == ["b"]
    assert found(lists, search='"city":') == ["b"]
    assert found(lists, search="% d") == ["c"]
    assert found(lists, search='"item": "a_b') == ["d"]
    assert found(lists, search="a%c") == []
    assert found(lists, search="refused") == ["e"]
    assert found(lists, search="refused", statuses=("Running",)) == []
    assert found(lists, failed_with="card refused") == ["e"]
    assert found(lists, failed_with="city") == []
    assert found(lists) == ["b", "c", "d", "e", "order-02400"]
    store.write([SaveInstance(replace(row(1, "order-02400").row, output='"Ōsaka"'))])
    assert found(lists, search="Ōsaka") == ["b", "order-02400"], "a commit changes the result"


@pytest.mark.parametrize("inner_ascii", [False, True])
@pytest.mark.parametrize("outer_ascii", [False, True])
def test_a_search_finds_text_in_json_and_in_json_in_a_json_string(
    store: SqliteStore, lists: InstanceLists, inner_ascii: bool, outer_ascii: bool
) -> None:
    value = {"who": "Zoë 😀", "path": "C:\\temp", "q": 'read "hi"', "lines": "a\nb"}
    once = json.dumps(value, ensure_ascii=inner_ascii)
    twice = json.dumps(once, ensure_ascii=outer_ascii)
    store.write([row(1, "http"), SetInput(1, once), row(2, "client"), SetInput(2, twice)])
    for text in ("Zoë", "zoë 😀", "C:\\temp", 'read "hi"', "a\nb"):
        assert found(lists, search=text) == ["client", "http"], text
    assert found(lists, search="Zoé") == []


def test_a_text_with_a_nul_matches_nothing(store: SqliteStore, lists: InstanceLists) -> None:
    store.write([row(1, "a"), SetInput(1, '"a"'), failed(2, "b", "ValueError: b")])
    for text in ("\0", "a\0", "\0a"):
        assert found(lists, search=text) == []
        assert found(lists, failed_with=text) == []


def test_failures_are_grouped_by_their_causes(store: SqliteStore, lists: InstanceLists) -> None:
    store.write(
        [
            *(failed(n, f"i-{n}", f"ValueError: order {n} has no items") for n in (1, 2, 3)),
            failed(4, "t", "Orchestrator function 'F' failed: TimeoutError: 30 s\ndetail"),
            row(5, "fine", status="Completed"),
        ]
    )
    first, second = lists.causes("hub", ALL)
    assert (first.cause, first.count) == (("F", "ValueError", "order … has no items"), 3)
    assert (second.cause, second.example.id) == (("F", "TimeoutError", "… s"), "t")
    assert found(lists, cause=first.cause.key) == ["i-1", "i-2", "i-3"]
    assert found(lists, cause=first.cause.key, id_prefix="i-2") == ["i-2"]
    assert found(lists, cause="none") == []
    assert [group.count for group in lists.causes("hub", replace(ALL, search="order 2"))] == [1]


def test_a_failed_child_is_counted_once_with_its_failed_parent(
    store: SqliteStore, lists: InstanceLists
) -> None:
    def child(key: int, id: str, parent: str, error: str) -> SaveInstance:
        above = h.parent_instance("Parent", parent, "e", 0)
        return SaveInstance(
            replace(row(key, id, "Child", "Failed", parent=above).row, output=error)
        )

    raised = "Activity function 'Pay' failed: ValueError: refused"
    store.write(
        [
            failed(1, "p-1", f"Orchestrator function 'Child' failed: {raised}"),
            child(2, "c-1", "p-1", raised),
            child(3, "c-2", "p-1", "TimeoutError: late"),
            row(4, "p-2"),
            child(5, "c-3", "p-2", raised),
        ]
    )
    refused, late = lists.causes("hub", ALL)
    assert (refused.cause.function, refused.count, late.count) == ("Pay", 2, 1)
    assert [cause.count for cause in lists.causes("hub", replace(ALL, parent_id="p-1"))] == [1, 1]
    assert [cause.count for cause in lists.causes("hub", replace(ALL, top_level=True))] == [1]


def test_only_failures_have_causes(store: SqliteStore, lists: InstanceLists) -> None:
    store.write([failed(1, "a", "ValueError: a")])
    assert lists.causes("hub", replace(ALL, statuses=("Completed",))) == []
    assert len(lists.causes("hub", replace(ALL, statuses=("Completed", "Failed")))) == 1


def test_children_are_counted_and_found_by_their_parent(
    store: SqliteStore, lists: InstanceLists
) -> None:
    above = h.parent_instance("Parent", "parent", "e", 0)
    store.write(
        [row(1, "parent"), row(2, "child-1", parent=above), row(3, "child-2", parent=above)]
    )
    page = lists.page("Hub", ALL)
    assert lists.child_counts("hub", page) == {"parent": 2}
    assert [(listed.id, listed.parent_id) for listed in page] == [
        ("child-2", "parent"),
        ("child-1", "parent"),
        ("parent", None),
    ]
    assert found(lists, parent_id="parent") == ["child-1", "child-2"]
    assert found(lists, parent_id="child-1") == []
    assert found(lists, top_level=True) == ["parent"]


def test_the_children_of_an_instance_are_read_from_their_index(
    store: SqliteStore, lists: InstanceLists
) -> None:
    statements: list[str] = []
    lists._connection.set_trace_callback(statements.append)
    lists.child_counts("Hub", [ListedInstance(1, "a", "F", "Running", 1, 1)])
    lists._connection.set_trace_callback(None)
    plan = [row[3] for row in lists._connection.execute(f"EXPLAIN QUERY PLAN {statements[0]}")]
    assert any("instances_by_parent" in line for line in plan)


def test_continue_as_new_counts_executions_and_keeps_the_first_creation(
    store: SqliteStore, lists: InstanceLists
) -> None:
    first = row(1, "loop").row
    store.write([SaveInstance(first)])
    assert (listed := lists.page("Hub", ALL)[0]).executions == 1
    assert listed.first_created is None
    for number, created in ((2, T0 + timedelta(hours=1)), (3, T0 + timedelta(hours=2))):
        again = replace(first, execution_id=f"e{number}", created=created, continued=True)
        store.write([SaveInstance(again), SaveInstance(replace(again, continued=False))])
        store.write([SaveInstance(replace(again, continued=False))])
    listed = lists.page("Hub", ALL)[0]
    assert listed.executions == 3
    assert listed.first_created == int(first.created.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("query", "sort", "index"),
    [
        (ALL, "created", "instances_by_creation"),
        (ALL, "id", "sqlite_autoindex_instances_1"),
        (InstanceQuery(entities=False, id_prefix="a"), "id", "sqlite_autoindex_instances_1"),
    ],
)
def test_a_page_is_read_from_its_index_without_sorting(
    store: SqliteStore, lists: InstanceLists, query: InstanceQuery, sort: str, index: str
) -> None:
    plans: list[str] = []
    connection = lists._connection
    explained = [select for select in _statements(lists, query, sort) if "LIMIT" in select]
    assert explained
    for select in explained:
        keys = select[select.index("(SELECT key") + 1 : select.rindex(") ORDER")]
        plans += [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {keys}")]
    assert any(index in line for line in plans)
    assert not [line for line in plans if "TEMP B-TREE" in line]


def _statements(lists: InstanceLists, query: InstanceQuery, sort: str) -> list[str]:
    """Return the SQL statements of a page, with their values."""
    statements: list[str] = []
    lists._connection.set_trace_callback(statements.append)
    lists.page("Hub", query, sort)
    lists._connection.set_trace_callback(None)
    return statements
