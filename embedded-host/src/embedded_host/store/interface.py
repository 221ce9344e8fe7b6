"""The storage contract: the rows of a state, the changes to it, and the methods of a store.

``sqlite.py`` implements the contract, and ``tests/store/contract_tests.py`` tests implementations.

- ``write`` applies the changes of one or more turns in order and makes them durable together. When
  it returns, the changes survive a crash of the process and of the machine. If it raises an
  exception, no change has taken effect.
- Read methods return committed data only, never a part of a ``write``.
- Only one process writes. It chooses keys and ids that are greater than those of ``highest_keys``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from embedded_host.engine.events import HistoryEvent, ParentInstance
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.errors import EmbeddedHostError


class StateError(EmbeddedHostError):
    """The state cannot be opened, read or written.

    The message contains the file, the reason and the fix.
    """


class StateBusyError(StateError):
    """Another program has locked the state file."""


# -- rows ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InstanceRow:
    """The status of an orchestration instance or entity."""

    key: int
    """Primary key, unique in the state."""
    hub: str
    """Name of the task hub. Comparisons ignore case."""
    id: str
    """Instance id, unique in the task hub. The id of an entity is ``@name@key``."""
    name: str
    """Name of the orchestrator, or ``@name`` of the entity."""
    status: str
    """A ``Status`` value."""
    created: datetime
    updated: datetime
    execution_id: str
    """Id of the current execution. It is empty for an entity."""
    generation: int | None = 0
    """Number of restarts under this id, or None for a child and after continue-as-new."""
    parent: ParentInstance | None = None
    """The parent of a sub-orchestration."""
    continued: bool = False
    """True between a continue-as-new and the first turn of the next execution."""
    protocol: int = SDK_1X
    """Version of the SDK's protocol (``protocols``) that the first turn of the execution used."""
    custom_status: str | None = None
    """The custom status as JSON, or None if none is set."""
    output: str | None = None
    """JSON, or the message of a failure or a termination as plain text."""
    tags: str | None = None
    """JSON object of the tags, or None without tags."""


@dataclass(frozen=True)
class MessageRow:
    """A message in an instance's inbox."""

    id: int
    """Message id, unique in the state. Messages are delivered in order of id."""
    instance: int
    """Key of the receiving instance."""
    execution_id: str | None
    """The execution that receives the message, or None for the current execution."""
    due: datetime | None
    """Time of delivery, or None for immediate delivery."""
    event: HistoryEvent
    """The history event that the message contains."""


class Due(NamedTuple):
    """A message and its time of delivery."""

    due: datetime
    instance: int
    message: int


@dataclass(frozen=True)
class ActivityRow:
    """A scheduled activity without a result."""

    id: int
    """Activity id, unique in the state. Activities start in order of id."""
    instance: int
    """Key of the orchestration instance."""
    execution_id: str
    """The execution that scheduled the activity."""
    task_id: int
    """``EventId`` of the TaskScheduled event."""
    name: str
    """Name of the activity function."""
    input: str
    """The activity's input as JSON."""


@dataclass(frozen=True)
class TimerRow:
    """The schedule status of a timer function."""

    hub: str
    function: str
    last: datetime | None
    """Time of the last run, or None before the first run."""
    next: datetime | None
    """Time of the next run, or None if the schedule has ended."""
    updated: datetime
    """The time at which ``next`` was computed."""


class EntityRow(NamedTuple):
    """The state of an entity."""

    has_state: bool
    state: str | None
    """The entity's state as JSON."""
    locked_by: str | None
    """Id of the orchestration that has locked the entity."""


class LockedEntity(NamedTuple):
    """A locked entity."""

    instance: int
    id: str
    locked_by: str


class Address(NamedTuple):
    """Task hub and instance id."""

    hub: str
    id: str


# -- changes ---------------------------------------------------------------------------------------


class SaveInstance(NamedTuple):
    """Insert or update a row. An update does not change hub, id, name, parent and tags.

    An update with ``continued`` and another execution id adds one to the number of executions.
    """

    row: InstanceRow


class DeleteInstance(NamedTuple):
    """Delete the instance and all its rows in other tables."""

    key: int


class DeleteTaskHub(NamedTuple):
    """Delete all instances and timers of a task hub."""

    hub: str


class SetInput(NamedTuple):
    """Set the input of the current execution. None deletes the stored input."""

    instance: int
    input: str | None


class AppendHistory(NamedTuple):
    """Append a turn to the history.

    A long input of an ExecutionStarted is not stored here. ``SetInput`` must store the same input.
    """

    instance: int
    turn: int
    """Number of the turn, from 0."""
    events: tuple[HistoryEvent, ...]


class DeleteHistory(NamedTuple):
    """Delete the history of an instance."""

    instance: int


class PutMessage(NamedTuple):
    """Insert a message into an inbox."""

    row: MessageRow


class TakeMessage(NamedTuple):
    """Delete a message that a turn has consumed."""

    instance: int
    id: int


class PutActivity(NamedTuple):
    """Insert a scheduled activity."""

    row: ActivityRow


class TakeActivity(NamedTuple):
    """Delete an activity whose result a turn has consumed."""

    instance: int
    id: int


class DeletePending(NamedTuple):
    """Delete the timers, completions and activities of one execution.

    External events are kept for the next execution.
    """

    instance: int
    execution_id: str


class SetAwaited(NamedTuple):
    """Replace the lists of an instance: awaited events and responses, and undelivered events."""

    instance: int
    awaited: Sequence[tuple[str, str]]
    """``("event", NAME)``, ``("entity", ID)`` and ``("undelivered", NAME)``, without duplicates."""


class SaveEntity(NamedTuple):
    """Insert or update the state of an entity."""

    instance: int
    has_state: bool
    state: str | None
    """The entity's state as JSON."""
    locked_by: str | None = None
    """Id of the orchestration that has locked the entity."""


class SaveTimer(NamedTuple):
    """Insert or update the schedule status of a timer function."""

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


ORDERS: Mapping[str, str] = {
    "createdTime": "created",
    "lastUpdatedTime": "updated",
    "duration": "duration",
    "name": "name",
    "id": "id",
    "status": "status",
}
"""The orders of lists, with the names of ``SORTS`` (``instance_lists.py``)."""
LONGEST_SEARCH = 1000
"""Maximum number of characters of a text to search for."""


@dataclass(frozen=True)
class InstanceQuery:
    """Conditions on instances. A condition that is None or () has no effect.

    The times are inclusive bounds.
    """

    id_prefix: str | None = None
    after_id: str | None = None
    """The last id of the previous page. Only greater ids match."""
    name: str | None = None
    statuses: tuple[str, ...] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    entities: bool | None = None
    """True for entities only, false for orchestrations only."""
    other_protocol: int | None = None
    """The protocol (``protocols``) that the matching instances do not use."""
    waiting: str | None = None
    """The kind of wait. Only unfinished instances with an open wait of this kind match.

    The value is ``activity``, ``timer``, ``child``, ``event`` or ``entity`` (an entity's response).
    ``activity:NAME``, ``child:NAME``, ``event:NAME`` and ``entity:ID`` match one name only.
    """
    search: str | None = None
    """A part of the id, input, output, error or custom status. The case of A to Z is ignored."""
    failed_with: str | None = None
    """A part of the error of a failed instance. The case of A to Z is ignored."""
    cause: str | None = None
    """The key of a ``FailureCause``. Only failed instances with this cause match."""
    parent_id: str | None = None
    """The instance id of the parent. Only its sub-orchestrations match."""
    top_level: bool = False
    """True for instances without a parent only."""

    @property
    def reads_values(self) -> bool:
        """True if a condition reads inputs, outputs or errors."""
        return any(text is not None for text in (self.search, self.failed_with, self.cause))


class StateReader(Protocol):
    """The read methods of a store.

    Each method raises StateError if the file is damaged or cannot be read.
    """

    def close(self) -> None:
        """Close the connections to the file."""

    def damage_error(self, damage: str) -> StateError:
        """Return the error for damaged data. ``damage`` describes the damage."""

    def highest_keys(self) -> tuple[int, int, int]:
        """Return the highest instance key, message id and activity id, or 0 for an empty table."""

    def instance(self, hub: str, id: str) -> InstanceRow | None:
        """Return an instance or None. The comparison of ``hub`` ignores case."""

    def input(self, instance: int) -> str | None:
        """Return the input of the current execution."""

    def history(self, instance: int) -> list[list[HistoryEvent]]:
        """Return the events of each turn, in order."""

    def awaited(self, instance: int) -> list[tuple[str, str]]:
        """Return the list of ``SetAwaited``, sorted."""

    def entity(self, instance: int) -> EntityRow | None:
        """Return the state of an entity, or None for an orchestration."""

    def locked_entities(self, hub: str) -> list[LockedEntity]:
        """Return the locked entities of a task hub, in order of their ids."""

    def timer(self, hub: str, function: str) -> TimerRow | None:
        """Return the schedule status of a timer function, or None. Comparisons ignore case."""

    def messages(self, instance: int) -> list[MessageRow]:
        """Return an instance's inbox in order of id."""

    def message(self, instance: int, id: int) -> tuple[MessageRow, Address] | None:
        """Return one message and the address of its receiver, or None."""

    def all_messages(self, due_by: datetime | None = None) -> Iterator[tuple[MessageRow, Address]]:
        """Return the messages of all inboxes in order of id.

        ``due_by`` excludes the messages that are due later.
        """

    def due_after(self, hub: str, time: datetime) -> Iterator[Due]:
        """Return the messages of a task hub that are due later than ``time``."""

    def all_activities(self) -> Iterator[tuple[ActivityRow, Address]]:
        """Return the activities of all instances, in order of id."""

    def continued(self) -> list[Address]:
        """Return the instances whose ``continued`` is true."""

    def scan(
        self, hub: str, query: InstanceQuery, rows: int
    ) -> tuple[list[InstanceRow], str | None]:
        """Examine the next ``rows`` instances after ``query.after_id`` in order of id.

        Returns the matching instances and the last examined id, which is None at the end of the
        list. The time of a call does not depend on the number of matching instances.
        """

    def list(self, hub: str, query: InstanceQuery, limit: int) -> list[InstanceRow]:
        """Return at most ``limit`` instances, ordered by the code points of their ids."""


class Store(StateReader, Protocol):
    """The methods of a store."""

    def write(self, changes: Sequence[Change]) -> None:
        """Stage and commit the changes. Waits while another program has locked the file.

        Raises StateError.
        """

    def stage(self, changes: Sequence[Change]) -> None:
        """Start a transaction with these changes. ``commit`` must follow.

        Raises StateError. If another program has locked the file, raises StateBusyError after a few
        milliseconds. After an error no transaction is open.
        """

    def commit(self) -> None:
        """Make all staged changes durable, or none of them. Any thread may call this method.

        Raises StateError.
        """

    def release_pages(self, pages: int) -> int:
        """Release up to ``pages`` unused pages of the file to the file system.

        Returns the number of pages that another call can release. Any thread may call this method,
        but only between transactions. Raises StateError.
        """
