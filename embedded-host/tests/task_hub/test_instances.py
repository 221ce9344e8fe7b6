from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity import Entity
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.orchestration import Orchestration
from embedded_host.store.interface import (
    AppendHistory,
    SaveEntity,
    SaveInstance,
    SetInput,
    StateError,
)
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.instances import load, new_orchestration, row_of
from tests.engine.scenario import PARENT, T0
from tests.store.contract_tests import FULL, PLAIN

STARTED = h.execution_started(
    T0, instance_id="i", execution_id="e", name="Main", input='"x"', parent=PARENT, generation=None
)


def test_a_new_orchestration_is_pending_with_the_data_of_its_start() -> None:
    instance = new_orchestration(7, STARTED)
    assert isinstance(instance.state, Orchestration)
    assert (instance.key, instance.id, instance.turns, instance.is_terminal) == (7, "i", 0, False)
    assert (instance.state.name, instance.state.execution_id, instance.state.input) == (
        "Main",
        "e",
        '"x"',
    )
    row = row_of("Hub", instance)
    assert (row.status, row.parent, row.created, row.updated) == ("Pending", PARENT, T0, T0)


def test_an_orchestration_survives_the_store() -> None:
    events: list[HistoryEvent] = [h.orchestrator_started(T0), STARTED, h.orchestrator_completed(T0)]
    with closing(SqliteStore(None)) as store:
        store.write(
            [
                SaveInstance(FULL),
                SetInput(FULL.key, '"x"'),
                AppendHistory(FULL.key, 0, tuple(events)),
            ]
        )
        instance = load(store, FULL)
    assert isinstance(instance.state, Orchestration)
    assert (instance.turns, instance.state.input, list(instance.state.history.events)) == (
        1,
        '"x"',
        events,
    )
    assert instance.is_terminal
    assert row_of("Hub", instance) == FULL


def test_an_entity_survives_the_store() -> None:
    row = replace(PLAIN, id="@counter@k", name="@counter", status="Running", execution_id="")
    with closing(SqliteStore(None)) as store:
        store.write([SaveInstance(row), SaveEntity(row.key, True, "5")])
        instance = load(store, row)
    assert isinstance(instance.state, Entity)
    assert (instance.state.exists, instance.state.state, instance.is_terminal) == (True, "5", False)
    assert row_of("Hub", instance) == row


def test_an_invalid_history_is_reported_as_damage() -> None:
    with closing(SqliteStore(None)) as store:
        store.write([SaveInstance(PLAIN)])
        store._writer.execute("INSERT INTO history VALUES (1, 0, '[{\"EventType\":99}]')")
        with pytest.raises(StateError, match="'a'"):
            load(store, PLAIN)
