"""The open waits of an instance that a state file contains, without a replay."""

from __future__ import annotations

from itertools import chain

from embedded_host.history import HistoryView, Wait, WaitKind, open_waits, waiting_since
from embedded_host.store.interface import InstanceRow, StateReader


def recorded_history(store: StateReader, row: InstanceRow) -> HistoryView:
    """Return the view of the history of an instance's current execution."""
    return HistoryView.of(chain.from_iterable(store.history(row.key)))


def recorded_waits(store: StateReader, row: InstanceRow, view: HistoryView) -> list[Wait]:
    """Return the open calls and timers of a history, and the external events that it waits for.

    The host has stored the names of the events after the last turn.
    """
    if row.continued:
        return []
    awaited = store.awaited(row.key)
    since = waiting_since(view, (name for kind, name in awaited if kind == "undelivered"))
    events = [name for kind, name in awaited if kind == "event"]
    return open_waits(view) + [Wait(kind=WaitKind.EVENT, since=since, name=name) for name in events]
