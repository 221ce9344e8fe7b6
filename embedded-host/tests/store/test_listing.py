"""The lists of instances, with every index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_host.store import listing
from embedded_host.store.interface import InstanceQuery, InstanceRow, SaveEntity, SaveInstance
from embedded_host.store.sqlite import SqliteStore

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)
STATUSES = ("Completed", "Failed", "Running", "Terminated")
HOURS = st.none() | st.integers(-1, 13).map(lambda hours: T0 + timedelta(hours=hours))


def rows() -> list[InstanceRow]:
    """Return two instances of each status in each of twelve hours, and four entities.

    The order of their ids is not that of their times.
    """
    instances = [
        (
            f"{'abc'[(hour * 5 + n) % 3]}{(hour * 7 + n * 11) % 13:02}{status[0]}{n}",
            status,
            hour,
        )
        for hour, status, n in product(range(12), STATUSES, range(2))
    ]
    instances += [(f"@counter@{key}", "Running", key) for key in range(4)]
    return [
        InstanceRow(
            n + 1,
            "Hub",
            id,
            "Any",
            status,
            T0 + timedelta(hours=h),
            T0 + timedelta(hours=h + n % 3),
            "e",
        )
        for n, (id, status, h) in enumerate(instances)
    ]


ROWS = rows()


@pytest.fixture(scope="module")
def store() -> Iterator[SqliteStore]:
    other = InstanceRow(9999, "Other", "a", "Any", "Failed", T0, T0, "e")
    entities = [SaveEntity(row.key, True, "{}") for row in ROWS if row.id.startswith("@")]
    with closing(SqliteStore(None)) as store:
        store.write([*map(SaveInstance, [*ROWS, other]), *entities])
        yield store


@given(
    query=st.builds(
        InstanceQuery,
        id_prefix=st.sampled_from([None, "", "a", "b0", "@", "zz"]),
        created_from=HOURS,
        created_to=HOURS,
        statuses=st.lists(st.sampled_from([*STATUSES, "Nap"]), max_size=4).map(tuple),
        after_id=st.none() | st.sampled_from(sorted(row.id for row in ROWS)),
        entities=st.sampled_from([None, True, False]),
        updated_from=HOURS,
        updated_to=HOURS,
    ),
    limit=st.integers(1, 120),
    few=st.sampled_from([0, 5, 2000]),
)
def test_a_list_has_the_matching_instances_in_order_of_id(
    store: SqliteStore, query: InstanceQuery, limit: int, few: int
) -> None:
    def matches(row: InstanceRow) -> bool:
        return (
            row.id.startswith(query.id_prefix or "")
            and (query.created_from is None or row.created >= query.created_from)
            and (query.created_to is None or row.created <= query.created_to)
            and (query.updated_from is None or row.updated >= query.updated_from)
            and (query.updated_to is None or row.updated <= query.updated_to)
            and (not query.statuses or row.status in query.statuses)
            and (query.after_id is None or row.id > query.after_id)
            and (query.entities is None or query.entities == row.id.startswith("@"))
        )

    expected = sorted(row.id for row in ROWS if matches(row))[:limit]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "FEW", few)
        assert [row.id for row in store.list("hub", query, limit)] == expected


@pytest.mark.parametrize(
    ("query", "few", "index"),
    [
        (InstanceQuery(), 2000, "sqlite_autoindex_instances_1"),
        (InstanceQuery(statuses=("Failed", "Terminated")), 2000, "instances_by_status"),
        (InstanceQuery(created_from=T0), 2000, "instances_by_creation"),
        (InstanceQuery(created_from=T0, statuses=("Failed",)), 2000, "instances_by_creation"),
        (InstanceQuery(created_from=T0), 5, "sqlite_autoindex_instances_1"),
        (InstanceQuery(created_from=T0, statuses=("Failed",)), 5, "instances_by_status"),
        (InstanceQuery(id_prefix="a"), 2000, "sqlite_autoindex_instances_1"),
    ],
)
def test_a_list_is_read_by_the_expected_index(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, query: InstanceQuery, few: int, index: str
) -> None:
    monkeypatch.setattr(listing, "FEW", few)
    select, values = listing.list_query(store._reader, "Hub", query, 100)
    plan = [row[3] for row in store._reader.execute(f"EXPLAIN QUERY PLAN {select}", values)]
    used = {
        word
        for line in plan
        for word in line.split()
        if word.startswith(("instances_by", "sqlite_auto"))
    }
    assert used == {index}
    if index != "instances_by_creation":
        assert not [line for line in plan if "TEMP B-TREE" in line and len(query.statuses) < 2]
