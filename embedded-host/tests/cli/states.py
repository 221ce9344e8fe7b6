"""State files with instances, written without a host."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.store.interface import (
    AppendHistory,
    Change,
    InstanceRow,
    SaveEntity,
    SaveInstance,
    SetInput,
)
from embedded_host.store.sqlite import SqliteStore

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def after(seconds: float) -> datetime:
    """Return a time relative to START."""
    return START + timedelta(seconds=seconds)


def started(
    instance_id: str = "a", name: str = "Order", input: str | None = '{"n":1}'
) -> HistoryEvent:
    return h.execution_started(
        START, instance_id=instance_id, execution_id="e", name=name, input=input
    )


def instance(
    key: int,
    id: str = "a",
    status: str = "Completed",
    output: str | None = '"done"',
    hub: str = "TestHub",
    seconds: float = 9,
) -> SaveInstance:
    row = InstanceRow(
        key,
        hub,
        id,
        "Order",
        status,
        created=START,
        updated=after(seconds),
        execution_id="e",
        output=output,
    )
    return SaveInstance(row)


def entity(
    key: int, name: str, entity_key: str, state: str | None, hub: str = "TestHub"
) -> list[Change]:
    row = InstanceRow(key, hub, f"@{name}@{entity_key}", f"@{name}", "Running", START, after(1), "")
    return [SaveInstance(row), SaveEntity(key, state is not None, state)]


def completed_history() -> list[HistoryEvent]:
    return [
        started(),
        h.task_scheduled(after(1), 0, "Charge", "[7]"),
        h.timer_created(after(2), 1, after(4)),
        h.task_completed(after(3), 0, '"paid"'),
        h.timer_fired(after(2), 1, after(4)),
        h.event_raised(after(5), "Approval", "true"),
        h.execution_completed(after(9), 2, "Completed", '"done"'),
    ]


def write_state(folder: Path, *changes: Change) -> Path:
    """Write a state file and return its folder.

    Without ``changes``, the file contains three orders and one entity.
    """
    changes = changes or (
        instance(1, "a"),
        SetInput(1, '{"n":1}'),
        AppendHistory(1, 0, tuple(completed_history())),
        instance(2, "b", "Failed", "it broke", seconds=20),
        instance(3, "c", "Running", None),
        AppendHistory(3, 0, (started("c"), h.task_scheduled(after(1), 0, "Ship", "[1]"))),
        *entity(4, "counter", "visits", "5"),
    )
    with closing(SqliteStore(folder / "state.db", fsync=False)) as store:
        store.write(changes)
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the content of each file of a folder, by file name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
