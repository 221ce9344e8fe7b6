from __future__ import annotations

from datetime import datetime, timezone

import pytest

from embedded_host.store.interface import InstanceQuery
from embedded_host.store.query_conditions import (
    all_conditions,
    creation_conditions,
    id_conditions,
    status_condition,
    unindexed_conditions,
    value_conditions,
)

TIME = datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)


def test_an_empty_query_restricts_only_the_hub() -> None:
    conditions = all_conditions("Hub", InstanceQuery())
    assert (conditions.where, conditions.values) == ("hub = :hub", {"hub": "Hub"})


@pytest.mark.parametrize(
    ("query", "where", "values"),
    [
        (
            InstanceQuery(id_prefix="a"),
            "id >= :first AND id < :last",
            {"first": "a", "last": "a\U0010ffff"},
        ),
        (InstanceQuery(after_id="a"), "id > :after", {"after": "a"}),
    ],
)
def test_a_prefix_and_a_page_are_ranges_of_ids(
    query: InstanceQuery, where: str, values: dict[str, str]
) -> None:
    assert (id_conditions(query).where, id_conditions(query).values) == (where, values)


def test_times_are_microseconds_and_bounds_are_inclusive() -> None:
    conditions = creation_conditions(InstanceQuery(created_from=TIME, created_to=TIME))
    assert conditions.where == "created >= :created_from AND created <= :created_to"
    assert conditions.values == {"created_from": 1_000_000, "created_to": 1_000_000}


def test_a_prefix_of_the_column_keeps_sqlite_from_using_its_index() -> None:
    query = InstanceQuery(statuses=("Running", "Failed"), created_from=TIME, id_prefix="a")
    assert status_condition(query, "+").where == "+status IN (:status0, :status1)"
    assert creation_conditions(query, "+").where.startswith("+created")
    assert id_conditions(query, "+").where.startswith("+id")


def test_a_wait_is_narrowed_by_a_name_and_an_unknown_kind_matches_nothing() -> None:
    wide, narrow = (
        unindexed_conditions(InstanceQuery(waiting="event")),
        unindexed_conditions(InstanceQuery(waiting="event:Go")),
    )
    assert "name = :waiting" not in wide.where
    assert (" AND name = :waiting" in narrow.where, narrow.values) == (True, {"waiting": "Go"})
    assert unindexed_conditions(InstanceQuery(waiting="unknown")).terms[0] == "0"


def test_the_conditions_for_entities_and_orchestrations_are_opposites() -> None:
    only = unindexed_conditions(InstanceQuery(entities=True)).where
    assert unindexed_conditions(InstanceQuery(entities=False)).where == f"NOT {only}"


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("order-1 failed", ["%order-1 failed%"]),
        ('"', ['%"%', r'%\\"%', r'%\\\\\\"%']),
        ("ë", ["%ë%", r"%\\u00eb%", r"%\\\\u00eb%"]),
    ],
)
def test_a_search_has_one_pattern_for_each_distinct_form(text: str, patterns: list[str]) -> None:
    assert list(value_conditions(InstanceQuery(search=text)).values.values()) == patterns
