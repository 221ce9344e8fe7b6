"""The storage contract: the rows of a state, the changes to it, and the methods of a store.

``sqlite.py`` implements it; ``tests/store/contract_tests.py`` tests every implementation.

Writing: ``write`` applies the changes of one or more turns in order and makes them durable together. After it returns
they survive the end of the process and of the machine. If it raises, none of them happened.
Reading: returns committed data only, never a part of a ``write``.
One process writes. It chooses the keys and ids, above ``highest_keys``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from embedded_host.engine.events import HistoryEvent, ParentInstance
from embedded_host.errors import EmbeddedHostError


class StateError(EmbeddedHostError):
    """The state cannot be opened, read or written. The message names the file, the reason and the remedy."""


class StateBusyError(StateError):
    """Another program has locked the state file."""


# -- rows --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InstanceRow:
    """The status of an orchestration instance or entity."""

    key: int
    """Primary key, unique in the state."""
    hub: str
    """Name of the task hub; compared case-insensitively."""
    id: str
    """Instance id, unique in the task hub; an entity's is ``@name@key``."""
    name: str
    """Name of the orchestrator, or ``@name`` of the entity."""
    status: str
    """A ``Status`` value."""
    created: datetime
    updated: datetime
    execution_id: str
    """Id of the current execution; empty for an entity."""
    generation: int | None = 0
    """Number of restarts under this id; None after continue-as-new."""
    parent: ParentInstance | None = None
    """The parent of a sub-orchestration."""
    continued: bool = False
    """The instance has continued as new, and its next execution has had no turn yet."""
    custom_status: str | None = None
    """JSON."""
    output: str | None = None
    """JSON, or the plain text of a failure or a termination."""


@dataclass(frozen=True)
class MessageRow:
    """A message in an instance's inbox."""

    id: int
    """Unique in the state; inboxes are delivered in its order."""
    instance: int
    """Key of the receiving instance."""
    execution_id: str | None
    """The execution that the message is for; None for any."""
    due: datetime | None
    """Time of delivery of a timer; None for immediate delivery."""
    event: HistoryEvent
    """The history event that the message becomes."""


class Due(NamedTuple):
    """Time of delivery of a message."""

    due: datetime
    instance: int
    message: int


@dataclass(frozen=True)
class ActivityRow:
    """A scheduled activity without a result."""

    id: int
    """Unique in the state; activities start in its order."""
    instance: int
    """Key of the orchestration instance."""
    execution_id: str
    """The execution that scheduled it."""
    task_id: int
    """``EventId`` of its TaskScheduled event."""
    name: str
    """Name of the activity function."""
    input: str
    """JSON."""


@dataclass(frozen=True)
class TimerRow:
    """The schedule status of a timer function."""

    hub: str
    function: str
    last: datetime | None
    """Time of the last run; None before the first."""
    next: datetime | None
    """Time of the next run; None if there is none."""
    updated: datetime
    """The time from which ``next`` was computed."""


class Address(NamedTuple):
    """Task hub and instance id."""

    hub: str
    id: str


# -- changes -----------------------------------------------------------------------------------------


class SaveInstance(NamedTuple):
    """Insert the row, or update it except for hub, id, name and parent."""

    row: InstanceRow


class DeleteInstance(NamedTuple):
    """Delete the instance and everything that belongs to it."""

    key: int


class DeleteTaskHub(NamedTuple):
    """Delete all instances and timers of a task hub."""

    hub: str


class SetInput(NamedTuple):
    """Set the input of the current execution; None deletes it."""

    instance: int
    input: str | None


class AppendHistory(NamedTuple):
    """Append a turn to the history.

    The input of an ExecutionStarted must be that of ``SetInput``: a long one is stored only there.
    """

    instance: int
    turn: int
    """Number of the turn, from 0."""
    events: tuple[HistoryEvent, ...]


class DeleteHistory(NamedTuple):
    instance: int


class PutMessage(NamedTuple):
    row: MessageRow


class TakeMessage(NamedTuple):
    """Delete a message that a turn has consumed."""

    instance: int
    id: int


class PutActivity(NamedTuple):
    row: ActivityRow


class TakeActivity(NamedTuple):
    """Delete an activity whose result a turn has consumed."""

    instance: int
    id: int


class DeletePending(NamedTuple):
    """Delete the timers, completions and activities of one execution. External events stay."""

    instance: int
    execution_id: str


class SetAwaited(NamedTuple):
    """Replace the list of external events and entity responses that an instance waits for."""

    instance: int
    awaited: Sequence[tuple[str, str]]
    """``("event", NAME)`` and ``("entity", ID)``, without duplicates."""


class SaveEntity(NamedTuple):
    """Insert or update the state of an entity."""

    instance: int
    has_state: bool
    state: str | None
    """JSON."""


class SaveTimer(NamedTuple):
    row: TimerRow


Change = (
    SaveInstance
    | DeleteInstance
    | DeleteTaskHub
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
class InstanceQuery:
    """Conditions on instances. None and () do not restrict; bounds of time are inclusive."""

    id_prefix: str | None = None
    after_id: str | None = None
    """Only greater ids: the start of the next page of a list in order of id."""
    name: str | None = None
    statuses: tuple[str, ...] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    entities: bool | None = None
    """True: only entities. False: only orchestrations."""
    waiting: str | None = None
    """Only live instances that wait for an ``activity``, ``timer``, ``child``, ``event`` or ``entity`` (its response).
    ``activity:NAME``, ``child:NAME``, ``event:NAME`` and ``entity:ID`` narrow it."""


class StateReader(Protocol):
    """The read methods of a store. Each raises StateError for a file that is damaged or cannot be read."""

    def close(self) -> None: ...

    def damage_error(self, found: str) -> StateError:
        """Return the error for text that cannot be valid data; its message names the remedy."""

    def highest_keys(self) -> tuple[int, int, int]:
        """Return the highest instance key, message id and activity id; 0 for none."""

    def instance(self, hub: str, id: str) -> InstanceRow | None:
        """``hub`` is compared case-insensitively, ``id`` exactly."""

    def input(self, instance: int) -> str | None: ...

    def history(self, instance: int) -> list[list[HistoryEvent]]:
        """Return the events of each turn, in order."""

    def awaited(self, instance: int) -> list[tuple[str, str]]:
        """Return the list of ``SetAwaited``, sorted."""

    def entity(self, instance: int) -> tuple[bool, str | None] | None:
        """Return ``has_state`` and ``state`` of an entity; None if the instance is not one."""

    def timer(self, hub: str, function: str) -> TimerRow | None:
        """Both names are compared case-insensitively."""

    def messages(self, instance: int) -> list[MessageRow]:
        """Return the inbox, in order of id."""

    def message(self, instance: int, id: int) -> tuple[MessageRow, Address] | None: ...

    def all_messages(self, due_by: datetime | None = None) -> Iterator[tuple[MessageRow, Address]]:
        """Return the messages of all inboxes in order of id, without those that are due later than ``due_by``."""

    def due_after(self, hub: str, moment: datetime) -> Iterator[Due]:
        """Return the messages of a task hub that are due later than ``moment``."""

    def all_activities(self) -> Iterator[tuple[ActivityRow, Address]]:
        """Return the activities of all instances, in order of id."""

    def continued(self) -> list[Address]:
        """Return the instances with ``continued``."""

    def scan(
        self, hub: str, query: InstanceQuery, rows: int
    ) -> tuple[list[InstanceRow], str | None]:
        """Examine the next ``rows`` instances in order of id, from ``query.after_id``.

        Returns the matching ones and the last examined id, which is None at the end. A call takes a bounded time however
        few instances match.
        """

    def list(self, hub: str, query: InstanceQuery, limit: int) -> list[InstanceRow]:
        """Return at most ``limit`` instances in order of id (code points)."""


class Store(StateReader, Protocol):
    def write(self, changes: Sequence[Change]) -> None:
        """Stage and commit, and wait for another program's lock meanwhile. Raises StateError."""

    def stage(self, changes: Sequence[Change]) -> None:
        """Begin a transaction with these changes; ``commit`` must follow.

        Raises StateError, and StateBusyError at once for another program's lock. No transaction is open then.
        """

    def commit(self) -> None:
        """Make the staged changes durable, all or none. Any thread may call it. Raises StateError."""

    def release_pages(self, pages: int) -> int:
        """Return up to ``pages`` unused pages to the file system. Return the number of pages that another call can release.

        Call it between transactions only. Any thread may call it. Raises StateError.
        """
