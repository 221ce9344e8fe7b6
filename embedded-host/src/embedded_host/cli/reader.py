"""The instances and entities that commands read, and the interface of the sources.

A source is a running host or a state file. Both return the JSON of the management API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.status import FINISHED
from embedded_host.history import events_as_shown, events_of_status, execution_traceback
from embedded_host.store.interface import InstanceQuery

Json = dict[str, Any]
"""A JSON object of the management API."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class InstanceStatus:
    """The status of an instance. A property raises KeyError if a required member is missing."""

    document: Json
    """The status object of the management API (functions-host.md#instance-status)."""
    stack: str | None = None
    """The traceback of a failed instance that a state file contains, or None."""
    protocol: int | None = None
    """The protocol (``protocols``) of an unfinished history in a state file, or None."""
    stored_diagnosis: Json | None = None
    """The diagnosis of an instance in a state file, or None if it was not requested."""

    @property
    def instance_id(self) -> str:
        """The instance id."""
        return str(self.document["instanceId"])

    @property
    def name(self) -> str:
        """The name of the orchestrator, or of the entity function with a leading @."""
        return str(self.document["name"])

    @property
    def runtime_status(self) -> str:
        """The runtime status, such as ``Running``."""
        return str(self.document["runtimeStatus"])

    @property
    def is_finished(self) -> bool:
        """True if the status is Completed, Failed, Terminated or Canceled."""
        return self.runtime_status in FINISHED

    @property
    def created(self) -> str:
        """The time when the instance was created, in ISO 8601."""
        return str(self.document["createdTime"])

    @property
    def updated(self) -> str:
        """The time of the last change, in ISO 8601."""
        return str(self.document["lastUpdatedTime"])

    @property
    def input(self) -> object:
        """The input, or None if it was not requested."""
        return self.document.get("input")

    @property
    def output(self) -> object:
        """The result, the error message, or the reason of a suspension or termination."""
        return self.document.get("output")

    @property
    def custom_status(self) -> object:
        """The custom status, or None."""
        return self.document.get("customStatus")

    @property
    def traceback(self) -> str | None:
        """The traceback of a failed instance, or None if it is unknown.

        The diagnosis of an embedded host contains it, and so does a history of SDK 2.x.
        """
        diagnosis = self.document.get("diagnosis") or {}
        return self.stack or diagnosis.get("traceback") or execution_traceback(self.events())

    def events(self, execution_id: str = "") -> list[HistoryEvent]:
        """Return the history events in order of time. The list may be empty."""
        return events_of_status(self.document, execution_id)

    def events_as_shown(self, execution_id: str = "") -> list[HistoryEvent]:
        """Return the history events in the order of the API. The list may be empty."""
        return events_as_shown(self.document, execution_id)

    def without(self, *names: str) -> Json:
        """Return the document without the members ``names``."""
        return {name: value for name, value in self.document.items() if name not in names}


@dataclass(frozen=True)
class EntityState:
    """An entity with its state."""

    document: Json
    """The entity object of the management API (functions-host.md#management-routes)."""

    @property
    def name(self) -> str:
        """The name of the entity function, in lower case."""
        return str(self.document["entityId"]["name"])

    @property
    def key(self) -> str:
        """The entity's key."""
        return str(self.document["entityId"]["key"])

    @property
    def last_operation(self) -> str:
        """The time of the last operation, in ISO 8601."""
        return str(self.document["lastOperationTime"])

    @property
    def state(self) -> object:
        """The state as a JSON value."""
        return self.document["state"]


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A part of a list."""

    items: list[Item]
    token: str | None
    """The continuation token of the next page, or None for the last page."""


class Reader(Protocol):
    """A running host or a state file."""

    name: str
    """The name for messages: the host's URL, or the path and task hub of the state file."""

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> InstanceStatus | None:
        """Return the status of an instance, or None if the instance does not exist.

        The status contains the input and the output. If ``history`` is True, it also contains the
        member ``historyEvents`` with the results. If ``diagnosis`` is True and the source is an
        embedded host, it also contains the member ``diagnosis``.
        """

    def tree(self, instance_id: str) -> Json | None:
        """Return the tree of an orchestration (``task_hub/instance_tree.py``).

        Returns None if the orchestration does not exist. Raises CommandError if the source is not
        an embedded host or a state file.
        """

    def recorded_history(self, instance_id: str) -> list[HistoryEvent]:
        """Return the events with their private fields and with the events of turns.

        The list is empty if the source does not return them.
        """

    def instances(
        self,
        query: InstanceQuery,
        top: int,
        token: str | None = None,
        *,
        show_input: bool = False,
        order: str | None = None,
    ) -> Page[InstanceStatus]:
        """Return up to ``top`` instances that match a query, sorted by id or by ``order``.

        ``order`` is a key of ``ORDERS`` (``store/overview.py``), with - before it for a descending
        order.
        """

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page[EntityState]:
        """Return up to ``top`` entities of one entity function, or of all entity functions."""

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        """Return (True, state), or (False, None) if the entity has not processed any operation."""
