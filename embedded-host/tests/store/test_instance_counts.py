"""The numbers of instances for the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_host.store import instance_counts
from embedded_host.store.instance_counts import InstanceCount, InstanceCounter
from embedded_host.store.interface import SaveEntity
from embedded_host.store.sqlite import SqliteStore
from tests.store.rows import row


@pytest.fixture
def counter(store: SqliteStore, tmp_path: Path) -> Iterator[InstanceCounter]:
    counter = InstanceCounter(tmp_path / "state.db")
    yield counter
    counter.close()


def test_instances_are_counted_by_function_and_status(
    store: SqliteStore, counter: InstanceCounter
) -> None:
    store.write(
        [
            row(1, "a"),
            row(2, "b", status="Failed"),
            row(3, "c", status="Failed"),
            row(4, "d", "G"),
            row(5, "e", hub="Other"),
            row(6, "@no-entity", "G"),
            row(7, "@counter@k", "@counter"),
            SaveEntity(7, True, "1"),
        ]
    )
    assert sorted(counter.count("hub")) == [
        InstanceCount("@counter", "Running", True, 1),
        InstanceCount("F", "Failed", False, 2),
        InstanceCount("F", "Running", False, 1),
        InstanceCount("G", "Running", False, 2),
    ]


def test_the_counts_are_read_again_after_a_pause_and_a_change(
    store: SqliteStore, counter: InstanceCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write([row(1, "a")])
    monkeypatch.setattr(instance_counts, "PAUSES", 1e9)
    assert counter.count("Hub") == [InstanceCount("F", "Running", False, 1)]
    store.write([row(2, "b")])
    assert counter.count("Hub") == [InstanceCount("F", "Running", False, 1)]
    monkeypatch.setattr(instance_counts, "PAUSES", 0)
    counter._next = 0
    assert counter.count("Hub") == [InstanceCount("F", "Running", False, 2)]
