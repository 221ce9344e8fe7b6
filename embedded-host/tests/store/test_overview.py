"""The queries of the dashboard on one instance and on entities, and the connection."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from embedded_host.engine import history as h
from embedded_host.store.interface import MessageRow, PutMessage, SaveEntity, SaveInstance
from embedded_host.store.overview import Overview
from embedded_host.store.sqlite import SqliteStore
from tests.store.rows import T0, row


def test_the_version_changes_with_every_write(store: SqliteStore, overview: Overview) -> None:
    first = overview.version()
    assert overview.version() == first
    store.write([row(1, "a")])
    second = overview.version()
    assert second != first
    fingerprint = overview.fingerprint("hub", "a")
    store.write([row(2, "b")])
    assert overview.version() != second
    assert overview.fingerprint("hub", "a") == fingerprint
    store.write([PutMessage(MessageRow(1, 1, "e", None, h.event_raised(T0, "Go", None)))])
    assert overview.fingerprint("hub", "a") != fingerprint
    assert overview.fingerprint("hub", "none") is None


def test_the_overview_cannot_write(overview: Overview) -> None:
    import sqlite3

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        overview._connection.execute("DELETE FROM instances")


def test_entities_have_names_and_states(store: SqliteStore, overview: Overview) -> None:
    store.write([row(4, "other"), row(5, "@counter@a", "@counter"), SaveEntity(5, True, "1")])
    assert overview.entity_names("HUB") == ["@counter"]
    assert overview.entity_states([5]) == {5: "1"}


def test_an_instance_that_continued_as_new_has_its_executions(
    store: SqliteStore, overview: Overview
) -> None:
    first = row(1, "loop").row
    again = replace(first, execution_id="e2", created=T0 + timedelta(hours=1), continued=True)
    store.write([SaveInstance(first), SaveInstance(again)])
    details = overview.instance("hub", "loop")
    assert details is not None
    assert details.executions == 2
    assert details.first_created == int(first.created.timestamp() * 1_000_000)
