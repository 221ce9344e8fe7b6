"""The methods of the reader that are not in the contract, and its errors.

``contract_tests.py`` tests the other methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from embedded_host.engine import history as h
from embedded_host.store.connection import connect
from embedded_host.store.input_references import LONG
from embedded_host.store.interface import (
    AppendHistory,
    MessageRow,
    PutMessage,
    SaveInstance,
    SetInput,
    StateError,
)
from embedded_host.store.schema import create_schema
from embedded_host.store.sqlite import SqliteStore
from embedded_host.store.state_reader import SqliteReader
from tests.store.contract_tests import PLAIN, T0

PATH = Path("folder", "state.db")


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    with closing(SqliteStore(None)) as store:
        yield store


@pytest.fixture
def reader(store: SqliteStore) -> SqliteReader:
    """Return a reader of the store's rows that reports errors for ``PATH``."""
    return SqliteReader(PATH, store._writer)


def test_task_hubs_are_listed_and_their_instances_counted(
    store: SqliteStore, reader: SqliteReader
) -> None:
    assert (reader.hubs(), reader.count()) == ([], 0)
    store.write(
        [
            SaveInstance(replace(PLAIN, key=key, id=f"i{key}", hub=hub))
            for key, hub in enumerate(("Two", "One", "Two"), 1)
        ]
    )
    assert reader.hubs() == ["One", "Two"]
    assert (reader.count(), reader.count("tWO"), reader.count("Three")) == (3, 2, 0)


def test_a_long_input_is_read_in_messages_and_history(
    store: SqliteStore, reader: SqliteReader
) -> None:
    input = '"' + "x" * LONG + '"'
    started = h.execution_started(T0, instance_id="a", execution_id="e", name="Main", input=input)
    store.write(
        [
            SaveInstance(PLAIN),
            SetInput(1, input),
            PutMessage(MessageRow(1, 1, None, None, started)),
            AppendHistory(1, 0, (started,)),
        ]
    )
    assert reader.history(1) == [[started]]
    assert [row.event for row in reader.messages(1)] == [started]


def test_the_error_for_an_invalid_history_names_the_instance_and_the_file(
    store: SqliteStore, reader: SqliteReader
) -> None:
    store.write([SaveInstance(PLAIN)])
    for key in (1, 7):
        store._writer.execute(f"INSERT INTO history VALUES ({key}, 0, '[7]')")
    with pytest.raises(StateError, match=r"state\.db is damaged: the history of the instance 'a' "):
        reader.history(1)
    with pytest.raises(StateError, match=r"the history of the instance '7' is invalid"):
        reader.history(7)


def test_the_error_for_an_invalid_row_names_the_file(
    store: SqliteStore, reader: SqliteReader
) -> None:
    store.write([SaveInstance(PLAIN)])
    store._writer.execute("UPDATE instances SET created = 'yesterday'")
    with pytest.raises(StateError, match=r"state\.db is damaged: it contains an invalid row"):
        reader.instance("Hub", "a")


@pytest.mark.parametrize("table", ["instances", "history", "messages"])
def test_a_missing_table_is_reported(table: str) -> None:
    with closing(connect(":memory:")) as connection:
        create_schema(connection)
        connection.execute(f"DROP TABLE {table}")
        reader = SqliteReader(PATH, connection)
        reads: dict[str, Callable[[], object]] = {
            "instances": lambda: reader.instance("Hub", "a"),
            "history": lambda: reader.history(1),
            "messages": lambda: reader.messages(1),
        }
        with pytest.raises(StateError, match=rf"cannot be read: no such table: {table}"):
            reads[table]()
