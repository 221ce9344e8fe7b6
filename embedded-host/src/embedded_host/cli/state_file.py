"""A state file as a source of instances. A read does not write to the folder of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from embedded_host.cli.command import CommandError
from embedded_host.cli.reader import EntityState, InstanceStatus, Item, Json, Page
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.timestamps import format_utc
from embedded_host.history import execution_traceback
from embedded_host.management.parameters import continuation_token, id_of_token
from embedded_host.management.status import history_events, shown_value, status_object
from embedded_host.store.interface import InstanceQuery, InstanceRow, StateError
from embedded_host.store.lock import StateLock
from embedded_host.store.read_only import open_read_only, read_state
from embedded_host.store.state_reader import SqliteReader


class StateFile:
    """One task hub of a state file. The file may belong to a running host."""

    def __init__(self, path: Path, hub: str | None = None, app_hub: str | None = None) -> None:
        """Select a task hub of the state file at ``path``.

        ``hub`` is the name of the requested task hub, and ``app_hub`` is the name of the app's task
        hub. If ``hub`` is None and the file contains the app's task hub, the app's task hub is
        selected. Otherwise, the only task hub of the file is selected. Raises CommandError if the
        file contains several other task hubs, and StateError if the file is unreadable.
        """
        self.path = path
        self.hub = self._hub(hub, app_hub)
        self.name = f"{path}, task hub {self.hub}"

    def _hub(self, requested: str | None, app_hub: str | None) -> str:
        with self.open() as store:
            hubs = store.hubs()
        for name in filter(None, (requested, app_hub)):
            if name.lower() in map(str.lower, hubs) or name == requested or not hubs:
                return name
        if len(hubs) > 1:
            raise CommandError(
                f"{self.path} contains the task hubs {', '.join(hubs)}: select one with "
                "--task-hub-name. [EH507]"
            )
        return hubs[0] if hubs else "TestHubName"

    def open(self) -> AbstractContextManager[SqliteReader]:
        """Open a snapshot of the file for reading. Raises StateError."""
        return read_state(self.path)

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> InstanceStatus | None:
        """Return the status of an instance, or None (see Reader).

        The diagnosis is not a member of the status, because it is not that of a running host.
        """
        with self.open() as store:
            row = store.instance(self.hub, instance_id)
            if row is None:
                return None
            status = status_object(row, partial(store.input, row.key))
            traceback, protocol = None, None
            if history and row.status != "Pending":
                events = [event for turn in store.history(row.key) for event in turn]
                status["historyEvents"] = history_events(events, show_output=True, show_input=True)
                traceback = execution_traceback(events)
                if events and not row.continued and not row.id.startswith("@"):
                    protocol = row.protocol
            found = None
            if diagnosis:
                from embedded_host.task_hub.stored_diagnosis import stored_diagnosis

                found = stored_diagnosis(store, self.hub, row).document()
            return InstanceStatus(status, traceback, protocol, found)

    def tree(self, instance_id: str) -> Json | None:
        """Return the tree of an orchestration, or None if it does not exist (see Reader)."""
        from embedded_host.task_hub.instance_tree import instance_tree

        with self.open() as store:
            tree = instance_tree(store, self.hub, instance_id)
        return None if tree is None else tree.document()

    def recorded_history(self, instance_id: str) -> list[HistoryEvent]:
        """Return the events with their private fields (see Reader)."""
        with self.open() as store:
            row = store.instance(self.hub, instance_id)
            return [] if row is None else [e for turn in store.history(row.key) for e in turn]

    def instances(
        self,
        query: InstanceQuery,
        top: int,
        token: str | None = None,
        *,
        show_input: bool = False,
        order: str | None = None,
    ) -> Page[InstanceStatus]:
        """Return up to ``top`` instances that match a query (see Reader)."""
        from embedded_host.cli.found_instances import found_in_file, needs_search

        if needs_search(query, order):
            with open_read_only(self.path) as connection:
                connection.execute("BEGIN")
                return found_in_file(connection, self.hub, query, order, top, token)

        def item(store: SqliteReader, row: InstanceRow) -> InstanceStatus:
            input = partial(store.input, row.key) if show_input else None
            return InstanceStatus(status_object(row, input))

        return self._page(replace(query, after_id=id_of_token(token)), top, item)

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page[EntityState]:
        """Return up to ``top`` entities (see Reader)."""
        query = InstanceQuery(
            id_prefix=f"@{name.lower()}@" if name else "@",
            after_id=id_of_token(token),
            entities=True,
        )

        def item(store: SqliteReader, row: InstanceRow) -> EntityState | None:
            entity = store.entity(row.key)
            if entity is None or entity[1] is None:  # no operation has been processed yet
                return None
            entity_id = EntityId.parse(row.id)
            return EntityState(
                {
                    "entityId": {"name": entity_id.name, "key": entity_id.key},
                    "lastOperationTime": format_utc(row.updated),
                    "state": shown_value(entity[1]),
                }
            )

        return self._page(query, top, item)

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        """Return (True, state) for an entity, or (False, None) (see Reader)."""
        with self.open() as store:
            row = store.instance(self.hub, str(EntityId(name.lower(), key)))
            entity = store.entity(row.key) if row else None
            if entity is None or entity[1] is None:
                return False, None
            return True, shown_value(entity[1])

    def _page(
        self,
        query: InstanceQuery,
        top: int,
        item_of: Callable[[SqliteReader, InstanceRow], Item | None],
    ) -> Page[Item]:
        with self.open() as store:
            rows = store.list(self.hub, query, top + 1)
            items = [item for row in rows[:top] if (item := item_of(store, row)) is not None]
        return Page(items, continuation_token(rows[top - 1].id) if len(rows) > top else None)


@contextmanager
def state_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a state folder. Raises CommandError if a running host holds it."""
    lock = StateLock(folder)
    try:
        lock.__enter__()
    except StateError as error:
        sentence = str(error).partition(" Stop that host")[0]
        raise CommandError(
            f"{sentence} This command needs exclusive access: stop the host first. [EH521]"
        ) from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
