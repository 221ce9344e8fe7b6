"""A store that keeps the state in one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from embedded_host.engine.events import encode_parent
from embedded_host.store.epoch import micros
from embedded_host.store.error_messages import state_error
from embedded_host.store.files import file_size, log_file
from embedded_host.store.input_references import encode_stored_event, encode_stored_turn
from embedded_host.store.interface import (
    AppendHistory,
    Change,
    DeleteHistory,
    DeleteInstance,
    DeletePending,
    DeleteTaskHub,
    InstanceRow,
    PutActivity,
    PutMessage,
    SaveEntity,
    SaveInstance,
    SaveTimer,
    SetAwaited,
    SetInput,
    StateBusyError,
    TakeActivity,
    TakeMessage,
)
from embedded_host.store.state_file import open_in_memory, open_state
from embedded_host.store.state_reader import SqliteReader

BUSY_LIMIT = 10.0
"""Maximum seconds that ``write`` waits for the lock of another program."""
_Execute = Callable[[str, Sequence[object]], object]
"""The method ``execute`` of a connection."""
_DELETE_INSTANCE = ("instance", "input", "history", "messages", "activities", "awaited", "entity")
_DELETE_HUB = (
    "inputs",
    "history",
    "messages",
    "activities",
    "awaited",
    "entities",
    "timers",
    "instances",
)


class SqliteStore(SqliteReader):
    """Implements ``Store``.

    It has one connection for writing and one for reading, so that a reader never waits for the
    fsync of a write. One thread may write while another one reads.
    """

    def __init__(self, path: Path | None, *, fsync: bool = True) -> None:
        """Open a state file and create it if it is missing. None keeps the state in memory.

        Raises StateError if the file is not a state file of this version, is damaged, or cannot be
        opened.
        """
        self.was_left_open = path is not None and file_size(log_file(path)) > 0
        """True if the previous host did not close the file. The file's log then still exists."""
        if path is None:
            self._writer = reader = open_in_memory()
        else:
            self._writer, reader = open_state(path, fsync=fsync)
        super().__init__(path, reader)

    def close(self) -> None:
        """Close both connections."""
        if self._reader is not self._writer:
            self._reader.close()
        self._writer.close()

    def write(self, changes: Sequence[Change]) -> None:
        """Stage and commit the changes. Waits while another program has locked the file."""
        deadline = time.monotonic() + BUSY_LIMIT
        while True:
            try:
                self.stage(changes)
                break
            except StateBusyError:
                if time.monotonic() > deadline:
                    raise
        self.commit()

    def stage(self, changes: Sequence[Change]) -> None:
        """Start a transaction with these changes, as ``Store.stage`` describes."""
        execute: _Execute = self._writer.execute
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                for change in changes:
                    self._apply(execute, change)
            except BaseException:
                self._roll_back()
                raise
        except sqlite3.Error as error:
            raise state_error(self.path, error, "written") from error

    def commit(self) -> None:
        """Make all staged changes durable, or none of them."""
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise state_error(self.path, error, "written") from error

    def release_pages(self, pages: int) -> int:
        """Release unused pages to the file system, as ``Store.release_pages`` describes."""
        try:
            before = self._unused_pages()
            # ``execute`` would release one page only, because it runs one step of the statement.
            self._writer.executescript(f"PRAGMA incremental_vacuum({pages})")
            remaining = self._unused_pages()
            if 0 < remaining < before:
                return remaining
            # A checkpoint writes the log into the file. Only then does the file shrink.
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            raise state_error(self.path, error, "written") from error
        return 0

    def _unused_pages(self) -> int:
        return int(self._writer.execute("PRAGMA freelist_count").fetchone()[0])

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def _apply(self, execute: _Execute, change: Change) -> None:
        sql = self._sql
        if isinstance(change, SaveInstance):
            if change.row.continued:
                execute(sql["count_execution"], (change.row.key, change.row.execution_id))
            execute(sql["save_instance"], _instance_values(change.row))
        elif isinstance(change, AppendHistory):
            events = encode_stored_turn(change.events)
            execute(sql["append_history"], (change.instance, change.turn, events))
        elif isinstance(change, PutMessage):
            message = change.row
            due = None if message.due is None else micros(message.due)
            event = encode_stored_event(message.event)
            execute(
                sql["put_message"], (message.id, message.instance, message.execution_id, due, event)
            )
        elif isinstance(change, TakeMessage):
            execute(sql["take_message"], change)
        elif isinstance(change, PutActivity):
            a = change.row
            execute(
                sql["put_activity"], (a.id, a.instance, a.execution_id, a.task_id, a.name, a.input)
            )
        elif isinstance(change, TakeActivity):
            execute(sql["take_activity"], change)
        elif isinstance(change, SetInput):
            execute(
                sql["set_input"] if change.input is not None else sql["delete_input"],
                change if change.input is not None else change[:1],
            )
        elif isinstance(change, DeleteHistory):
            execute(sql["delete_history"], change)
        elif isinstance(change, DeletePending):
            execute(sql["delete_pending_messages"], change)
            execute(sql["delete_pending_activities"], change)
        elif isinstance(change, SetAwaited):
            execute(sql["delete_awaited"], change[:1])
            for kind, name in change.awaited:
                execute(sql["put_awaited"], (change.instance, kind, name))
        elif isinstance(change, SaveEntity):
            state = (int(change.has_state), change.state, change.locked_by)
            execute(sql["save_entity"], (change.instance, *state))
        elif isinstance(change, SaveTimer):
            timer = change.row
            times = (
                None if t is None else micros(t) for t in (timer.last, timer.next, timer.updated)
            )
            execute(sql["save_timer"], (timer.hub, timer.function, *times))
        elif isinstance(change, DeleteInstance):
            for name in _DELETE_INSTANCE:
                execute(sql[f"delete_{name}"], change)
        elif isinstance(change, DeleteTaskHub):
            for name in _DELETE_HUB:
                execute(sql[f"delete_hub_{name}"], change)


def _instance_values(row: InstanceRow) -> tuple[object, ...]:
    return (
        row.key,
        row.hub,
        row.id,
        row.name,
        row.status,
        micros(row.created),
        micros(row.updated),
        row.execution_id,
        row.generation,
        None if row.parent is None else encode_parent(row.parent),
        int(row.continued),
        row.protocol,
        row.custom_status,
        row.output,
        row.tags,
        None if row.parent is None else row.parent.orchestration_instance.instance_id,
    )
