"""A state file, read without a host, or beside one; nothing in its folder is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from embedded_host.cli.command import CommandError
from embedded_host.cli.reader import Json, Page
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.timestamps import format_utc
from embedded_host.management.parameters import continuation_token, id_of_token
from embedded_host.management.status import history_events, shown_value, status_object
from embedded_host.store.interface import InstanceQuery, InstanceRow, StateError
from embedded_host.store.lock import StateLock
from embedded_host.store.read_only import read_state
from embedded_host.store.state_reader import SqliteReader


class StateFile:
    """``hub`` is the task hub that was asked for, ``app_hub`` the app's own, which counts where it is there."""

    def __init__(self, path: Path, hub: str | None = None, app_hub: str | None = None) -> None:
        self.path = path
        self.hub = self._hub(hub, app_hub)
        self.name = f"{path}, task hub {self.hub}"

    def _hub(self, asked: str | None, app_hub: str | None) -> str:
        with self.open() as store:
            hubs = store.hubs()
        for wanted in filter(None, (asked, app_hub)):
            if wanted.lower() in map(str.lower, hubs) or wanted == asked or not hubs:
                return wanted
        if len(hubs) > 1:
            raise CommandError(
                f"{self.path} holds the task hubs {', '.join(hubs)}: choose one with --task-hub-name. [EH507]"
            )
        return hubs[0] if hubs else "TestHubName"

    def open(self) -> AbstractContextManager[SqliteReader]:
        """Read the file; all reads are of one moment. Raises StateError."""
        return read_state(self.path)

    # -- reading -----------------------------------------------------------------------------------

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> Json | None:
        with self.open() as store:
            row = store.instance(self.hub, instance_id)
            if row is None:
                return None
            status = status_object(row, partial(store.input, row.key))
            if history and row.status != "Pending":
                events = [event for turn in store.history(row.key) for event in turn]
                status["historyEvents"] = history_events(events, show_output=True, show_input=True)
            return status

    def instances(
        self, query: InstanceQuery, top: int, token: str | None = None, *, show_input: bool = False
    ) -> Page:
        filter = replace(query, after_id=id_of_token(token))

        def item(store: SqliteReader, row: InstanceRow) -> Json:
            return status_object(row, partial(store.input, row.key) if show_input else None)

        return self._page(filter, top, item)

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page:
        filter = InstanceQuery(
            id_prefix=f"@{name.lower()}@" if name else "@",
            after_id=id_of_token(token),
            entities=True,
        )

        def item(store: SqliteReader, row: InstanceRow) -> Json | None:
            kept = store.entity(row.key)
            if kept is None or kept[1] is None:  # no operation has reached it yet
                return None
            entity = EntityId.parse(row.id)
            return {
                "entityId": {"name": entity.name, "key": entity.key},
                "lastOperationTime": format_utc(row.updated),
                "state": shown_value(kept[1]),
            }

        return self._page(filter, top, item)

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        with self.open() as store:
            row = store.instance(self.hub, str(EntityId(name.lower(), key)))
            kept = store.entity(row.key) if row else None
            if kept is None or kept[1] is None:
                return False, None
            return True, shown_value(kept[1])

    def _page(
        self,
        filter: InstanceQuery,
        top: int,
        item: Callable[[SqliteReader, InstanceRow], Json | None],
    ) -> Page:
        with self.open() as store:
            rows = store.list(self.hub, filter, top + 1)
            items = [found for row in rows[:top] if (found := item(store, row)) is not None]
        return Page(items, continuation_token(rows[top - 1].id) if len(rows) > top else None)


@contextmanager
def state_lock(folder: Path) -> Iterator[None]:
    """With the lock that a running host has. Raises CommandError if one does."""
    lock = StateLock(folder)
    try:
        lock.__enter__()
    except StateError as error:
        sentence = str(error).partition(" Stop that host")[0]
        raise CommandError(
            f"{sentence} This needs the state for itself: stop the host first. [EH521]"
        ) from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
