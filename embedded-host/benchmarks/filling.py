"""A state with very many finished instances: copies of instances that a host really ran, written through its own store.

A copy differs from its model in id, execution id and the times in its row; the times in its history are the model's.
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
"""As app/host.json names it."""
_BATCH = 1000
AGE = timedelta(days=30)
"""The oldest copy was created so long ago, the newest just now."""


@dataclass(frozen=True)
class Model:
    row: InstanceRow
    input: str | None
    history: tuple[tuple[HistoryEvent, ...], ...]

    def copy(self, key: int, id: str, execution_id: str, created: datetime) -> Iterator[Change]:
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
    """Return the event of a copy: an ExecutionStarted has the copy's ids."""
    if not isinstance(event, ExecutionStarted):
        return event
    instance = OrchestrationInstance(instance_id=id, execution_id=execution_id)
    return structs.replace(event, orchestration_instance=instance)


@dataclass(frozen=True)
class Filled:
    """What was written, in the order of creation."""

    ids: list[str]
    oldest: datetime
    newest: datetime

    def created(self, part: float) -> datetime:
        """When so much of them had been created: 0 for the oldest, 1 for the newest."""
        return self.oldest + (self.newest - self.oldest) * part


def models(state: Path) -> dict[str, Model]:
    """The instances of a state, one for each status."""
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
    through: Callable[[range], Iterable[int]],
) -> Filled:
    """``count`` copies of ``usual``, but every so many of ``failed``; ``through`` shows how far it is."""
    chance = random.Random(5)  # the same ids in every run
    newest = datetime.now(timezone.utc)
    filled = Filled([], newest - AGE, newest)
    store = SqliteStore(state / STATE_FILE)
    try:
        for first in through(range(0, count, _BATCH)):
            changes: list[Change] = []
            for number in range(first, min(first + _BATCH, count)):
                model = failed if number % failed_every == failed_every - 1 else usual
                id, execution = (UUID(int=chance.getrandbits(128), version=4) for _ in range(2))
                changes += model.copy(
                    number + 1, id.hex, str(execution), filled.created((number + 1) / count)
                )
                filled.ids.append(id.hex)
            store.write(changes)
    finally:
        store.close()
    return filled
