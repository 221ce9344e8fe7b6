"""What a host came to, as far as it can be seen from outside: over HTTP, in the state file, and in the activities' ledger."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded_host.engine.events import HistoryEvent, decode_events

Json = dict[str, Any]


@dataclass
class Evidence:
    statuses: dict[str, Json] = field(default_factory=dict)
    """Of every orchestration that the management API lists, by id."""
    entities: dict[str, Any] = field(default_factory=dict)
    """``name@key`` -> its state."""
    histories: dict[str, list[list[HistoryEvent]]] = field(default_factory=dict)
    """By id, the events of each turn."""
    runs: dict[str, Counter[str]] = field(default_factory=dict)
    """By label, the numbers of the activity's runs."""
    left: list[str] = field(default_factory=list)
    """Messages and activities that nobody has taken."""
    damage: list[str] = field(default_factory=list)
    """What is wrong with the file itself."""


async def settled(state: Path, seconds: float) -> list[str]:
    """Wait until no message and no activity is under way; what is left after ``seconds``."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    left = _left(state)
    while left and loop.time() < end:
        await asyncio.sleep(0.1)
        left = _left(state)
    return left


async def gather(
    pages: Callable[[str], Awaitable[list[Json]]], state: Path, ledger: Path
) -> Evidence:
    """``pages`` asks the management API for a list, all pages of it."""
    found = Evidence()
    found.statuses = {
        s["instanceId"]: s for s in await pages("instances") if not s["instanceId"].startswith("@")
    }
    entities = await pages("entities?fetchState=true")
    found.entities = {
        f"{e['entityId']['name']}@{e['entityId']['key']}": e["state"] for e in entities
    }
    found.runs = runs_of(ledger)
    with contextlib.closing(_opened(state)) as database:
        for instance, events in database.execute(
            "SELECT i.id, h.events FROM history h JOIN instances i ON i.key = h.instance ORDER BY h.instance, h.turn"
        ):
            found.histories.setdefault(instance, []).append(decode_events(events))
        found.damage = _damage(database)
    found.left = _left(state)
    return found


def runs_of(ledger: Path) -> dict[str, Counter[str]]:
    runs: dict[str, Counter[str]] = {}
    for line in ledger.read_text().splitlines() if ledger.exists() else ():
        label, _, run = line.rpartition(" ")
        runs.setdefault(label, Counter())[run] += 1
    return runs


def _opened(state: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True)


def _left(state: Path) -> list[str]:
    with contextlib.closing(_opened(state)) as database:
        messages = database.execute(
            "SELECT i.id, m.id, m.due, m.event FROM messages m LEFT JOIN instances i ON i.key = m.instance"
        ).fetchall()
        activities = database.execute(
            "SELECT i.id, a.id, a.name, a.input FROM activities a LEFT JOIN instances i ON i.key = a.instance"
        ).fetchall()
    return [f"message {row}" for row in messages] + [f"activity {row}" for row in activities]


def _damage(database: sqlite3.Connection) -> list[str]:
    wrong = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
    tables = [
        row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    for table in tables:
        if "instance" not in [row[1] for row in database.execute(f"PRAGMA table_info({table})")]:
            continue
        orphans = database.execute(
            f"SELECT count(*) FROM {table} WHERE instance NOT IN (SELECT key FROM instances)"
        ).fetchone()[0]
        if orphans:
            wrong.append(f"{orphans} rows of {table} belong to no instance")
    over = "SELECT i.id FROM awaited a JOIN instances i ON i.key = a.instance WHERE i.status NOT IN ('Running', 'Suspended')"
    wrong += [
        f"{row[0]} has finished, and is said to wait for something"
        for row in database.execute(over)
    ]
    gaps = "SELECT instance FROM history GROUP BY instance HAVING count(*) != max(turn) + 1 OR min(turn) != 0"
    wrong += [
        f"instance {row[0]}: its turns are not numbered without gaps"
        for row in database.execute(gaps)
    ]
    return wrong
