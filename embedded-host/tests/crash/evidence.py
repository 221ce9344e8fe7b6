"""The evidence of a run: responses of the host, its state file, and the run log."""

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
    """The data that the checker compares with the request log."""

    statuses: dict[str, Json] = field(default_factory=dict)
    """Statuses of the orchestrations that the management API lists, by id."""
    entities: dict[str, Any] = field(default_factory=dict)
    """States of entities by ``name@key``."""
    histories: dict[str, list[list[HistoryEvent]]] = field(default_factory=dict)
    """Events of each turn by instance id."""
    runs: dict[str, Counter[str]] = field(default_factory=dict)
    """Ids of an activity's runs by its label."""
    pending: list[str] = field(default_factory=list)
    """Messages and activities that were not consumed."""
    damage: list[str] = field(default_factory=list)
    """Faults of the state file."""


async def settled(state: Path, seconds: float) -> list[str]:
    """Wait until no message and no activity is pending.

    Return the messages and activities that are still pending after ``seconds``.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    pending = _pending(state)
    while pending and loop.time() < end:
        await asyncio.sleep(0.1)
        pending = _pending(state)
    return pending


async def gather(
    pages: Callable[[str], Awaitable[list[Json]]], state: Path, run_log: Path
) -> Evidence:
    """Collect the evidence. ``pages`` requests all pages of a list from the management API."""
    evidence = Evidence()
    evidence.statuses = {
        s["instanceId"]: s for s in await pages("instances") if not s["instanceId"].startswith("@")
    }
    entities = await pages("entities?fetchState=true")
    evidence.entities = {
        f"{e['entityId']['name']}@{e['entityId']['key']}": e["state"] for e in entities
    }
    evidence.runs = runs_of(run_log)
    with contextlib.closing(_opened(state)) as database:
        for instance, events in database.execute(
            "SELECT i.id, h.events FROM history h JOIN instances i ON i.key = h.instance "
            "ORDER BY h.instance, h.turn"
        ):
            evidence.histories.setdefault(instance, []).append(decode_events(events))
        evidence.damage = _damage(database)
    evidence.pending = _pending(state)
    return evidence


def runs_of(run_log: Path) -> dict[str, Counter[str]]:
    """Return the ids of the runs by label."""
    runs: dict[str, Counter[str]] = {}
    for line in run_log.read_text().splitlines() if run_log.exists() else ():
        label, _, run = line.rpartition(" ")
        runs.setdefault(label, Counter())[run] += 1
    return runs


def _opened(state: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True)


def _pending(state: Path) -> list[str]:
    with contextlib.closing(_opened(state)) as database:
        messages = database.execute(
            "SELECT i.id, m.id, m.due, m.event FROM messages m "
            "LEFT JOIN instances i ON i.key = m.instance"
        ).fetchall()
        activities = database.execute(
            "SELECT i.id, a.id, a.name, a.input FROM activities a "
            "LEFT JOIN instances i ON i.key = a.instance"
        ).fetchall()
    return [f"message {row}" for row in messages] + [f"activity {row}" for row in activities]


def _damage(database: sqlite3.Connection) -> list[str]:
    faults = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
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
            faults.append(f"{orphans} rows of {table} belong to no instance")
    finished = (
        "SELECT i.id FROM awaited a JOIN instances i ON i.key = a.instance "
        "WHERE i.status NOT IN ('Running', 'Suspended')"
    )
    faults += [
        f"{row[0]} has finished, but the table awaited has rows of this instance"
        for row in database.execute(finished)
    ]
    gaps = (
        "SELECT instance FROM history GROUP BY instance "
        "HAVING count(*) != max(turn) + 1 OR min(turn) != 0"
    )
    faults += [
        f"the numbers of the turns of instance {row[0]} have gaps" for row in database.execute(gaps)
    ]
    return faults
