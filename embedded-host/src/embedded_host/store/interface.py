"""What a store keeps and promises. ``sqlite.py`` is the one there is; ``tests/embedded_host/store`` holds every store to this.

Writing: ``write`` takes the changes of one or more turns and makes them durable together, in order: after it returns
they survive the end of the process and of the machine; if it raises, none of them happened.
Reading: sees what was written, never a part of a ``write``.
One process writes; ids and keys are its to choose, above ``highest_keys``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from embedded_host.engine.events import HistoryEvent, ParentInstance
from embedded_host.errors import EmbeddedHostError


class StateError(EmbeddedHostError):
    """The state cannot be opened or written; the text says which file, why, and what to do."""


@dataclass(frozen=True)
class InstanceRow:
    """The status of an instance. Texts are as stored: JSON, or a failure's plain text."""

    key: int
    hub: str
    id: str
    name: str
    status: str
    created: datetime
    updated: datetime
    execution_id: str
    generation: int | None = 0
    parent: ParentInstance | None = None
    continued: bool = False
    custom_status: str | None = None
    output: str | None = None


class MessageRow(NamedTuple):
    id: int
    instance: int
    execution_id: str | None
    due: datetime | None
    event: HistoryEvent


class Due(NamedTuple):
    """When a message is to be delivered, and which."""

    due: datetime
    instance: int
    message: int


class ActivityRow(NamedTuple):
    id: int
    instance: int
    execution_id: str
    task_id: int
    name: str
    input: str


class TimerRow(NamedTuple):
    """The status of a timer function."""

    hub: str
    function: str
    last: datetime | None
    """When it last ran; None if it never did."""
    next: datetime | None
    """When it is to run next; None if never."""
    updated: datetime
    """The time from which ``next`` was reckoned."""


class Address(NamedTuple):
    hub: str
    id: str


# -- changes -----------------------------------------------------------------------------------------


class SaveInstance(NamedTuple):
    """Create the row, or overwrite all of it but hub, id, name and parent."""

    row: InstanceRow


class DeleteInstance(NamedTuple):
    """The instance and all that belongs to it."""

    key: int


class SetInput(NamedTuple):
    instance: int
    input: str | None


class AppendHistory(NamedTuple):
    """``turn`` counts up from 0; ``events`` is the JSON array of that turn."""

    instance: int
    turn: int
    events: str


class DeleteHistory(NamedTuple):
    instance: int


class PutMessage(NamedTuple):
    row: MessageRow


class TakeMessage(NamedTuple):
    instance: int
    id: int


class PutActivity(NamedTuple):
    row: ActivityRow


class TakeActivity(NamedTuple):
    instance: int
    id: int


class DeletePending(NamedTuple):
    """What is under way for one execution: its timers, completions and activities. External events stay."""

    instance: int
    execution_id: str


class SetAwaited(NamedTuple):
    """``("event", NAME)`` and ``("entity", ID)``, each once: all that the instance waits for now of these kinds."""

    instance: int
    awaited: Sequence[tuple[str, str]]


class SaveEntity(NamedTuple):
    instance: int
    has_state: bool
    state: str | None


class SaveTimer(NamedTuple):
    row: TimerRow


Change = (
    SaveInstance
    | DeleteInstance
    | SetInput
    | AppendHistory
    | DeleteHistory
    | PutMessage
    | TakeMessage
    | PutActivity
    | TakeActivity
    | DeletePending
    | SetAwaited
    | SaveEntity
    | SaveTimer
)


@dataclass(frozen=True)
class InstanceFilter:
    """Which instances a list is of; None does not restrict. Bounds of time are inclusive."""

    id_prefix: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: tuple[str, ...] = ()
    after_id: str | None = None
    """Only ids behind this one: the way to the next page."""
    entities: bool | None = None
    """Only entities, only orchestrations, or (None) both."""
    updated_from: datetime | None = None
    updated_to: datetime | None = None


class Store(Protocol):
    def write(self, changes: Sequence[Change]) -> None:
        """``stage`` and ``commit``."""

    def stage(self, changes: Sequence[Change]) -> None:
        """Begin a transaction with these changes; ``commit`` is to follow. Raises StateError, and nothing is begun."""

    def commit(self) -> None:
        """Make what was staged durable, all or nothing. May be called in another thread. Raises StateError."""

    def close(self) -> None: ...

    def damaged(self, found: str) -> StateError:
        """The error to raise for a text that cannot be what was written; it says the way out."""

    def highest_keys(self) -> tuple[int, int, int]:
        """The highest instance key, message id and activity id in use, 0 for none."""

    def instance(self, hub: str, id: str) -> InstanceRow | None:
        """``hub`` without regard to case, ``id`` exactly."""

    def input(self, instance: int) -> str | None: ...

    def history(self, instance: int) -> list[str]:
        """The turns' JSON arrays, in order."""

    def awaited(self, instance: int) -> list[tuple[str, str]]:
        """As ``SetAwaited`` has it, sorted."""

    def entity(self, instance: int) -> tuple[bool, str | None] | None:
        """(exists, state)"""

    def timer(self, hub: str, function: str) -> TimerRow | None:
        """Both without regard to case."""

    def messages(self, instance: int) -> list[MessageRow]: ...

    def message(self, instance: int, id: int) -> tuple[MessageRow, Address] | None: ...

    def all_messages(self, due_by: datetime | None = None) -> Iterator[tuple[MessageRow, Address]]:
        """Every inbox, in order of id; without what is due later than ``due_by``."""

    def due_after(self, hub: str, moment: datetime) -> Iterator[Due]:
        """What of a hub's messages is due later than ``moment``."""

    def all_activities(self) -> Iterator[tuple[ActivityRow, Address]]: ...

    def continued(self) -> list[Address]:
        """Instances that continued as new and have not had their next turn."""

    def list(self, hub: str, filter: InstanceFilter, limit: int) -> list[InstanceRow]:
        """In order of id (code points), ``limit`` at most."""
