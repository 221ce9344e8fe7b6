"""An execution's input is written once, into a row of its own: its ExecutionStarted, in the inbox and in the history, refers to
that row if it is long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from embedded_host.engine.history import Event, EventType
from embedded_host.engine.json_codec import compact_plain

LONG = 1024
"""Characters from which on a reference pays."""
_REFERENCE = {"in": "inputs"}
_AS_TEXT = '"Input":{"in":"inputs"}'
"""In a JSON text of events it cannot be anything else: an event's Input is a text or null, and texts have their quotes escaped."""


def referring(event: Event) -> Event:
    """The event as it is written beside the row of its input."""
    input = event.get("Input")
    if event.get("EventType") != EventType.EXECUTION_STARTED or input is None or len(input) < LONG:
        return event
    return {**event, "Input": _REFERENCE}


def with_input(event: dict[str, Any], input: Callable[[], str | None]) -> Event:
    """What ``referring`` was given; ``input`` reads the row."""
    if event.get("Input") == _REFERENCE:
        event["Input"] = input()
    return event


def text_with_input(events: str, input: str | None) -> str:
    """The same in the JSON array of a turn's events; ``input`` is the row's where that turn may have an ExecutionStarted."""
    if _AS_TEXT not in events:
        return events
    return events.replace(_AS_TEXT, f'"Input":{"null" if input is None else compact_plain(input)}')
