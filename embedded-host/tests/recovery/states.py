"""State files with rows of every kind, their rows, and ways to damage them."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.store import interface as c
from embedded_host.store.sqlite import SqliteStore
from tests.support.damaged_file import PAGE

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
ENDED = BEGAN + timedelta(seconds=1)
LATER = BEGAN + timedelta(days=365)

Rows = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]
"""Rows by table and key."""


class Writer:
    """Writes instances of many kinds, as a host does."""

    def __init__(self, store: SqliteStore, chance: random.Random) -> None:
        self._store, self._chance = store, chance
        self._key = self._message = self._activity = 0

    def write(self, count: int) -> None:
        """Write ``count`` instances, each in its own commit."""
        kinds: list[Callable[[int], list[c.Change]]] = [
            self._finished,
            self._finished,
            self._pending,
            self._activity_runs,
            self._timer,
            self._event,
            self._parent_and_child,
            self._entity_and_caller,
            self._purged,
        ]
        for number in range(count):
            self._store.write(kinds[number % len(kinds)](number))
        self._store.write([c.SaveTimer(c.TimerRow("Hub", "Tick", BEGAN, LATER, BEGAN))])

    # -- kinds -------------------------------------------------------------------------------------

    def _finished(self, number: int) -> list[c.Change]:
        size = self._chance.choice([2, 200, 9000, 30000])
        output = '"' + "é" * (size // 2) + f'{number}"'
        key, id, status = (
            self._next(),
            f"finished-{number}",
            self._chance.choice(["Completed", "Failed", "Terminated"]),
        )
        input = f'"in {number}' + "x" * self._chance.choice([1, 3000]) + '"'
        turns: list[list[HistoryEvent]] = [
            [self._started(id, input), h.task_scheduled(BEGAN, 0, "Echo", '"x"')],
            [h.task_completed(ENDED, 0, '"y"'), h.execution_completed(ENDED, 1, status, output)],
        ]
        return self._instance(key, id, status, turns, input, output=output)

    def _pending(self, number: int) -> list[c.Change]:
        key, id = self._next(), f"pending-{number}"
        return [
            *self._instance(key, id, "Pending", [], '"in"'),
            self._put(key, "e", self._started(id, '"in"')),
        ]

    def _activity_runs(self, number: int) -> list[c.Change]:
        key, id = self._next(), f"activity-{number}"
        scheduled = [h.task_scheduled(BEGAN, n, "Echo") for n in range(3)]
        return [
            *self._instance(key, id, "Running", [[self._started(id, None), *scheduled]], None),
            *(
                c.PutActivity(
                    c.ActivityRow(self._next_activity(), key, "e", n, "Echo", f'"{number}"')
                )
                for n in range(3)
            ),
        ]

    def _timer(self, number: int) -> list[c.Change]:
        key, id = self._next(), f"timer-{number}"
        turns = [[self._started(id, '"3600"'), h.timer_created(BEGAN, 0, LATER)]]
        return [
            *self._instance(key, id, "Running", turns, '"3600"'),
            self._put(key, "e", h.timer_fired(LATER, 0, LATER), LATER),
        ]

    def _event(self, number: int) -> list[c.Change]:
        key, id = self._next(), f"event-{number}"
        return [
            *self._instance(key, id, "Running", [[self._started(id, None)]], None),
            c.SetAwaited(key, [("event", "Approval")]),
            self._put(key, None, h.event_raised(BEGAN, "Early", '"' + "x" * 500 + '"')),
        ]

    def _parent_and_child(self, number: int) -> list[c.Change]:
        parent, child = self._next(), self._next()
        id, child_id = f"parent-{number}", f"child-{number}"
        created = h.sub_orchestration_created(BEGAN, 0, "Child", child_id, None)
        instance = h.parent_instance("Main", id, "e", 0)
        return [
            *self._instance(parent, id, "Running", [[self._started(id, None), created]], None),
            *self._instance(
                child, child_id, "Running", [[self._started(child_id, None)]], None, parent=instance
            ),
        ]

    def _entity_and_caller(self, number: int) -> list[c.Change]:
        entity, caller = self._next(), self._next()
        entity_id, id = f"@counter@{number}", f"caller-{number}"
        request = request_message(
            request_id=f"r{number}",
            operation="add",
            input="1",
            signal=False,
            now=BEGAN,
            parent=id,
            parent_execution="e",
        )
        row = c.InstanceRow(entity, "Hub", entity_id, "@counter", "Running", BEGAN, BEGAN, "")
        sent = h.event_sent(BEGAN, 0, entity_id, "op", request)
        return [
            c.SaveInstance(row),
            c.SaveEntity(entity, True, str(number)),
            self._put(entity, None, h.event_raised(BEGAN, "op", request)),
            *self._instance(caller, id, "Running", [[self._started(id, None), sent]], None),
            c.SetAwaited(caller, [("entity", entity_id)]),
        ]

    def _purged(self, number: int) -> list[c.Change]:
        """Write and delete an instance, so that the file has free pages."""
        changes = self._finished(number)
        key = self._key
        self._store.write(changes)
        return [c.DeleteInstance(key)]

    # -- parts -------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._key += 1
        return self._key

    def _next_activity(self) -> int:
        self._activity += 1
        return self._activity

    def _put(
        self, key: int, execution: str | None, event: HistoryEvent, due: datetime | None = None
    ) -> c.PutMessage:
        self._message += 1
        return c.PutMessage(c.MessageRow(self._message, key, execution, due, event))

    def _started(self, id: str, input: str | None) -> HistoryEvent:
        return h.execution_started(
            BEGAN, instance_id=id, execution_id="e", name="Main", input=input
        )

    def _instance(
        self,
        key: int,
        id: str,
        status: str,
        turns: list[list[HistoryEvent]],
        input: str | None,
        **more: Any,
    ) -> list[c.Change]:
        updated = ENDED if len(turns) > 1 else BEGAN
        row = c.InstanceRow(key, "Hub", id, "Main", status, BEGAN, updated, "e", **more)
        return [
            c.SaveInstance(row),
            *([c.SetInput(key, input)] if input is not None else []),
            *(c.AppendHistory(key, n, tuple(events)) for n, events in enumerate(turns)),
        ]


def make_state(folder: Path, count: int, *, seed: int = 1, with_log: bool = False) -> Path:
    """Create a state file and return its path.

    ``with_log`` keeps the log, as after a kill of the host.
    """
    live = folder / "live" / "state.db"
    with closing(SqliteStore(live, fsync=False)) as store:
        Writer(store, random.Random(seed)).write(count)
        if with_log:
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{live}{suffix}", folder / f"state.db{suffix}")
    if not with_log:
        shutil.copyfile(live, folder / "state.db")
    shutil.rmtree(folder / "live")
    return folder / "state.db"


# -- the rows of a file -------------------------------------------------------------------------

KEYS = {
    "instances": 1,
    "inputs": 1,
    "history": 2,
    "messages": 2,
    "activities": 2,
    "awaited": 3,
    "entities": 1,
    "timers": 2,
}


@contextmanager
def copied(path: Path, to: Path) -> Iterator[Path]:
    """Provide a copy of a file and its log, because SQLite may change them."""
    to.mkdir(parents=True)
    for suffix in ("", "-wal"):
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", to / f"state.db{suffix}")
    yield to / "state.db"
    shutil.rmtree(to)


def rows_of(path: Path) -> Rows:
    """Return all rows of a state file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda data: data.decode(errors="surrogateescape")
        return {
            table: {row[:size]: row for row in connection.execute(f"SELECT * FROM {table}")}
            for table, size in KEYS.items()
        }


def event_type(message: tuple[Any, ...]) -> int:
    """Return the event type of a row of the table ``messages``."""
    return int(json.loads(message[4])["EventType"])


def is_sound(path: Path) -> bool:
    """Return true if SQLite finds no damage."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            return [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
    except (sqlite3.DatabaseError, UnicodeError):
        return False


# -- damage ----------------------------------------------------------------------------------------

Damage = Callable[[bytearray, random.Random], None]


def flip_one(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flip_many(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(2, 200)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def flip_heads_of_pages(data: bytearray, chance: random.Random) -> None:
    """Change page headers and the pointers after them."""
    for _ in range(chance.randrange(1, 6)):
        page = chance.randrange(len(data) // PAGE)
        data[page * PAGE + chance.randrange(60)] = chance.randrange(256)


def truncate(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def lose_last_pages(data: bytearray, chance: random.Random) -> None:
    del data[(len(data) // PAGE - chance.randrange(1, 8)) * PAGE :]


def zero_pages(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(1, 4)):
        page = chance.randrange(len(data) // PAGE)
        data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)


def garbage_span(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    length = min(chance.randrange(1, 3 * PAGE), len(data) - at)
    data[at : at + length] = chance.randbytes(length)


def header(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(1, 30)):
        data[chance.randrange(100)] = chance.randrange(256)


def first_page(data: bytearray, chance: random.Random) -> None:
    data[0:PAGE] = chance.choice([bytes(PAGE), chance.randbytes(PAGE)])


def swap_pages(data: bytearray, chance: random.Random) -> None:
    one, other = (chance.randrange(len(data) // PAGE) * PAGE for _ in range(2))
    data[one : one + PAGE], data[other : other + PAGE] = (
        data[other : other + PAGE],
        data[one : one + PAGE],
    )


def old_page(data: bytearray, chance: random.Random) -> None:
    """Copy a page over another one, as a misdirected write does."""
    one, other = (chance.randrange(len(data) // PAGE) * PAGE for _ in range(2))
    data[one : one + PAGE] = data[other : other + PAGE]


DAMAGES: tuple[Damage, ...] = (
    flip_one,
    flip_many,
    flip_heads_of_pages,
    truncate,
    lose_last_pages,
    zero_pages,
    garbage_span,
    header,
    first_page,
    swap_pages,
    old_page,
)
DAMAGES_OF_A_LOG: tuple[Damage, ...] = (flip_one, flip_many, truncate, garbage_span, zero_pages)
