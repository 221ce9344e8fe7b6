"""Creation of a state file with many finished instances, as copies of instances of a real run.

A copy has its own id, execution id and times. Only the times in its history are those of the
original.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

from msgspec import structs

from embedded_host.engine.events import ExecutionStarted, HistoryEvent, OrchestrationInstance
from embedded_host.store.files import STATE_FILE
from embedded_host.store.interface import (
    AppendHistory,
    Change,
    InstanceQuery,
    InstanceRow,
    SaveInstance,
    SetInput,
)
from embedded_host.store.sqlite import SqliteStore

HUB = "BenchmarkHub"
"""The task hub's name in app/host.json."""
_BATCH = 1000
AGE = timedelta(days=30)
"""The age of the oldest copy. The newest one is created at the present time."""


@dataclass(frozen=True)
class Model:
    """An instance that is copied."""

    row: InstanceRow
    input: str | None
    history: tuple[tuple[HistoryEvent, ...], ...]

    def copy(self, key: int, id: str, execution_id: str, created: datetime) -> Iterator[Change]:
        """Yield the changes that write a copy."""
        row = self.row
        took = row.updated - row.created
        yield SaveInstance(
            replace(
                row,
                key=key,
                id=id,
                execution_id=execution_id,
                created=created,
                updated=created + took,
            )
        )
        if self.input is not None:
            yield SetInput(key, self.input)
        for turn, events in enumerate(self.history):
            yield AppendHistory(
                key, turn, tuple(_renamed(event, id, execution_id) for event in events)
            )


def _renamed(event: HistoryEvent, id: str, execution_id: str) -> HistoryEvent:
    """Return an event with the ids of a copy. Only ExecutionStarted has ids."""
    if not isinstance(event, ExecutionStarted):
        return event
    instance = OrchestrationInstance(instance_id=id, execution_id=execution_id)
    return structs.replace(event, orchestration_instance=instance)


@dataclass(frozen=True)
class FilledState:
    """The written instances, in the order of their creation."""

    ids: list[str]
    oldest: datetime
    newest: datetime

    def created(self, part: float) -> datetime:
        """Return the creation time at the position ``part``, from 0 (oldest) to 1 (newest)."""
        return self.oldest + (self.newest - self.oldest) * part


def models(state: Path) -> dict[str, Model]:
    """Return one instance for each status that occurs in the state file, by status."""
    store = SqliteStore(state / STATE_FILE)
    try:
        rows = store.list(HUB, InstanceQuery(), 100)
        return {
            row.status: Model(row, store.input(row.key), tuple(map(tuple, store.history(row.key))))
            for row in rows
        }
    finally:
        store.close()


def fill(
    state: Path,
    usual: Model,
    failed: Model,
    count: int,
    failed_every: int,
    track: Callable[[range], Iterable[int]],
) -> FilledState:
    """Write ``count`` copies.

    Every ``failed_every``-th copy is a copy of ``failed``, and the others are copies of ``usual``.
    ``track`` wraps the range of batches, to show the progress.
    """
    generator = random.Random(5)  # the same ids in every run
    newest = datetime.now(timezone.utc)
    filled = FilledState([], newest - AGE, newest)
    store = SqliteStore(state / STATE_FILE)
    try:
        for first in track(range(0, count, _BATCH)):
            changes: list[Change] = []
            for number in range(first, min(first + _BATCH, count)):
                model = failed if number % failed_every == failed_every - 1 else usual
                id, execution = (UUID(int=generator.getrandbits(128), version=4) for _ in range(2))
                changes += model.copy(
                    number + 1, id.hex, str(execution), filled.created((number + 1) / count)
                )
                filled.ids.append(id.hex)
            store.write(changes)
    finally:
        store.close()
    return filled
