"""References to an execution's input.

An input is written once, into a row of its own. The ExecutionStarted in the inbox and in the history refers to that row
if the input is long.
"""

from __future__ import annotations

from msgspec.structs import replace

from embedded_host.engine.events import ExecutionStarted, HistoryEvent
from embedded_host.engine.json_codec import compact_plain

LONG = 1024
"""Inputs of this many characters or more are stored as a reference."""
_REFERENCE = {"in": "inputs"}
_AS_TEXT = '"Input":{"in":"inputs"}'
"""The reference in the JSON of events. It is unambiguous: other inputs are strings, in which quotes are escaped, or null."""


def referring(event: HistoryEvent) -> HistoryEvent:
    """Return the event to encode: a long input of an ExecutionStarted becomes a reference."""
    if not isinstance(event, ExecutionStarted) or event.input is None or len(event.input) < LONG:
        return event
    return replace(event, input=_REFERENCE)


def has_reference(events: str) -> bool:
    return _AS_TEXT in events


def text_with_input(events: str, input: str | None) -> str:
    """Return the JSON of one or more events with ``input`` in the place of the reference."""
    if not has_reference(events):
        return events
    return events.replace(_AS_TEXT, f'"Input":{"null" if input is None else compact_plain(input)}')
